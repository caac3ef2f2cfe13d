//! What is seen of a cluster while it works, and how it is slowed down: tables, metrics, logs, limits.

use std::fs;
use std::process::{Child, Stdio};

use ostler_testkit::binary::said;
use serde_json::Value;

use crate::cluster_world::{Cluster, ended};

/// Begins a backup that would take minutes, and gives its operation when every node stores.
fn begun(cluster: &Cluster) -> (Child, String) {
    let backup = cluster
        .ostler
        .command(["backup", "create", "--cluster", "shop", "--name", "slow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for node in ["a", "b", "c"] {
        cluster.until_asked(node);
    }
    let operations = cluster.ostler.json(["operation", "list"]);
    let id = operations["operations"][0]["id"].as_str().unwrap().to_owned();
    (backup, id)
}

#[test]
fn limits_that_are_lifted_while_it_runs_reach_every_node_and_watchers_see_them_all() {
    // Three megabytes at this rate are a quarter of an hour.
    let cluster = Cluster::limited_to("4 KiB");
    let (backup, id) = begun(&cluster);
    let watching = cluster
        .ostler
        .command(["operation", "watch", &id, "--output", "jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = cluster.ostler.ok(["operation", "show", &id]);
    assert!(told.contains("upload a/data"), "{told}");

    let words = ["operation", "limit", &id, "--parallel", "1", "--nice", "10"];
    let limited = cluster.ostler.json(words);
    assert_eq!((&limited["parallel"], &limited["nice"]), (&1.into(), &10.into()));
    for node in ["a", "b", "c"] {
        cluster.until_asked_to("limit", node);
    }
    let limited = cluster
        .ostler
        .json(["operation", "limit", &id, "--upload", "none"]);
    assert_eq!(
        limited["parallel"], 1,
        "what was changed before holds on: {limited:#}"
    );
    ended(&cluster.until_ended(backup), 0);
    assert_eq!(cluster.backups()[0]["state"], "complete");

    let watched = cluster.until_ended(watching);
    assert_eq!(watched.status.code(), Some(0), "{}", said(&watched));
    let lines: Vec<Value> = String::from_utf8(watched.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = |node: &str| {
        let mut of_node = lines.iter().rev();
        of_node
            .find(|line| line["schema"] == "ostler/operation-node/1" && line["node"] == node)
            .unwrap_or_else(|| panic!("nothing is told of {node}: {lines:#?}"))
    };
    for node in ["a", "b", "c"] {
        let last = last(node);
        assert_eq!(
            (&last["phase"], &last["state"]),
            (&"upload".into(), &"done".into())
        );
        assert_eq!(
            (&last["operation"], &last["files"]),
            (&id.clone().into(), &25.into()),
            "{last:#}"
        );
        assert!(last["bytes"].as_u64().unwrap() > 3 << 20, "{last:#}");
    }
    assert_eq!(lines.last().unwrap()["schema"], "ostler/create-report/1");

    // On the nodes, everything about it can be found by the operation's id.
    for node in ["a", "b", "c"] {
        let log = fs::read_to_string(cluster.log(node)).unwrap();
        let asked = log.lines().find(|line| line.contains("asked to upload")).unwrap();
        assert!(
            asked.contains(&id) && asked.contains(&format!("node=\"{node}\"")),
            "{asked}"
        );
    }
}
