//! Two clusters behind one server, and tokens that are for one of them.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::servers::free_ports;
use serde_json::{Value, json};

use crate::people::send;
use crate::served::{self, Served};

const CLUSTERS: [&str; 2] = ["shop", "forum"];

/// A home with two clusters of one node each, whose agents run, and a server over it.
struct World {
    home: Ostler,
    agents: Vec<Child>,
    server: Served,
}

impl Drop for World {
    fn drop(&mut self) {
        for agent in &mut self.agents {
            // It may be gone already.
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

impl World {
    fn new() -> Self {
        let home = served::home();
        home.ok(["vault", "init"]);
        let ports: [u16; 2] = free_ports().unwrap();
        let mut agents = Vec::new();
        for (cluster, port) in CLUSTERS.into_iter().zip(ports) {
            let root = home.home().join("roots").join(cluster);
            fs::create_dir_all(&root).unwrap();
            fs::write(root.join("letter"), format!("of {cluster}")).unwrap();
            let node = format!("n=127.0.0.1:{port}");
            let root = format!("data={}", root.display());
            home.ok(["cluster", "init", cluster, "--node", &node, "--root", &root]);
            agents.push(agent(&home, cluster, port));
            home.ok(["backup", "create", "--cluster", cluster, "--name", cluster]);
        }
        let files = home.home().join("files");
        fs::create_dir(&files).unwrap();
        fs::write(files.join("letter"), "of the server").unwrap();
        home.ok(["backup", "create", "files", "--name", "files"]);
        for cluster in CLUSTERS {
            let name = format!("nightly-{cluster}");
            let add = ["schedule", "add", &name, "--cron", "@daily", "--"];
            home.ok(add.iter().chain(&["backup", "create", "--cluster", cluster]));
        }
        let server = Served::start(&home, &[]);
        Self { home, agents, server }
    }

    /// A token for an operator of one cluster.
    fn operator(&self, cluster: &str) -> Asking<'_> {
        let name = format!("operator-of-{cluster}");
        let words = ["token", "add", &name, "--role", "operator", "--cluster", cluster];
        Asking {
            world: self,
            token: self.home.ok(words).trim().to_owned(),
        }
    }
}

fn agent(home: &Ostler, cluster: &str, port: u16) -> Child {
    let config: PathBuf = home.home().join("settings/ostler/clusters");
    let config = config.join(cluster).join("nodes/n/agent.toml");
    let own = home.home().join("home-of").join(cluster);
    fs::create_dir_all(&own).unwrap();
    let mut agent = home
        .command(["agent", "--config", config.to_str().unwrap()])
        .env("HOME", &own)
        .env("OSTLER_STATE_DIR", own.join("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            agent.try_wait().unwrap().is_none(),
            "the agent of {cluster} ended"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(90),
            "the agent of {cluster} does not answer"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    agent
}

/// Somebody who asks the server.
struct Asking<'a> {
    world: &'a World,
    token: String,
}

impl Asking<'_> {
    fn run(&self, words: &[&str]) -> Output {
        let server = ["--server", self.world.server.url.as_str()];
        self.world
            .home
            .command(server.iter().chain(words))
            .env("OSTLER_TOKEN", &self.token)
            .output()
            .unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[words, &["--output", "json"]].concat());
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What a list has at this field of its rows.
    fn names(&self, words: &[&str], rows: &str, field: &str) -> Vec<String> {
        let list = self.json(words);
        let rows = list[rows].as_array().unwrap().iter();
        rows.map(|row| row[field].as_str().unwrap().to_owned()).collect()
    }

    fn refused(&self, words: &[&str], code: i32) {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", said(&output));
        let told = said(&output);
        assert!(
            !told.contains("of forum"),
            "{words:?} tells what is not theirs: {told}"
        );
    }

    fn page(&self, path: &str) -> (u16, String) {
        let bearer = format!("Bearer {}", self.token);
        let port = self.world.server.port();
        let answer = send(port, "GET", path, &[("authorization", &bearer)], "");
        (answer.status, answer.body)
    }

    fn post(&self, path: &str, body: &Value) -> u16 {
        let bearer = format!("Bearer {}", self.token);
        let port = self.world.server.port();
        send(
            port,
            "POST",
            path,
            &[("authorization", &bearer)],
            body.to_string(),
        )
        .status
    }
}

#[test]
fn an_operator_of_one_cluster_does_everything_with_it_and_sees_nothing_of_another() {
    let world = World::new();
    let shop = world.operator("shop");
    let id_of = |name: &str| {
        let shown = world.home.json(["backup", "show", name]);
        (
            shown["id"].as_str().unwrap().to_owned(),
            shown["operation"].as_str().unwrap().to_owned(),
        )
    };
    let ((theirs, their_operation), (files, files_operation)) = (id_of("forum"), id_of("files"));

    // What there is of it is seen, and nothing else.
    assert_eq!(shop.names(&["backup", "list"], "backups", "name"), ["shop"]);
    assert_eq!(
        shop.names(&["schedule", "list"], "schedules", "name"),
        ["nightly-shop"]
    );
    let operations = shop.json(&["operation", "list"]);
    assert_eq!(
        operations["operations"].as_array().unwrap().len(),
        1,
        "{operations:#}"
    );
    assert_eq!(operations["operations"][0]["clusters"], json!(["shop"]));
    assert_eq!(shop.json(&["backup", "show", "latest"])["name"], "shop");
    let text = shop.run(&["restore", "latest", "--stdout", "n/data/letter"]);
    assert_eq!(text.stdout, b"of shop", "{}", said(&text));

    // It is backed up, proven, marked and deleted.
    let made = shop.json(&["backup", "create", "--cluster", "shop", "--name", "second"]);
    assert_eq!(made["backup"]["state"], "complete", "{made:#}");
    shop.json(&["backup", "verify", "second", "--read-data"]);
    shop.json(&["backup", "drill", "second"]);
    shop.json(&["backup", "hold", "second"]);
    shop.json(&["backup", "release", "second"]);
    shop.json(&["backup", "delete", "shop", "--yes"]);
    shop.json(&["schedule", "pause", "nightly-shop"]);
    shop.json(&["schedule", "resume", "nightly-shop"]);
    shop.json(&["schedule", "run", "nightly-shop"]);
    let kinds = shop.names(&["operation", "list"], "operations", "kind");
    for kind in ["create_backup", "verify", "drill", "delete"] {
        assert!(kinds.iter().any(|known| known == kind), "no {kind} in {kinds:?}");
    }

    // What is of the other cluster, or of the server, is not there.
    for words in [
        &["backup", "show", "forum"][..],
        &["backup", "show", &theirs],
        &["backup", "show", "files"],
        &["backup", "show", &files, "--files"],
        &["backup", "verify", &theirs],
        &["backup", "drill", &files],
        &["backup", "hold", &theirs],
        &["backup", "delete", &theirs, "--yes"],
        &["backup", "diff", "latest", &theirs],
        &["restore", &theirs, "--stdout", "n/data/letter"],
        &["restore", &theirs, "--cluster", "shop"],
        &["operation", "show", &their_operation],
        &["operation", "resume", &files_operation],
        &["operation", "cancel", &their_operation],
        &["schedule", "show", "nightly-forum"],
        &["schedule", "pause", "nightly-forum"],
        &["schedule", "remove", "nightly-forum"],
        &["schedule", "run", "nightly-forum"],
    ] {
        shop.refused(words, 7);
    }
    let onto = world.home.home().join("restored").display().to_string();
    let sources = world.home.home().join("files").display().to_string();
    for words in [
        &["backup", "create", "--cluster", "forum"][..],
        &["backup", "create", &sources],
        &["backup", "prune", "--keep-last", "1", "--yes"],
        &["restore", "latest", "--cluster", "forum"],
        &["restore", "latest", "--to", &onto],
        &["vault", "list"],
        &["vault", "info"],
        &["vault", "check"],
        &["vault", "key", "list"],
        &["operation", "export"],
        &["webhook", "list"],
        &["audit", "list"],
        &["metrics"],
        &[
            "schedule",
            "add",
            "x",
            "--cron",
            "@daily",
            "--",
            "backup",
            "create",
            "--cluster",
            "forum",
        ],
        &[
            "schedule", "add", "x", "--cron", "@daily", "--", "backup", "verify", "latest",
        ],
        &[
            "schedule",
            "edit",
            "nightly-shop",
            "--",
            "backup",
            "create",
            "--cluster",
            "forum",
        ],
        &["schedule", "run-due"],
    ] {
        shop.refused(words, 9);
    }

    // A plan that somebody else made, or that was made up, is not carried out.
    let admin = world.home.ok(["token", "add", "admin", "--role", "admin"]);
    let admin = Asking {
        world: &world,
        token: admin.trim().to_owned(),
    };
    let verify = json!({"kind": "verify", "backup": {"vault": null, "backup": theirs}});
    let bearer = format!("Bearer {}", admin.token);
    let port = world.server.port();
    let plan = send(
        port,
        "POST",
        "/v1/plans",
        &[("authorization", &bearer)],
        verify.to_string(),
    );
    let plan: Value = serde_json::from_str(&plan.body).unwrap();
    assert_eq!(
        shop.post("/v1/operations", &json!({"digest": plan["digest"]})),
        404
    );
    assert_eq!(shop.post("/v1/operations", &json!({"plan": plan})), 400);

    // Pages say the same.
    let (status, overview) = shop.page("/");
    assert_eq!(status, 200);
    assert!(
        overview.contains("cluster:shop") && !overview.contains("forum"),
        "{overview}"
    );
    assert!(
        !overview.contains("New backup") && !overview.contains("href=\"/vaults\""),
        "{overview}"
    );
    let (status, page) = shop.page(&format!("/backups/default/{theirs}"));
    assert_eq!(status, 404, "{page}");
    assert_eq!(shop.page(&format!("/operations/{their_operation}")).0, 404);
    assert_eq!(shop.page("/settings").0, 403);

    // Whoever may see all of it does.
    assert_eq!(admin.names(&["backup", "list"], "backups", "id").len(), 4);
    let add = ["token", "add", "both", "--role", "operator"];
    let clusters = ["--cluster", "shop", "--cluster", "forum"];
    let both = world.home.ok(add.iter().chain(&clusters));
    let both = Asking {
        world: &world,
        token: both.trim().to_owned(),
    };
    let mut seen = both.names(&["schedule", "list"], "schedules", "name");
    seen.sort();
    assert_eq!(seen, ["nightly-forum", "nightly-shop"]);
    assert!(both.page("/").1.contains("cluster:forum"));
    both.refused(&["backup", "create", &sources], 9);
}
