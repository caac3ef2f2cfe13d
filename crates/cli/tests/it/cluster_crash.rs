//! Nodes that are down, agents and coordinators that are killed, agents of other versions.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;
use serde_json::Value;

use crate::cluster_world::{Cluster, Trees, ended, same};

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
    assert!(
        fs::read_dir(cluster.ostler.vault().join("intents")).map_or(true, |mut found| found.next().is_none())
    );

    let told = ended(&cluster.backup(&["--quorum", "2", "--name", "two"]), 3);
    assert!(told.contains("node c: it is not in the backup"), "{told}");
    let shown = cluster.ostler.json(["backup", "show", "two"]);
    assert_eq!(shown["state"], "partial");
    assert_eq!(shown["cluster"]["absent"], serde_json::json!(["c"]));
    assert!(
        shown["problems"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("cannot reach"),
        "{shown:#}"
    );

    // Partial is not good: it is not the latest, and is restored when somebody insists.
    cluster.start("c");
    cluster.wreck();
    ended(&cluster.ostler.run(["restore", "two", "--cluster", "shop"]), 4);
    cluster
        .ostler
        .ok(["restore", "two", "--cluster", "shop", "--allow-incomplete"]);
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
            .command([
                "backup",
                "create",
                "--cluster",
                "shop",
                "--read-all",
                "--name",
                &name,
            ])
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
            .command([
                "restore",
                "b0",
                "--cluster",
                "shop",
                "--overwrite",
                "always",
                "--node",
                "a=b",
                "--node",
                "b=a",
            ])
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
    assert!(
        told.contains("the cluster is being worked on by a backup"),
        "{told}"
    );

    cluster.until_stored(1);
    first.kill().unwrap();
    first.wait().unwrap();
    ended(&cluster.backup(&["--name", "third"]), 0);
    let report = cluster.ostler.json(["backup", "show", "third"]);
    assert_eq!(report["state"], "complete");
    let total = report["counts"]["bytes"].as_u64().unwrap();
    assert!(
        report["counts"]["new_bytes"].as_u64().unwrap() < total,
        "what was stored is used: {report:#}"
    );
    cluster.ostler.ok(["backup", "verify", "third", "--read-data"]);
}

#[test]
fn a_coordinator_whose_machine_died_is_resumed_on_another_one() {
    let Some(postgres) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let cluster = Cluster::started();
    let before = cluster.trees();
    cluster.share_state(&postgres.url(&postgres.database()));
    for moment in ["after:upload:2", "before:write record"] {
        let killed = cluster
            .ostler
            .command(["backup", "create", "--cluster", "shop", "--name", "moved"])
            .env("OSTLER_TEST_KILL", moment)
            .output()
            .unwrap();
        assert_eq!(killed.status.code(), None, "{moment}: {}", said(&killed));
        let listed = cluster
            .elsewhere(&["operation", "list", "--output", "json"])
            .output();
        let listed: Value = serde_json::from_slice(&listed.unwrap().stdout).unwrap();
        assert_eq!(listed["operations"][0]["state"], "interrupted", "{listed:#}");
        let id = listed["operations"][0]["id"].as_str().unwrap();
        ended(
            &cluster.elsewhere(&["operation", "resume", id]).output().unwrap(),
            0,
        );
        let shown = cluster.ostler.json(["backup", "show", "latest"]);
        assert_eq!(shown["state"], "complete", "{moment}");
        assert_eq!(shown["counts"]["bytes"], bytes_of(&before), "{moment}");
    }
    assert_eq!(cluster.backups().len(), 2);
    cluster.wreck();
    cluster.ostler.ok(["restore", "latest", "--cluster", "shop"]);
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b"), ("c", "c")]);
}

#[test]
fn agents_of_other_versions_are_spoken_with_or_refused_with_a_reason() {
    let mut cluster = Cluster::new();
    cluster.start("a");
    for (node, spoken) in [("b", "1..1"), ("c", "98..99")] {
        let mut command = cluster.agent(node);
        command.env("OSTLER_TEST_PROTOCOL", spoken);
        cluster.start_by(node, command);
    }
    let status = cluster
        .ostler
        .run(["cluster", "status", "shop", "--output", "json"]);
    assert_eq!(status.status.code(), Some(8));
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["nodes"][1]["protocol"], 1);
    let problem = status["nodes"][2]["problem"].as_str().unwrap();
    assert!(problem.contains("speaks versions 98 to 99"), "{problem}");
    let told = ended(&cluster.backup(&[]), 1);
    assert!(told.contains("upgrade Ostler here"), "{told}");
    ended(&cluster.backup(&["--quorum", "2"]), 3);
}

fn bytes_of(trees: &Trees) -> u64 {
    trees
        .values()
        .flat_map(BTreeMap::values)
        .filter(|node| node.kind == 'f')
        .map(|node| node.content.len() as u64)
        .sum()
}
