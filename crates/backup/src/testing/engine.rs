//! A database in memory whose engine keeps its own part of each backup, and its driver.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ostler_api::document::{Problem, SystemStatus};
use ostler_api::node::{Frozen, Increments};
use ostler_vault::ExternalRecord;
use ostler_vocabulary::{BackupId, ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use super::MemoryNode;
use super::driver::Subject;
use crate::cluster::Member;
use crate::demand::Demand;
use crate::driver::{Driver, Look, Past, Rehearsal, Stage, Take};

/// What the engine has, for tests to look at and to change.
#[derive(Debug, Default)]
pub struct Engine {
    /// Nodes that hold still.
    pub paused: BTreeSet<String>,
    /// What it keeps, by id, and whether that is whole.
    pub kept: BTreeMap<String, bool>,
    /// What was brought back last.
    pub recovered: Vec<String>,
    /// Changes with every look from the second on, when set.
    pub restless: bool,
    /// Nodes on which it does not run.
    pub down: BTreeSet<String>,
    /// Whether it runs where somebody wants to restore.
    pub runs: bool,
    /// What it answers when it is asked how many rows there are.
    pub rows: Option<String>,
    /// Why what was written since a backup may not all be in its increments.
    pub gaps: Vec<String>,
    /// Whether it makes snapshots to be counted and read.
    pub snapshots: bool,
    /// What it demands of every backup, by node.
    pub demands: BTreeMap<String, Demand>,
    looks: u64,
}

impl Engine {
    fn facts(&self) -> BTreeMap<String, String> {
        let rows = self.rows.iter();
        rows.map(|rows| ("rows".to_owned(), rows.clone())).collect()
    }
}

/// The driver of an [`Engine`].
#[derive(Debug, Clone, Default)]
pub struct EngineDriver(Arc<Mutex<Engine>>);

const STORE: &str = "engine";
const PAUSE: &str = "pause";
const RESUME: &str = "resume";

impl EngineDriver {
    /// The engine.
    pub fn engine(&self) -> MutexGuard<'_, Engine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn id_of(backup: BackupId) -> String {
    format!("ostler-{backup}")
}

#[async_trait]
impl Driver for EngineDriver {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn take(&self) -> Take {
        let snapshot = Frozen {
            depth: 0,
            within: "snapshot".into(),
            immutable: true,
            increments: None,
        };
        Take {
            frozen: self.engine().snapshots.then_some(snapshot),
            ..Take::default()
        }
    }

    fn demands(&self, _: &BTreeMap<String, String>) -> BTreeMap<String, Demand> {
        self.engine().demands.clone()
    }

    async fn look(&self, nodes: &[Member]) -> Result<Look, Failure> {
        let mut engine = self.engine();
        engine.looks += 1;
        let schema = if engine.restless { engine.looks } else { 1 };
        let down = nodes.iter().filter(|node| engine.down.contains(&node.name));
        Ok(Look {
            steady: BTreeMap::from([("the schema".to_owned(), schema.to_string())]),
            nodes: BTreeMap::new(),
            down: down
                .map(|node| (node.name.clone(), "it does not run".to_owned()))
                .collect(),
            facts: engine.facts(),
            documents: BTreeMap::from([("schema.txt".to_owned(), "one table\n".to_owned())]),
        })
    }

    fn increments(&self, base: BackupId) -> Option<Take> {
        Some(Take {
            frozen: Some(Frozen {
                depth: 0,
                within: "written".into(),
                immutable: true,
                increments: Some(Increments {
                    base,
                    known_by: String::new(),
                }),
            }),
            ..Take::default()
        })
    }

    async fn gaps(&self, _: &Past, _: &[Member]) -> Result<Vec<String>, Failure> {
        Ok(self.engine().gaps.clone())
    }

    async fn freeze(
        &self,
        nodes: &[Member],
        _: &CancellationToken,
    ) -> Result<Vec<(String, Failure)>, Failure> {
        let mut engine = self.engine();
        engine.paused = nodes.iter().map(|node| node.name.clone()).collect();
        Ok(Vec::new())
    }

    async fn release(&self, nodes: &[Member]) -> Result<(), Failure> {
        let mut engine = self.engine();
        engine
            .paused
            .retain(|paused| !nodes.iter().any(|node| node.name == *paused));
        Ok(())
    }

    async fn store(&self, backup: BackupId, _: &CancellationToken) -> Result<Vec<ExternalRecord>, Failure> {
        self.engine().kept.insert(id_of(backup), true);
        Ok(vec![ExternalRecord {
            store: STORE.to_owned(),
            id: id_of(backup),
            state: "whole".to_owned(),
        }])
    }

    async fn abandon(&self, backup: BackupId) -> Result<(), Failure> {
        self.engine().kept.remove(&id_of(backup));
        Ok(())
    }

    async fn check(&self, parts: &[ExternalRecord]) -> Result<Vec<Problem>, Failure> {
        let engine = self.engine();
        let wrong = parts.iter().filter_map(|part| {
            let reason = match engine.kept.get(&part.id) {
                Some(true) => return None,
                Some(false) => "the engine does not have all of it",
                None => "the engine does not have it",
            };
            Some(Problem {
                path: format!("{}/{}", part.store, part.id),
                reason: reason.to_owned(),
            })
        });
        Ok(wrong.collect())
    }

    async fn forget(&self, parts: &[ExternalRecord]) -> Result<(), Failure> {
        let mut engine = self.engine();
        for part in parts {
            engine.kept.remove(&part.id);
        }
        Ok(())
    }

    async fn ready(&self, _: &[Member]) -> Result<(), Failure> {
        match self.engine().runs {
            false => Ok(()),
            true => Err(Failure::new(ErrorKind::Refused, "the engine runs")),
        }
    }

    async fn recover(&self, parts: &[ExternalRecord]) -> Result<(), Failure> {
        let mut engine = self.engine();
        engine.recovered = parts.iter().map(|part| part.id.clone()).collect();
        Ok(())
    }

    fn rehearses(&self) -> bool {
        true
    }

    async fn rehearse(
        &self,
        past: &Past,
        stage: &Stage<'_>,
        _: &CancellationToken,
    ) -> Result<Rehearsal, Failure> {
        let told: BTreeSet<&String> = stage.nodes.iter().map(|(node, _)| node).collect();
        if told != past.nodes.iter().collect() {
            return Err(Failure::new(ErrorKind::Internal, "other nodes were restored"));
        }
        Ok(Rehearsal {
            nodes: u32::try_from(told.len()).unwrap_or(u32::MAX),
            facts: self.engine().facts(),
            ..Rehearsal::default()
        })
    }

    async fn status(&self, nodes: &[Member]) -> Result<SystemStatus, Failure> {
        let engine = self.engine();
        let is_paused = engine.paused.len() == nodes.len();
        Ok(SystemStatus {
            driver: self.name().to_owned(),
            facts: BTreeMap::from([("paused".to_owned(), is_paused.to_string())]),
            counts: BTreeMap::from([("kept".to_owned(), engine.kept.len() as u64)]),
            actions: vec![if is_paused { RESUME } else { PAUSE }.to_owned()],
            problems: Vec::new(),
        })
    }

    async fn act(&self, action: &str, nodes: &[Member]) -> Result<(), Failure> {
        match action {
            PAUSE => self.freeze(nodes, &CancellationToken::new()).await.map(|_| ()),
            RESUME => self.release(nodes).await,
            other => Err(Failure::new(
                ErrorKind::NotFound,
                format!("there is no action `{other}`"),
            )),
        }
    }
}

impl Subject for EngineDriver {
    fn over(_: &[Arc<MemoryNode>]) -> Self {
        Self::default()
    }

    fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(self.clone())
    }

    fn held(&self) -> Vec<String> {
        self.engine().paused.iter().cloned().collect()
    }

    fn kept(&self) -> BTreeSet<String> {
        self.engine().kept.keys().cloned().collect()
    }
}
