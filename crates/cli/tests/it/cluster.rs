//! Clusters of three agents, each a process of its own with a root of its own: backed up, killed, restored elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::random::Random;
use ostler_testkit::servers::free_ports;
use ostler_testkit::tree;
use serde_json::Value;

type Trees = BTreeMap<&'static str, BTreeMap<PathBuf, tree::Node>>;

const NODES: [&str; 3] = ["a", "b", "c"];
const PATIENCE: Duration = Duration::from_secs(90);

/// A home with the cluster `shop`, and its agents that run.
struct Cluster {
    ostler: Ostler,
    ports: BTreeMap<&'static str, u16>,
    agents: BTreeMap<&'static str, Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for agent in self.agents.values_mut() {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

impl Cluster {
    /// Three nodes with different files, of which some are the same on all of them.
    fn new() -> Self {
        let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
        ostler.ok(["vault", "init"]);
        let ports: [u16; 3] = free_ports().unwrap();
        let mut words = vec!["cluster".to_owned(), "init".to_owned(), "shop".to_owned()];
        for (node, port) in NODES.iter().zip(ports) {
            words.extend(["--node".to_owned(), format!("{node}=127.0.0.1:{port}")]);
        }
        let root = ostler.home().join("nodes/{node}");
        words.extend(["--root".to_owned(), format!("data={}", root.display())]);
        ostler.ok(&words);
        let mut cluster = Self {
            ostler,
            ports: NODES.into_iter().zip(ports).collect(),
            agents: BTreeMap::new(),
        };
        for (seed, node) in (1..).zip(NODES) {
            cluster.fill(node, seed);
        }
        cluster
    }

    fn started() -> Self {
        let mut cluster = Self::new();
        for node in NODES {
            cluster.start(node);
        }
        cluster
    }

    /// With agents that store 1 MiB a second, so that there is time to kill something.
    fn slow() -> Self {
        let mut cluster = Self::new();
        for node in NODES {
            let file = cluster.config(node);
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, format!("{text}\n[vault.default.limits]\nupload = \"1 MiB\"\n")).unwrap();
            cluster.start(node);
        }
        cluster
    }

    fn root(&self, node: &str) -> PathBuf {
        self.ostler.home().join("nodes").join(node)
    }

    fn config(&self, node: &str) -> PathBuf {
        let clusters = self.ostler.home().join("settings/ostler/clusters");
        clusters.join("shop/nodes").join(node).join("agent.toml")
    }

    fn fill(&self, node: &str, seed: u64) {
        let (mut own, mut shared) = (Random::new(seed), Random::new(99));
        for number in 0..12 {
            let directory = self.root(node).join(format!("d{}", number % 3));
            fs::create_dir_all(&directory).unwrap();
            let length = if number == 0 { 3 << 20 } else { 20_000 };
            fs::write(directory.join(format!("f{number}")), own.bytes(length)).unwrap();
            fs::write(directory.join(format!("s{number}")), shared.bytes(9_000)).unwrap();
        }
        std::os::unix::fs::symlink("d0", self.root(node).join("link")).unwrap();
        fs::write(self.root(node).join("name"), node).unwrap();
    }

