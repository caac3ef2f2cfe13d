//! Backups of what was written since the last one, from `backups/` directories.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::oracle::Oracle;
use super::world::World;

const SCHEMA: &[&str] = &[
    "CREATE KEYSPACE moving WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 2}",
    "CREATE TABLE moving.plain (k int PRIMARY KEY, v text)",
    "CREATE TABLE moving.counted (k int PRIMARY KEY, n counter)",
    "CREATE INDEX plain_by_v ON moving.plain (v)",
    "CREATE TABLE moving.emptied (k int PRIMARY KEY)",
];
const TABLES: [&str; 2] = ["plain", "counted"];

/// Rows that are new, other than they were, gone, and counted on.
fn write(world: &World, round: u32) {
    let cql = world.cql(0);
    for k in 0..30 {
        cql.run(&format!(
            "INSERT INTO moving.plain (k, v) VALUES ({}, 'round {round}')",
            k + round * 10
        ));
    }
    cql.run(&format!("DELETE FROM moving.plain WHERE k = {}", round * 10 + 3));
    cql.run(&format!(
        "UPDATE moving.counted SET n = n + {round} WHERE k = {}",
        round % 2
    ));
}

fn rows(world: &World, node: usize) -> BTreeMap<&'static str, Vec<String>> {
    let cql = world.cql(node);
    let read = |table| cql.rows(&format!("SELECT JSON * FROM moving.{table}"));
    TABLES.map(|table| (table, read(table).unwrap())).into()
}

/// Files of the keyspace that nodes keep beside its tables.
fn kept(world: &World) -> usize {
    let in_tables = |data: &Path| -> usize {
        let tables = fs::read_dir(data.join("moving")).unwrap();
        let names = |table: fs::DirEntry| fs::read_dir(table.path().join("backups"));
        let kept = tables.filter_map(|table| names(table.unwrap()).ok());
        kept.map(|names| {
            names
                .filter(|name| name.as_ref().unwrap().path().is_file())
                .count()
        })
        .sum()
    };
    (0..3).map(|node| in_tables(&world.ring.data(node))).sum()
}

fn delta(world: &World, name: &str) -> serde_json::Value {
    let words = ["backup", "create", "--cluster", "shop", "--delta", "--name", name];
    world.ostler.json(words)
}

fn warnings(report: &serde_json::Value) -> String {
    report["warnings"].to_string()
}

/// Merges everything that nodes have, so that no file of before is left.
fn merge(world: &World) {
    for node in 0..3 {
        world.nodetool(node, "flush moving");
        world.nodetool(node, "compact moving");
    }
}

pub(super) fn what_was_written_since_comes_back_with_the_rest(world: &mut World, oracle: &Oracle) {
    let cql = world.cql(0);
    for statement in SCHEMA {
        cql.run(statement);
    }
    world.until_whole();
    write(world, 1);
    world
        .ostler
        .ok(["backup", "create", "--cluster", "shop", "--name", "before"]);
    let told = warnings(&delta(world, "off"));
    assert!(
        told.contains("`incremental_backups` is off on node `a`"),
        "{told}"
    );

    for node in 0..3 {
        world.nodetool(node, "enablebackup");
    }
    let told = warnings(&delta(world, "base"));
    assert!(told.contains("was off on node `a` when backup"), "{told}");

    write(world, 2);
    merge(world);
    // Only in memory when it begins.
    write(world, 3);
    let first = delta(world, "first delta");
    assert_eq!(warnings(&first), "[]", "{first:#}");
    assert!(first["added_to"].is_string(), "{first:#}");
    let counts = &first["backup"]["counts"];
    let (all, changed) = (
        counts["files"].as_u64().unwrap(),
        counts["changed_files"].as_u64().unwrap(),
    );
    assert!(changed > 0 && changed * 2 < all, "{first:#}");

    write(world, 4);
    merge(world);
    let (expected, before) = (rows(world, 1), kept(world));
    let second = delta(world, "second delta");
    assert_eq!(second["added_to"], first["backup"]["id"], "{second:#}");
    assert!(kept(world) < before, "what the first has is not kept any more");

    // Each stands alone.
    for name in ["before", "off", "base", "first delta"] {
        world.ostler.ok(["backup", "delete", name, "--yes"]);
    }
    world.ostler.ok(["backup", "prune", "--yes"]);
    world
        .ostler
        .ok(["backup", "verify", "second delta", "--read-data"]);

    cql.run("TRUNCATE moving.emptied");
    let told = warnings(&delta(world, "after"));
    assert!(
        told.contains("had table moving.emptied emptied since backup"),
        "{told}"
    );
    write(world, 5);
    drop(cql);

    world.ring.stop();
    for node in 0..3 {
        world.ring.wipe(node).unwrap();
    }
    world.ostler.ok(["restore", "second delta", "--cluster", "shop"]);
    world.ring.start().unwrap();
    world.until_whole();
    for node in 0..3 {
        world.until("rows are read", || {
            let cql = world.cql(node);
            cql.rows("SELECT JSON * FROM moving.plain").is_ok()
        });
        assert_eq!(rows(world, node), expected, "by node {node}");
    }
    oracle.same_rows(world);
    let told = warnings(&delta(world, "restarted"));
    assert!(told.contains("is off on node"), "{told}");
}
