//! Apache Cassandra 4.1 and 5.0: a snapshot on every node, in one schema, with the whole of what makes the ring.

mod cql;
mod demands;
mod explore;
mod facts;
mod increments;
mod java;
mod jmx;
mod load;
mod native;
pub mod on_node;
mod rehearse;
mod restore;
mod ring;
mod schema;
mod scratch;
mod settings;
mod stale;
mod statement;
mod status;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use ostler_api::document::{Problem, SystemStatus};
use ostler_api::node::Frozen;
use ostler_api::request::{LoadTable, LoadWork};
use ostler_backup::cluster::Member;
use ostler_backup::cluster::explore::Findings;
use ostler_backup::demand::Demand;
use ostler_backup::driver::{Back, Driver, LoadAsked, LoadStage, Look, Past, Rehearsal, Stage, Take};
use ostler_vault::ExternalRecord;
use ostler_vocabulary::{BackupId, ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use crate::{Entry, Error, Wanted};
use cql::{Cql, Native};
pub use jmx::{Error as JmxError, Jmx};
use ring::Ring;
use settings::Settings;

const NAME: &str = "cassandra";

/// The driver of a ring.
pub const ENTRY: Entry = Entry {
    name: NAME,
    commands: &[
        (SNAPSHOT, "ostler cassandra snapshot"),
        (CLEAR, "ostler cassandra clearsnapshot"),
        (increments::FLUSH, "ostler cassandra flush"),
        (restore::IMPORT, "ostler cassandra import \"$PWD\""),
        (restore::STREAM, "sstableloader -d $(hostname -i) \"$PWD\""),
    ],
    demands: demands::of,
    open,
};

/// What our snapshots are called. One backup at a time works on a cluster, so one name is enough, and commands of agents
/// need no arguments.
const TAG: &str = "ostler";
/// Makes a snapshot of that name: a command that every agent has to have.
const SNAPSHOT: &str = "cassandra-snapshot";
/// Removes it.
const CLEAR: &str = "cassandra-clear";
/// What Cassandra writes into a snapshot beside SSTables. The schema is kept as a whole.
const NO_SSTABLES: &[&str] = &["manifest.json", "schema.cql"];

fn open(wanted: Wanted) -> Result<Arc<dyn Driver>, Error> {
    let settings = Settings::of(wanted)?;
    Ok(Arc::new(Cassandra {
        cql: Box::new(Native {
            user: settings.user.clone(),
            tls: settings.tls.clone(),
        }),
        settings,
    }))
}

#[derive(Debug)]
struct Cassandra {
    settings: Settings,
    cql: Box<dyn Cql>,
}

impl Cassandra {
    async fn ring(&self, nodes: &[Member]) -> Result<Ring, Error> {
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        Ring::read(&*self.cql, &self.settings, &names).await
    }
}

/// Has an agent run one of its commands.
async fn command(node: &Member, name: &str, cancel: &CancellationToken) -> Result<(), Failure> {
    command_in(node, name, None, cancel).await
}

/// The same in a directory.
async fn command_in(
    node: &Member,
    name: &str,
    directory: Option<PathBuf>,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let ended = node.node.run_command(name, directory, cancel).await?;
    let how = match ended.exit_code {
        Some(0) => return Ok(()),
        Some(code) => format!("ended with exit code {code}"),
        None => "was killed".to_owned(),
    };
    let said = java::one_line(&ended.output);
    let said = if said.is_empty() { "nothing" } else { said.as_str() };
    Err(Error::Command {
        command: name.to_owned(),
        node: node.name.clone(),
        ended: format!("{how} and said: {said}"),
        denied: ended.exit_code == Some(i32::from(ErrorKind::Denied.exit_code().code())),
    }
    .into())
}

#[async_trait]
impl Driver for Cassandra {
    fn name(&self) -> &'static str {
        NAME
    }

    fn take(&self) -> Take {
        Take {
            // data/KEYSPACE/TABLE-ID/snapshots/TAG
            frozen: Some(Frozen {
                depth: 2,
                within: format!("snapshots/{TAG}").into(),
                immutable: true,
                increments: None,
            }),
            hold: None,
            exclude: NO_SSTABLES.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn demands(&self, documents: &BTreeMap<String, String>) -> BTreeMap<String, Demand> {
        let mut demands = demands::of(documents);
        for demand in demands.values_mut() {
            for directory in demand.directories.iter_mut().flatten() {
                *directory = self.settings.seen_by_agents(directory);
            }
        }
        demands
    }

    async fn look(&self, nodes: &[Member]) -> Result<Look, Failure> {
        let ring = self.ring(nodes).await?;
        let schema = ring.schema(&self.settings.cluster)?;
        Ok(Look {
            steady: BTreeMap::from([("the schema".to_owned(), schema)]),
            nodes: ring
                .nodes
                .iter()
                .map(|(name, node)| (name.clone(), node.digest()))
                .collect(),
            facts: self.facts(&ring).await,
            documents: ring.documents(&*self.cql, &self.settings).await?,
            down: ring
                .down
                .into_iter()
                .map(|(node, error)| (node, Failure::from(error).messages().join(": ")))
                .collect(),
        })
    }

    async fn freeze(
        &self,
        nodes: &[Member],
        cancel: &CancellationToken,
    ) -> Result<Vec<(String, Failure)>, Failure> {
        let freezing = nodes.iter().map(|node| async move {
            // A snapshot of a name that is there is refused: what an earlier backup left goes first.
            let done = match command(node, CLEAR, cancel).await {
                Ok(()) => command(node, SNAPSHOT, cancel).await,
                failed => failed,
            };
            done.err().map(|failure| (node.name.clone(), failure))
        });
        Ok(join_all(freezing).await.into_iter().flatten().collect())
    }

    async fn release(&self, nodes: &[Member]) -> Result<(), Failure> {
        let cancel = CancellationToken::new();
        let releasing = nodes.iter().map(|node| command(node, CLEAR, &cancel));
        join_all(releasing).await.into_iter().collect()
    }

    fn increments(&self, base: BackupId) -> Option<Take> {
        Some(increments::of(base))
    }

    async fn gaps(&self, base: &Past, nodes: &[Member]) -> Result<Vec<String>, Failure> {
        Ok(self.gaps_since(base, nodes).await?)
    }

    async fn flush(
        &self,
        nodes: &[Member],
        cancel: &CancellationToken,
    ) -> Result<Vec<(String, Failure)>, Failure> {
        let flushing = nodes.iter().map(|node| async move {
            let done = command(node, increments::FLUSH, cancel).await;
            done.err().map(|failure| (node.name.clone(), failure))
        });
        Ok(join_all(flushing).await.into_iter().flatten().collect())
    }

    async fn store(&self, _: BackupId, _: &CancellationToken) -> Result<Vec<ExternalRecord>, Failure> {
        Ok(Vec::new())
    }

    async fn abandon(&self, _: BackupId) -> Result<(), Failure> {
        Ok(())
    }

    async fn check(&self, _: &[ExternalRecord]) -> Result<Vec<Problem>, Failure> {
        Ok(Vec::new())
    }

    async fn forget(&self, _: &[ExternalRecord]) -> Result<(), Failure> {
        Ok(())
    }

    async fn ready(&self, nodes: &[Member]) -> Result<(), Failure> {
        let asking = nodes.iter().map(|node| async move {
            let address = self.settings.address(&node.name);
            if self.cql.answers(address).await {
                return (node, Some(format!("it answers at {address}")));
            }
            // A node that was drained, or whose CQL is closed, writes all the same.
            let jmx = restore::jmx_answers(node).await;
            (node, jmx.then(|| "its JMX answers".to_owned()))
        });
        for (node, how) in join_all(asking).await {
            if let Some(how) = how {
                let node = node.name.clone();
                return Err(Error::Running { node, how }.into());
            }
        }
        Ok(())
    }

    async fn recover(&self, _: &[ExternalRecord]) -> Result<(), Failure> {
        Ok(())
    }

    async fn explore(&self, _: &[Member]) -> Result<Findings, Failure> {
        Ok(explore::of(&*self.cql, &self.settings).await)
    }

    async fn judge(&self, past: &Past, back: &Back<'_>) -> Result<Vec<String>, Failure> {
        self.judged(past, back).await
    }

    async fn plan_load(
        &self,
        past: &Past,
        asked: &LoadAsked<'_>,
    ) -> Result<(LoadWork, Vec<String>), Failure> {
        self.load_planned(past, asked).await
    }

    async fn run_load(&self, work: &LoadWork, stage: LoadStage) -> Result<(), Failure> {
        self.load_stage(work, stage).await
    }

    async fn may_load(&self, work: &LoadWork, node: &Member, directory: &Path) -> Result<(), Failure> {
        self.can_load(work, node, directory).await
    }

    async fn load(
        &self,
        work: &LoadWork,
        table: &LoadTable,
        node: &Member,
        directory: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.loaded(work, table, node, directory, cancel).await
    }

    fn rehearses(&self) -> bool {
        true
    }

    async fn rehearse(
        &self,
        past: &Past,
        stage: &Stage<'_>,
        cancel: &CancellationToken,
    ) -> Result<Rehearsal, Failure> {
        self.rehearsed(past, stage, cancel).await
    }

    async fn status(&self, nodes: &[Member]) -> Result<SystemStatus, Failure> {
        let ring = self.ring(nodes).await?;
        Ok(status::of(&ring, &self.settings.cluster))
    }

    async fn act(&self, action: &str, nodes: &[Member]) -> Result<(), Failure> {
        match action {
            status::CLEAR => self.release(nodes).await,
            other => Err(Error::Action {
                driver: NAME,
                action: other.to_owned(),
            }
            .into()),
        }
    }
}