    fn agent(&self, node: &str) -> Command {
        let config = self.config(node);
        let mut command = self.ostler.command(["agent", "-v", "--config", config.to_str().unwrap()]);
        let home = self.ostler.home().join("home-of").join(node);
        fs::create_dir_all(&home).unwrap();
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log(node)).unwrap();
        command
            .env("HOME", &home)
            .env("OSTLER_STATE_DIR", home.join("state"))
            .stdout(Stdio::null())
            .stderr(log);
        command
    }

    fn log(&self, node: &str) -> PathBuf {
        self.ostler.home().join(format!("agent-{node}.log"))
    }

    fn start(&mut self, node: &'static str) {
        let command = self.agent(node);
        self.start_by(node, command);
    }

    fn start_by(&mut self, node: &'static str, mut command: Command) {
        let mut agent = command.spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.ports[node])).is_err() {
            let log = || fs::read_to_string(self.log(node)).unwrap();
            assert!(agent.try_wait().unwrap().is_none(), "agent {node} ended: {}", log());
            assert!(begun.elapsed() < PATIENCE, "agent {node} does not answer: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.agents.insert(node, agent);
    }

    fn kill(&mut self, node: &str) {
        let mut agent = self.agents.remove(node).unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    fn trees(&self) -> Trees {
        NODES.into_iter().map(|node| (node, tree::read(&self.root(node)))).collect()
    }

    fn wreck(&self) {
        for node in NODES {
            fs::remove_dir_all(self.root(node)).unwrap();
            fs::create_dir_all(self.root(node)).unwrap();
        }
    }

    fn backup(&self, more: &[&str]) -> Output {
        let words = ["backup", "create", "--cluster", "shop"];
        self.ostler.run(words.iter().chain(more))
    }

    fn backups(&self) -> Vec<Value> {
        let list = self.ostler.json(["backup", "list"]);
        list["backups"].as_array().unwrap().clone()
    }

    /// Waits until this many bytes were stored by the operation that runs.
    fn until_stored(&self, bytes: u64) {
        let packs = self.ostler.vault().join("packs");
        let begun = Instant::now();
        while size_of(&packs) < bytes {
            assert!(begun.elapsed() < PATIENCE, "nothing is stored");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until a node was asked to store its files.
    fn until_asked(&self, node: &str) {
        let begun = Instant::now();
        while !fs::read_to_string(self.log(node)).unwrap().contains("asked to upload") {
            assert!(begun.elapsed() < PATIENCE, "{node} is not asked");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn size_of(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size_of(&entry.path()),
            _ => entry.metadata().map_or(0, |metadata| metadata.len()),
        })
        .sum()
}

fn ended(output: &Output, code: i32) -> String {
    let all = said(output);
    assert_eq!(output.status.code(), Some(code), "{all}");
    all
}

fn same(expected: &Trees, found: &Trees, pairs: &[(&str, &str)]) {
    for (from, to) in pairs {
        let (expected, found) = (&expected[from], &found[to]);
        assert!(expected == found, "{from} to {to}: {}", tree::difference(expected, found));
    }
}

#[test]
fn a_cluster_comes_back_onto_its_nodes_and_onto_swapped_ones() {
    let cluster = Cluster::started();
    let ostler = &cluster.ostler;
    let before = cluster.trees();
    assert!(ostler.ok(["cluster", "status", "shop"]).contains("ok"));
    ended(&cluster.backup(&["--name", "first"]), 0);

    // One backup, of one cluster, with three parts; what the nodes share is stored once, or a few times at most.
    let backups = cluster.backups();
    assert_eq!(backups.len(), 1);
    assert_eq!(backups[0]["state"], "complete");
    assert_eq!(backups[0]["source"]["host"], "cluster:shop");
    let shown = ostler.json(["backup", "show", "first"]);
    assert_eq!(shown["cluster"]["parts"].as_array().unwrap().len(), 3);
    let files = ostler.ok(["backup", "show", "first", "--files"]);
    assert!(files.contains("a/data/d0/f0") && files.contains("c/data/name"), "{files}");
    assert_eq!(ostler.ok(["restore", "first", "--stdout", "b/data/name"]), "b");
    ostler.ok(["backup", "verify", "first", "--read-data"]);
    ostler.ok(["backup", "drill", "first", "--check", "test $(cat c/data/name) = c"]);
    assert_eq!(cluster.backups()[0]["state"], "verified");

    // What did not change is not read again.
    fs::write(cluster.root("b").join("new"), "new").unwrap();
    let report = ostler.json(["backup", "create", "--cluster", "shop", "--name", "second"]);
    assert_eq!(report["backup"]["counts"]["changed_files"], 1, "{report:#}");
    assert_eq!(report["parent"], backups[0]["id"]);
    let diff = ostler.ok(["backup", "diff", "first", "second"]);
    assert!(diff.contains("b/data/new") && !diff.contains("a/data/"), "{diff}");

    // Not over other files, nor over what is not in the backup.
    let told = ended(&ostler.run(["restore", "first", "--cluster", "shop"]), 4);
    assert!(told.contains("b:") && told.contains("new"), "{told}");
    fs::write(cluster.root("a").join("name"), "changed").unwrap();
    let told = ended(&ostler.run(["restore", "second", "--cluster", "shop"]), 4);
    assert!(told.contains("a:") && told.contains("--overwrite different"), "{told}");
    let one = ["restore", "first", "--cluster", "shop", "--overwrite", "different", "--into-used"];
    ostler.ok(one);
    same(&before, &cluster.trees(), &[("a", "a"), ("c", "c")]);
    assert!(cluster.root("b").join("new").exists());
    let exact = ["restore", "first", "--cluster", "shop", "--delete-extra", "--yes"];
    ostler.ok(exact);
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b"), ("c", "c")]);

    // Swapped names lose nothing, and a plan says who gets what before.
    cluster.wreck();
    let rotated = ["--node", "a=b", "--node", "b=c", "--node", "c=a"];
    let words = ["restore", "first", "--cluster", "shop"];
    let plan = ostler.ok(words.iter().chain(&rotated).chain(&["--dry-run"]));
    assert!(plan.contains("b gets a/data") && plan.contains("c gets b/data"), "{plan}");
    assert!(fs::read_dir(cluster.root("a")).unwrap().next().is_none());
    ostler.ok(words.iter().chain(&rotated));
    same(&before, &cluster.trees(), &[("a", "b"), ("b", "c"), ("c", "a")]);
    let again = ostler.json(words.iter().chain(&rotated));
    assert_eq!(again["files_written"], 0, "{again:#}");

    // Half a permutation has no place for one of them; one node alone is restored alone.
    ended(&ostler.run(["restore", "first", "--cluster", "shop", "--node", "a=b"]), 2);
    cluster.wreck();
    ostler.ok(["restore", "first", "--cluster", "shop", "--nodes", "a", "--node", "a=c"]);
    same(&before, &cluster.trees(), &[("a", "c")]);
    assert!(fs::read_dir(cluster.root("a")).unwrap().next().is_none());

    // Not without saying where.
    ended(&ostler.run(["restore", "first"]), 2);
}

#[test]
fn a_node_that_is_down_fails_a_backup_or_makes_it_partial() {
    let mut cluster = Cluster::started();
    let before = cluster.trees();
    cluster.kill("c");
    let told = ended(&cluster.ostler.run(["cluster", "status", "shop"]), 8);
    assert!(told.contains("cannot reach the agent of node `c`"), "{told}");

    let told = ended(&cluster.backup(&[]), 8);
    assert!(told.contains("2 of 3 nodes") && told.contains("`c`"), "{told}");
    assert!(cluster.backups().is_empty());
    assert!(fs::read_dir(cluster.ostler.vault().join("intents")).map_or(true, |mut found| found.next().is_none()));

    let told = ended(&cluster.backup(&["--quorum", "2", "--name", "two"]), 3);
    assert!(told.contains("nodes c"), "{told}");
    let shown = cluster.ostler.json(["backup", "show", "two"]);
    assert_eq!(shown["state"], "partial");
    assert_eq!(shown["cluster"]["absent"], serde_json::json!(["c"]));
    assert!(shown["problems"][0]["reason"].as_str().unwrap().contains("cannot reach"), "{shown:#}");

    // Partial is not good: it is not the latest, and is restored when somebody insists.
    cluster.start("c");
    cluster.wreck();
    ended(&cluster.ostler.run(["restore", "two", "--cluster", "shop"]), 4);
    cluster.ostler.ok(["restore", "two", "--cluster", "shop", "--allow-incomplete"]);
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b")]);
    let told = ended(&cluster.backup(&["--quorum", "4"]), 2);
    assert!(told.contains("quorum"), "{told}");
}

#[test]
fn an_agent_that_is_killed_in_mid_backup_and_started_again_goes_on() {
    let mut cluster = Cluster::slow();
    let before = cluster.trees();
    let backup = cluster
        .ostler
        .command(["backup", "create", "--cluster", "shop", "--name", "killed"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    cluster.until_asked("b");
    cluster.kill("b");
    cluster.start("b");
    ended(&backup.wait_with_output().unwrap(), 0);
    let shown = cluster.ostler.json(["backup", "show", "killed"]);
    assert_eq!(shown["state"], "complete");
    cluster.ostler.ok(["backup", "verify", "killed", "--read-data"]);
    cluster.wreck();
    cluster.ostler.ok(["restore", "killed", "--cluster", "shop"]);
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b"), ("c", "c")]);
}

#[test]
fn a_coordinator_that_is_killed_is_resumed() {
    let cluster = Cluster::started();
    let before = cluster.trees();
    let moments = [
        "after:register intent",
        "after:ask node:2",
        "after:upload:1",
        "after:upload:3",
        "before:check presence",
        "after:write record",
    ];
    for (number, moment) in moments.into_iter().enumerate() {
        let name = format!("b{number}");
        let killed = cluster
            .ostler
            .command(["backup", "create", "--cluster", "shop", "--read-all", "--name", &name])
            .env("OSTLER_TEST_KILL", moment)
            .output()
            .unwrap();
        assert_eq!(killed.status.code(), None, "{moment}: {}", said(&killed));
        let operations = cluster.ostler.json(["operation", "list"]);
        let operation = operations["operations"][0]["id"].as_str().unwrap().to_owned();
        cluster.ostler.ok(["operation", "resume", &operation]);
        let shown = cluster.ostler.json(["backup", "show", &name]);
        assert_eq!(shown["state"], "complete", "{moment}");
        assert_eq!(shown["counts"]["bytes"], bytes_of(&before), "{moment}");
    }
    assert_eq!(cluster.backups().len(), moments.len());

    // A restore too.
    cluster.wreck();
    for moment in ["after:restore:1", "before:restore:3"] {
        let killed = cluster
            .ostler
            .command(["restore", "b0", "--cluster", "shop", "--overwrite", "always", "--node", "a=b", "--node", "b=a"])
            .env("OSTLER_TEST_KILL", moment)
            .output()
            .unwrap();
        assert_eq!(killed.status.code(), None, "{moment}: {}", said(&killed));
        let operations = cluster.ostler.json(["operation", "list"]);
        let operation = operations["operations"][0]["id"].as_str().unwrap().to_owned();
        cluster.ostler.ok(["operation", "resume", &operation]);
        same(&before, &cluster.trees(), &[("a", "b"), ("b", "a"), ("c", "c")]);
    }
}

fn bytes_of(trees: &Trees) -> u64 {
    trees
        .values()
        .flat_map(BTreeMap::values)
        .filter(|node| node.kind == 'f')
        .map(|node| node.content.len() as u64)
        .sum()
}

#[test]
fn a_coordinator_killed_while_nodes_store_is_taken_over_by_another() {
    let cluster = Cluster::slow();
    let mut first = cluster
        .ostler
        .command(["backup", "create", "--cluster", "shop"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    cluster.until_asked("c");

    // While it lives there is no second one.
    cluster.ostler.configure(&format!(
        "{}\n[defaults]\nlease_wait = \"1s\"\n",
        fs::read_to_string(cluster.ostler.home().join("settings/ostler/config.toml")).unwrap()
    ));
    let told = ended(&cluster.backup(&["--name", "second"]), 5);
    assert!(told.contains("the cluster is being worked on by a backup"), "{told}");

    cluster.until_stored(1);
    first.kill().unwrap();
    first.wait().unwrap();
    ended(&cluster.backup(&["--name", "third"]), 0);
    let report = cluster.ostler.json(["backup", "show", "third"]);
    assert_eq!(report["state"], "complete");
    let total = report["counts"]["bytes"].as_u64().unwrap();
    assert!(report["counts"]["new_bytes"].as_u64().unwrap() < total, "what was stored is used: {report:#}");
    cluster.ostler.ok(["backup", "verify", "third", "--read-data"]);
}

#[test]
fn agents_of_other_versions_are_spoken_with_or_refused_with_a_reason() {
    let mut cluster = Cluster::new();
    cluster.start("a");
    for (node, spoken) in [("b", "1..2"), ("c", "2..3")] {
        let mut command = cluster.agent(node);
        command.env("OSTLER_TEST_PROTOCOL", spoken);
        cluster.start_by(node, command);
    }
    let status = cluster.ostler.run(["cluster", "status", "shop", "--output", "json"]);
    assert_eq!(status.status.code(), Some(8));
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["nodes"][1]["protocol"], 1);
    let problem = status["nodes"][2]["problem"].as_str().unwrap();
    assert!(problem.contains("speaks versions 2 to 3"), "{problem}");
    let told = ended(&cluster.backup(&[]), 1);
    assert!(told.contains("upgrade Ostler here"), "{told}");
    ended(&cluster.backup(&["--quorum", "2"]), 3);
}

#[test]
fn nodes_are_added_and_removed_and_certificates_are_not_mixed_up() {
    let mut cluster = Cluster::started();
    let [port] = free_ports().unwrap();
    let root = format!("data={}", cluster.ostler.home().join("nodes/{node}").display());
    let added = cluster
        .ostler
        .json(["cluster", "add", "shop", &format!("d=127.0.0.1:{port}"), "--root", &root]);
    assert_eq!(added["nodes"].as_array().unwrap().len(), 4);
    cluster.ports.insert("d", port);
    cluster.fill("d", 9);
    cluster.start("d");
    ended(&cluster.backup(&["--name", "four"]), 0);
    let shown = cluster.ostler.json(["backup", "show", "four"]);
    assert_eq!(shown["cluster"]["parts"].as_array().unwrap().len(), 4);

    cluster.ostler.ok(["cluster", "remove", "shop", "d"]);
    assert!(!cluster.ostler.ok(["cluster", "show", "shop"]).contains(&port.to_string()));
    ended(&cluster.ostler.run(["cluster", "remove", "shop", "d"]), 7);

    // The agents of two nodes at each other's addresses: nothing of one gets into the place of the other.
    let (a, b) = (cluster.ports["a"], cluster.ports["b"]);
    let file = cluster.ostler.home().join("settings/ostler/config.toml");
    let text = fs::read_to_string(&file).unwrap();
    let mixed = text.replace(&format!(":{a}\""), ":x\"").replace(&format!(":{b}\""), &format!(":{a}\""));
    fs::write(&file, mixed.replace(":x\"", &format!(":{b}\""))).unwrap();
    let told = ended(&cluster.backup(&[]), 9);
    assert!(told.contains("do not trust each other"), "{told}");
    fs::write(&file, text).unwrap();

    cluster.ostler.ok(["cluster", "remove", "shop"]);
    assert_eq!(cluster.ostler.json(["cluster", "list"])["clusters"].as_array().unwrap().len(), 0);
    ended(&cluster.backup(&[]), 7);
    assert_eq!(cluster.backups().len(), 1);
}
