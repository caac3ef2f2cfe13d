//! Clocks that are hours off, on nodes and on who coordinates them: it is named, or does no harm.

use std::fs;
use std::process::{Command, Output, Stdio};

use ostler_testkit::binary::said;
use ostler_testkit::clock::{WrongClock, wrong_clock};
use ostler_testkit::servers::{SeaweedFs, seaweedfs};
use serde_json::Value;

use crate::cluster_world::{Cluster, ended, same};

const PAIRS: [(&str, &str); 3] = [("a", "a"), ("b", "b"), ("c", "c")];
const AHEAD: &str = "+5h";
const BEHIND: &str = "-5h";
const RESTORE: [&str; 7] = [
    "restore",
    "good",
    "--cluster",
    "shop",
    "--into-used",
    "--overwrite",
    "different",
];
const BUSY: i32 = 5;
const DENIED: i32 = 9;

/// What coordinates the cluster by a clock that is off.
fn by_clock(cluster: &Cluster, clock: &WrongClock, off: &str, words: &[&str]) -> Output {
    let mut command = cluster.ostler.command(words);
    clock.surround(&mut command, off);
    command.output().unwrap()
}

fn start_by_clock(cluster: &mut Cluster, clock: &WrongClock, node: &'static str, off: &str) {
    let mut command: Command = cluster.agent(node);
    clock.surround(&mut command, off);
    cluster.start_by(node, command);
}

/// `b` is hours ahead from now on, and `c` behind.
fn confused(cluster: &mut Cluster, clock: &WrongClock) {
    for (node, off) in [("b", AHEAD), ("c", BEHIND)] {
        cluster.kill(node);
        start_by_clock(cluster, clock, node, off);
    }
}

fn status_names_the_clocks(cluster: &Cluster) {
    // A node whose store refuses its clock cannot open its vault either, which ends the command with another code than 0.
    let output = cluster
        .ostler
        .run(["cluster", "status", "shop", "--output", "json"]);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    for node in status["nodes"].as_array().unwrap() {
        let hours = node["clock_off_ms"].as_i64().unwrap() as f64 / 3_600_000.0;
        let expected = match node["name"].as_str().unwrap() {
            "b" => 5.0,
            "c" => -5.0,
            _ => 0.0,
        };
        assert!((hours - expected).abs() < 0.1, "{status:#}");
        let problem = node["problem"].as_str().unwrap_or_default();
        assert_eq!(
            problem.contains("its clock differs"),
            expected != 0.0,
            "{status:#}"
        );
    }
}

/// In a store that looks at dates of requests.
fn over(server: &SeaweedFs) -> Cluster {
    Cluster::over(|home| {
        fs::write(home.join("secret"), SeaweedFs::SECRET_ACCESS_KEY).unwrap();
        fs::write(home.join("id"), SeaweedFs::ACCESS_KEY_ID).unwrap();
        let file = |name: &str| format!("{{ file = \"{}\" }}", home.join(name).display());
        format!(
            "version = 1\n[defaults]\nvault = \"far\"\nlease_wait = \"1s\"\n[vault.far]\nlocation = \"{}/clocks\"\n\
             [vault.far.s3]\nendpoint = \"{}\"\nregion = \"{}\"\naccess_key = {}\nsecret_key = {}\n",
            server.bucket_url(),
            server.endpoint(),
            SeaweedFs::REGION,
            file("id"),
            file("secret"),
        )
    })
}

