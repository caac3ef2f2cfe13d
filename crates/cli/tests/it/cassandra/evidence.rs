//! A backup is complete only if what must be in it is in it, and files are restored only where nothing writes.

use std::path::{Path, PathBuf};

use ostler_testkit::binary::said;

use crate::cluster_world::ended;

use super::loading::unwrapped;
use super::world::World;

/// The coordinator is killed when one node has stored its files; then somebody removes all snapshots.
pub(super) fn a_snapshot_that_is_gone_is_taken_again(world: &World) {
    let killed = world
        .ostler
        .command(["backup", "create", "--cluster", "shop", "--name", "cut"])
        .env("OSTLER_TEST_KILL", "after:upload:1")
        .output()
        .unwrap();
    assert_eq!(killed.status.code(), None, "{}", said(&killed));
    for node in 0..3 {
        world.nodetool(node, "clearsnapshot --all");
    }
    let operations = world.ostler.json(["operation", "list"]);
    let operation = operations["operations"][0]["id"].as_str().unwrap().to_owned();
    world.ostler.ok(["operation", "resume", &operation]);
    world.no_snapshots();
    let shown = world.ostler.json(["backup", "show", "cut"]);
    assert_eq!(shown["state"], "complete");
    let first = world.ostler.json(["backup", "show", "first"]);
    let files = |shown: &serde_json::Value| shown["counts"]["files"].as_u64().unwrap();
    assert!(files(&shown) * 10 > files(&first) * 9, "{shown:#}\n{first:#}");
    let evidence = &shown["evidence"];
    assert!(evidence["looked_up"].as_u64().unwrap() > 0, "{evidence:#}");
    let members = evidence["members"].as_array().unwrap();
    assert_eq!(members.len(), 3, "{evidence:#}");
    for (node, member) in members.iter().enumerate() {
        let part = &member["parts"][0];
        assert!(part["files"].as_u64().unwrap() > 100, "{evidence:#}");
        assert_eq!(part["files"], part["demanded_files"], "{evidence:#}");
        assert_eq!(part["bytes"], part["demanded_bytes"], "{evidence:#}");
        let directory = world.ring.data(node).display().to_string();
        assert_eq!(member["directories"], serde_json::json!([directory]));
        assert!(member["tables"].as_u64().unwrap() > 10, "{evidence:#}");
    }
    let told = unwrapped(&world.ostler.ok(["backup", "show", "cut", "--evidence"]));
    for part in [
        "looked up",
        "none remembered",
        "system_views.settings",
        "in the snapshot",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    world.ostler.ok(["backup", "delete", "cut", "--yes"]);
}

/// Of the first node the root is one level too high, and then a directory that has nothing of it.
pub(super) fn roots_have_to_be_what_nodes_keep_data_in(world: &mut World) {
    let data = world.ring.data(0);
    let wrong = world.marker("wrong-root");
    std::fs::create_dir_all(&wrong).unwrap();
    let too_high: PathBuf = data.parent().unwrap().into();
    let roots: [&Path; 2] = [&too_high, &wrong];
    for root in roots {
        world.with_root(0, &data, root);
        let told = unwrapped(&ended(&world.backup(&["--name", "wrong"]), 4));
        assert!(
            told.contains(&format!("node `a` keeps data in {}", data.display())),
            "{told}"
        );
        assert!(!world.ostler.run(["backup", "show", "wrong"]).status.success());
        world.with_root(0, root, &data);
    }
    world.no_snapshots();
}

/// It writes all the same.
pub(super) fn a_ring_whose_cql_is_closed_is_not_restored_over(world: &World) {
    for node in 0..3 {
        world.nodetool(node, "disablebinary");
    }
    let words = ["restore", "first", "--cluster", "shop", "--into-used"];
    let words = words.iter().chain(&["--overwrite", "different"]);
    let told = unwrapped(&ended(&world.ostler.run(words), 5));
    assert!(
        told.contains("Cassandra runs on node") && told.contains("its JMX answers"),
        "{told}"
    );
    for node in 0..3 {
        world.nodetool(node, "enablebinary");
    }
    world.until_whole();
}
