//! A ring that only answers, under the suite of all drivers.
#![allow(clippy::unwrap_used, reason = "a test's way to fail")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ostler_api::request::Onto;
use ostler_backup::driver::Driver;
use ostler_backup::testing::MemoryNode;
use ostler_backup::testing::driver::{Stand, Subject, conforms, loads};
use ostler_vocabulary::ErrorKind;

use super::cql::{Cql, Row};
use super::increments::FLUSH;
use super::restore::IMPORT;
use super::settings::Settings;
use super::{CLEAR, Cassandra, SNAPSHOT};
use crate::{Error, Wanted};

/// What the ring says, for tests to change.
#[derive(Debug, Default)]
struct Told {
    down: BTreeSet<String>,
    /// A node that has another schema.
    behind: Option<String>,
    /// A peer that nobody configured.
    stranger: bool,
    /// Somebody who was at the address of `b` before it.
    predecessor: bool,
    running: bool,
    /// What was changed.
    changes: Vec<String>,
}

const ID: &str = "3c4b1600-e697-11f1-80d4-698ebae596e6";

#[derive(Debug, Clone)]
struct Answers(Arc<Mutex<Told>>);

fn row(columns: &[(&str, &str)]) -> Row {
    columns
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[async_trait]
impl Cql for Answers {
    async fn ask(&self, address: &str, statement: &str) -> Result<Vec<Row>, Error> {
        let told = self.0.lock().unwrap();
        let node = address.split(':').next().unwrap();
        if told.down.contains(node) {
            return Err(Error::Unreachable {
                address: address.to_owned(),
                source: "refused".into(),
            });
        }
        let rows = match statement {
            text if text.contains("system.local") => vec![row(&[
                ("cluster_name", "ringtest"),
                ("host_id", node),
                ("data_center", "dc1"),
                ("rack", "r1"),
                ("release_version", "5.0.9"),
                (
                    "schema_version",
                    if told.behind.as_deref() == Some(node) {
                        "old"
                    } else {
                        "new"
                    },
                ),
                ("broadcast_address", node),
                ("partitioner", "murmur3"),
                ("tokens", "-1 5"),
                ("gossip_generation", "1763942400"),
            ])],
            text if text.contains("peers") => {
                let others = ["a", "b", "c"].into_iter().filter(|other| *other != node);
                let others = others.chain(told.stranger.then_some("z"));
                let before = told.predecessor.then_some(("b", "gone"));
                others
                    .map(|other| (other, other))
                    .chain(before)
                    .map(|(peer, id)| row(&[("peer", peer), ("host_id", id), ("data_center", "dc1")]))
                    .collect()
            }
            text if text.contains("settings") => vec![
                row(&[("name", "num_tokens"), ("value", "2")]),
                row(&[("name", "data_file_directories"), ("value", "[/data]")]),
                row(&[("name", "incremental_backups"), ("value", "true")]),
                row(&[("name", "keystore_password"), ("value", "secret")]),
            ],
            text if text.contains("system_schema.keyspaces") => {
                vec![row(&[("keyspace_name", "shop"), ("replication", "{}")])]
            }
            text if text.contains("system_schema.tables") => vec![row(&[
                ("keyspace_name", "shop"),
                ("table_name", "plain"),
                ("id", ID),
                ("gc_grace_seconds", "864000"),
            ])],
            text if text.contains("system_schema") => Vec::new(),
            _ => vec![
                row(&[
                    ("keyspace_name", "shop"),
                    ("type", "table"),
                    ("name", "plain"),
                    ("create_statement", "CREATE TABLE shop.plain (k int);"),
                ]),
                row(&[
                    ("keyspace_name", "shop"),
                    ("type", "keyspace"),
                    ("name", "shop"),
                    ("create_statement", "CREATE KEYSPACE shop;"),
                ]),
            ],
        };
        Ok(rows)
    }

    async fn change(&self, _: &str, statement: &str) -> Result<(), Error> {
        self.0.lock().unwrap().changes.push(statement.to_owned());
        Ok(())
    }

    async fn answers(&self, _: &str) -> bool {
        self.0.lock().unwrap().running
    }
}

#[derive(Clone)]
struct Ring {
    answers: Answers,
    nodes: Vec<Arc<MemoryNode>>,
}

impl Ring {
    fn driver_of(&self) -> Cassandra {
        let wanted = Wanted {
            cluster: "shop".into(),
            nodes: ["a", "b", "c"].map(|node| (node.into(), node.into())).into(),
            ..Wanted::default()
        };
        Cassandra {
            settings: Settings::of(wanted).unwrap(),
            cql: Box::new(self.answers.clone()),
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.answers.0.lock().unwrap()
    }
}

impl Subject for Ring {
    fn over(nodes: &[Arc<MemoryNode>]) -> Self {
        Self {
            answers: Answers(Arc::default()),
            nodes: nodes.to_vec(),
        }
    }

    fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(self.driver_of())
    }

    fn held(&self) -> Vec<String> {
        let holds = |node: &&Arc<MemoryNode>| {
            let commands = node.commands.lock().unwrap();
            assert!(
                commands
                    .iter()
                    .all(|command| [SNAPSHOT, CLEAR, FLUSH, IMPORT].contains(&command.as_str()))
            );
            // A snapshot of a name that is there would have been refused.
            assert!(
                !commands
                    .windows(2)
                    .any(|two| two[0] == SNAPSHOT && two[1] == SNAPSHOT)
            );
            commands
                .iter()
                .rev()
                .find(|command| *command != FLUSH)
                .is_some_and(|last| last == SNAPSHOT)
        };
        self.nodes
            .iter()
            .filter(holds)
            .map(|node| node.name.clone().unwrap())
            .collect()
    }

    fn kept(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_driver_of_rings_conforms() {
    conforms::<Ring>().await;
}

#[tokio::test]
async fn a_ring_is_looked_at_as_a_whole() {
    let stand = Stand::<Ring>::new().await;
    let (driver, nodes) = (stand.subject.driver_of(), stand.members());
    let look = driver.look(&nodes).await.unwrap();
    assert_eq!(look.steady["the schema"], "new");
    let names: Vec<&String> = look.documents.keys().collect();
    assert_eq!(
        names,
        [
            "ring.json",
            "schema.cql",
            "schema.json",
            "settings-a.txt",
            "settings-b.txt",
            "settings-c.txt"
        ]
    );
    assert_eq!(
        look.documents["settings-a.txt"],
        "data_file_directories = [/data]\nincremental_backups = true\nnum_tokens = 2\n",
        "no passwords"
    );

    assert_eq!(
        look.documents["schema.cql"], "CREATE KEYSPACE shop;\n\nCREATE TABLE shop.plain (k int);\n\n",
        "in the order in which it has to be run"
    );

    stand.subject.told().down.insert("b".into());
    let look = driver.look(&nodes).await.unwrap();
    assert_eq!(look.down.keys().collect::<Vec<_>>(), ["b"]);
    let status = driver.status(&nodes).await.unwrap();
    assert!(
        status.problems[0].contains("cannot reach Cassandra at b:9042"),
        "{status:?}"
    );

    stand.subject.told().stranger = true;
    let failure = driver.look(&nodes).await.unwrap_err();
    assert!(failure.messages()[0].contains("no agent is for: "), "{failure:?}");
    stand.subject.told().stranger = false;
    stand.subject.told().behind = Some("c".into());
    let failure = driver.look(&nodes).await.unwrap_err();
    assert_eq!(
        failure.kind(),
        ErrorKind::Unavailable,
        "it will agree in a moment"
    );
}

#[tokio::test]
async fn who_is_not_configured_is_found_and_who_is_gone_is_not() {
    let stand = Stand::<Ring>::new().await;
    let (driver, nodes) = (stand.subject.driver_of(), stand.members());
    stand.subject.told().predecessor = true;
    driver.look(&nodes).await.unwrap();
    let found = driver.explore(&nodes).await.unwrap();
    assert!(
        found.nodes.is_empty() && found.problems.is_empty(),
        "{:?}",
        found.nodes
    );
    assert!(
        found.findings.iter().all(|one| !one.value.contains("secret")),
        "passwords"
    );
    stand.subject.told().stranger = true;
    stand.subject.told().down.insert("c".into());
    let found = driver.explore(&nodes).await.unwrap();
    let strangers: Vec<&str> = found.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(strangers, ["z"]);
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    assert!(found.problems[0].contains("node `c`"), "{:?}", found.problems);
}

#[tokio::test]
async fn a_ring_that_runs_is_not_restored() {
    let stand = Stand::<Ring>::new().await;
    stand.subject.told().running = true;
    let failure = stand
        .subject
        .driver_of()
        .ready(&stand.members())
        .await
        .unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Busy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_loaded_whatever_happens_meanwhile() {
    let directory = format!("/data/shop/plain-{}/nb-1-big-Data.db", ID.replace('-', ""));
    let onto = Onto {
        cluster: "shop".into(),
        tables: vec!["shop.plain".into()],
        ..Onto::default()
    };
    loads::<Ring>(onto, &directory, |ring| {
        let changes = ring.told().changes.clone();
        assert!(!changes.is_empty(), "it was not emptied");
        assert!(
            changes
                .iter()
                .all(|change| change == "TRUNCATE \"shop\".\"plain\""),
            "{changes:?}"
        );
        for node in &ring.nodes {
            let commands = node.commands.lock().unwrap();
            // Once to see that it can, and once at least to do it.
            assert!(
                commands.iter().filter(|name| *name == IMPORT).count() > 1,
                "{commands:?}"
            );
        }
    })
    .await;
}