#[test]
fn a_store_that_looks_at_dates_refuses_who_is_hours_off_and_that_is_named() {
    let (Some(server), Some(clock)) = (seaweedfs(), wrong_clock()) else {
        return;
    };
    let mut cluster = over(&server);
    cluster.start_all();
    ended(&cluster.backup(&["--name", "good"]), 0);
    let before = cluster.trees();
    let refused = |output: &Output| {
        let told = ended(output, DENIED);
        assert!(
            told.contains("RequestTimeTooSkewed") && told.contains("clock"),
            "{told}"
        );
        told
    };

    // Who coordinates: nothing is made, nothing is deleted, nothing is restored.
    for off in [AHEAD, BEHIND] {
        for words in [
            &["backup", "create", "--cluster", "shop"][..],
            &["backup", "verify", "good"],
            &["backup", "prune", "--keep-last", "1", "--yes"],
            &RESTORE,
        ] {
            refused(&by_clock(&cluster, &clock, off, words));
        }
    }

    // Nodes: they are named, and there is no backup without them.
    confused(&mut cluster, &clock);
    status_names_the_clocks(&cluster);
    let told = refused(&cluster.backup(&[]));
    assert!(told.contains("node `b`") || told.contains("node `c`"), "{told}");
    refused(&cluster.ostler.run(RESTORE));
    let states: Vec<Value> = cluster.backups().iter().map(|one| one["state"].clone()).collect();
    let complete = states.iter().filter(|state| **state == "complete").count();
    assert_eq!(complete, 1, "{states:?}");

    // What was made before is whole, and comes back when clocks are right.
    cluster.ostler.ok(["backup", "verify", "good", "--read-data"]);
    for node in ["b", "c"] {
        cluster.kill(node);
        cluster.start(node);
    }
    cluster.wreck();
    cluster.ostler.ok(["restore", "good", "--cluster", "shop"]);
    same(&before, &cluster.trees(), &PAIRS);
}

#[test]
fn where_nobody_looks_at_dates_nothing_depends_on_clocks() {
    let Some(clock) = wrong_clock() else { return };
    let mut cluster = Cluster::over(|_| "version = 1\n[defaults]\nlease_wait = \"1s\"\n".to_owned());
    cluster.start_all();
    confused(&mut cluster, &clock);
    status_names_the_clocks(&cluster);
    let before = cluster.trees();

    // A backup has the times of who made it, whatever the nodes' clocks say.
    ended(&cluster.backup(&["--name", "right"]), 0);
    for (name, off) in [("ahead", AHEAD), ("behind", BEHIND)] {
        let words = ["backup", "create", "--cluster", "shop", "--name", name];
        ended(&by_clock(&cluster, &clock, off, &words), 0);
    }
    // One that is dated in the future is neither counted nor deleted.
    let told = cluster
        .ostler
        .ok(["backup", "prune", "--keep-last", "1", "--dry-run"]);
    assert!(told.contains("its date is in the future"), "{told}");
    ended(
        &cluster
            .ostler
            .run(["backup", "prune", "--keep-last", "1", "--yes"]),
        0,
    );
    let names: Vec<Value> = cluster.backups().iter().map(|one| one["name"].clone()).collect();
    assert!(
        names.contains(&"right".into()) && names.contains(&"ahead".into()),
        "{names:?}"
    );
    assert_eq!(names.len(), 2, "{names:?}");
    for name in ["right", "ahead"] {
        cluster.ostler.ok(["backup", "verify", name, "--read-data"]);
    }
    cluster.wreck();
    let restored = by_clock(
        &cluster,
        &clock,
        BEHIND,
        &["restore", "ahead", "--cluster", "shop"],
    );
    ended(&restored, 0);
    same(&before, &cluster.trees(), &PAIRS);
}

#[test]
fn a_lease_is_not_taken_from_who_lives_by_a_clock_that_is_hours_ahead() {
    let Some(clock) = wrong_clock() else { return };
    let cluster = Cluster::limited_to("256 KiB");
    let held = cluster
        .ostler
        .command(["backup", "create", "--cluster", "shop", "--name", "held"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    cluster.until_asked("b");
    for off in [AHEAD, BEHIND] {
        let mut other = cluster.elsewhere(&["backup", "create", "--cluster", "shop"]);
        let file = cluster
            .ostler
            .home()
            .join("elsewhere/settings/ostler/config.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("lease_wait = \"3m\"", "lease_wait = \"1s\"")).unwrap();
        clock.surround(&mut other, off);
        ended(&other.output().unwrap(), BUSY);
    }
    let held = cluster.until_ended(held);
    ended(&held, 0);
    assert!(!said(&held).contains("taken"), "{}", said(&held));
    assert_eq!(cluster.backups().len(), 1);
}
