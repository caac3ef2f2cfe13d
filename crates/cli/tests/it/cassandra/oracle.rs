//! Tables of every kind, and every row of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::world::{Cql, World};

const TABLES: &[&str] = &["plain", "wide", "counted", VIEW];
const VIEW: &str = "by_word";
const SCHEMA: &[&str] = &[
    "CREATE KEYSPACE shop WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 2}",
    "CREATE TYPE shop.place (street text, number int)",
    "CREATE TABLE shop.plain (k int PRIMARY KEY, word text, at frozen<place>)",
    "CREATE TABLE shop.wide (k int, c int, v text, shared text static, gone int, l list<int>, s set<text>, m map<text, int>, \
     PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (c DESC)",
    "CREATE TABLE shop.counted (k int PRIMARY KEY, n counter)",
    "CREATE TABLE shop.load (k int PRIMARY KEY, v text)",
    "CREATE INDEX by_v ON shop.wide (v)",
    "CREATE MATERIALIZED VIEW shop.by_word AS SELECT k, word FROM shop.plain WHERE word IS NOT NULL AND k IS NOT NULL \
     PRIMARY KEY (word, k)",
    // Deletions in it are forgotten at once.
    "CREATE TABLE shop.brief (k int PRIMARY KEY) WITH gc_grace_seconds = 1",
];

/// What has to be there.
pub(super) struct Oracle {
    rows: BTreeMap<&'static str, Vec<String>>,
    indexed: Vec<String>,
}

impl Oracle {
    pub(super) fn fill(world: &World) -> Self {
        let cql = world.cql(0);
        for statement in SCHEMA {
            cql.run(statement);
        }
        for k in 0..120 {
            cql.run(&format!(
                "INSERT INTO shop.plain (k, word, at) VALUES ({k}, 'w{}', {{street: 's{k}', number: {k}}})",
                k % 7
            ));
        }
        for k in 0..20 {
            for c in 0..10 {
                cql.run(&format!(
                    "INSERT INTO shop.wide (k, c, v, shared, l, s, m) VALUES ({k}, {c}, 'v{}', 'of {k}', [{c}, {k}], \
                     {{'x', 'y{c}'}}, {{'m': {c}}}) USING TTL 864000",
                    c % 3
                ));
            }
        }
        cql.run("INSERT INTO shop.brief (k) VALUES (1)");
        cql.run("ALTER TABLE shop.wide DROP gone");
        cql.run("DELETE FROM shop.wide WHERE k = 3");
        cql.run("DELETE FROM shop.wide WHERE k = 4 AND c = 4");
        for k in 0..30 {
            // Not run again: a counter counts.
            cql.run(&format!(
                "UPDATE shop.counted SET n = n + {k} WHERE k = {}",
                k % 5
            ));
        }
        world.until_whole();
        let rows = TABLES.iter().map(|table| (*table, read(&cql, table).unwrap()));
        let oracle = Self {
            rows: rows.collect(),
            indexed: indexed(&cql).unwrap(),
        };
        assert_eq!(oracle.rows["plain"].len(), 120);
        assert_eq!(oracle.rows["by_word"].len(), 120);
        assert_eq!(oracle.rows["wide"].len(), 189);
        oracle
    }

    /// Every row, asked of every node.
    pub(super) fn same_rows(&self, world: &World) {
        self.same_rows_of(TABLES, world, 3);
    }

    /// Every row of a table in another one.
    pub(super) fn same_as(&self, table: &str, other: &str, world: &World) {
        assert_eq!(
            read(&world.cql(0), other).as_ref(),
            Ok(&self.rows[table]),
            "{other}"
        );
    }

    /// Every row of these tables, asked of so many nodes.
    pub(super) fn same_rows_of(&self, tables: &[&str], world: &World, nodes: usize) {
        for node in 0..nodes {
            let cql = world.cql(node);
            for (table, expected) in self.rows.iter().filter(|(table, _)| tables.contains(table)) {
                let found = answered(world, table, || match read(&cql, table) {
                    // Rows of a view that was made anew come to its replicas a little later.
                    Ok(found) if *table == VIEW && found != *expected => Err("not all yet".to_owned()),
                    read => read,
                });
                assert_eq!(found.len(), expected.len(), "{table} by node {node}");
                assert_eq!(&found, expected, "{table} by node {node}");
            }
            if tables.contains(&"wide") {
                let found = answered(world, "wide by its index", || indexed(&cql));
                assert_eq!(found, self.indexed, "by the index, node {node}");
            }
        }
    }
}

/// Waits until views and indexes that were made anew have all rows.
pub(super) fn until_built(world: &World, nodes: usize) {
    for node in 0..nodes {
        let cql = world.cql(node);
        for (statement, name) in [
            (
                "SELECT view_name FROM system.built_views WHERE keyspace_name = 'shop'",
                "by_word",
            ),
            (
                "SELECT index_name FROM system.\"IndexInfo\" WHERE table_name = 'shop'",
                "by_v",
            ),
        ] {
            world.until(name, || {
                cql.rows(statement)
                    .is_ok_and(|built| built.iter().any(|one| one == name))
            });
        }
    }
}

/// What a node answers, as soon as it does: one that has just started may not reach the others yet, or know their indexes.
fn answered(world: &World, what: &str, mut ask: impl FnMut() -> Result<Vec<String>, String>) -> Vec<String> {
    let mut answer = Vec::new();
    world.until(what, || match ask() {
        Ok(rows) => {
            answer = rows;
            true
        }
        Err(_) => false,
    });
    answer
}

fn read(cql: &Cql, table: &str) -> Result<Vec<String>, String> {
    cql.rows(&format!("SELECT JSON * FROM shop.{table}"))
}

fn indexed(cql: &Cql) -> Result<Vec<String>, String> {
    cql.rows("SELECT JSON k, c FROM shop.wide WHERE v = 'v1'")
}

/// Writes rows with numbers from 0, and says how many are there.
pub(super) fn write_until(world: &World, stop: &AtomicBool, written: &AtomicU32) {
    let cql = world.cql(1);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        cql.run(&format!(
            "INSERT INTO shop.load (k, v) VALUES ({number}, 'row {number}')"
        ));
        number += 1;
        written.store(number, Ordering::Relaxed);
    }
}

/// Whether so many of those rows are there.
pub(super) fn all_are_there(world: &World, count: u32) {
    let cql = world.cql(2);
    for number in 0..count {
        let rows = cql.rows(&format!("SELECT v FROM shop.load WHERE k = {number}"));
        assert_eq!(rows, Ok(vec![format!("row {number}")]));
    }
}
