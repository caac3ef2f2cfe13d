//! Backups that come back, as files or loaded by a ring that runs: what the ring is asked, told and made to do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ostler_api::request::{LoadTable, LoadWay, LoadWork};
use ostler_backup::cluster::Member;
use ostler_backup::driver::{self, LoadAsked, LoadStage, Past};
use ostler_vocabulary::{ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use super::load::{Chosen, arrange, why_not_in_place};
use super::ring::Ring;
use super::schema::{self, Schema, Table};
use super::stale::{Back, judge, remembered};
use super::statement::repeatable;
use super::{Cassandra, command_in};
use crate::Error;

/// Has a ring take over the SSTables of the directory it is run in, which ends with the names of keyspace and table.
pub(super) const IMPORT: &str = "cassandra-import";
/// Sends what is in them to the nodes that own it.
pub(super) const STREAM: &str = "cassandra-stream";

/// Whether the JMX of a node answers. The agent has the database import a directory that is no table's, which changes nothing: what
/// it says of that is not what is said where nobody answers.
pub(super) async fn jmx_answers(node: &Member) -> bool {
    let root = match node.node.info().await {
        Ok(info) => info.roots.into_iter().next(),
        Err(_) => None,
    };
    let Some(root) = root else { return false };
    let cancel = CancellationToken::new();
    // An agent that has no such command, or another one, says nothing of it.
    match node.node.run_command(IMPORT, Some(root.path), &cancel).await {
        Ok(ended) => {
            let said = |words: &str| ended.output.contains(words);
            ended.exit_code == Some(i32::from(ErrorKind::Denied.exit_code().code()))
                || said("failed at `importNewSSTables`")
                || said("Unknown keyspace")
        }
        Err(_) => false,
    }
}

fn command_of(way: LoadWay) -> &'static str {
    match way {
        LoadWay::Import => IMPORT,
        LoadWay::Stream => STREAM,
    }
}

/// Whether a path that was asked for, below a data directory, means a table's files.
fn means(path: &Path, table: &Table) -> bool {
    let directory = table.directory();
    Path::new(&directory).starts_with(path) || path.starts_with(&directory)
}

impl Cassandra {
    pub(super) async fn judged(&self, past: &Past, back: &driver::Back<'_>) -> Result<Vec<String>, Failure> {
        let come: BTreeSet<&str> = back.nodes.iter().map(|(from, _)| from.as_str()).collect();
        let is_whole = past.nodes.iter().all(|node| come.contains(node.as_str()));
        let kind = match (is_whole, back.include.is_empty()) {
            (true, true) => Back::Ring,
            (true, false) => Back::Tables,
            (false, _) => Back::Nodes(back.nodes.iter().map(|(_, to)| to.as_str()).collect()),
        };
        let Some(recorded) = Schema::recorded(&past.documents) else {
            return match kind == Back::Ring || back.allow_stale {
                true => Ok(Vec::new()),
                false => Err(Error::Unrecorded {
                    document: schema::DOCUMENT,
                }
                .into()),
            };
        };
        let goes: BTreeSet<&str> = back.nodes.iter().map(|(_, to)| to.as_str()).collect();
        let lives = match kind {
            Back::Nodes(_) => self.remembered_by_others(&goes).await,
            _ => BTreeMap::new(),
        };
        let is_meant =
            |table: &Table| back.include.is_empty() || back.include.iter().any(|path| means(path, table));
        let tables = remembered(&recorded, &lives, &kind, &is_meant);
        let judgement = judge(&kind, &tables, past.taken, back.now);
        match judgement.refused {
            Some(reason) if !back.allow_stale => Err(Error::Stale { reason }.into()),
            reason => Ok(reason.into_iter().chain(judgement.advice).collect()),
        }
    }

    /// How long deletions are remembered by nodes that live on, by table. Empty where none answers.
    async fn remembered_by_others(&self, restored: &BTreeSet<&str>) -> BTreeMap<(String, String), u64> {
        for (node, address) in &self.settings.nodes {
            if restored.contains(node.as_str()) {
                continue;
            }
            if let Ok(schema) = Schema::tables_only(&*self.cql, address).await {
                return schema.gc_grace();
            }
        }
        BTreeMap::new()
    }

    pub(super) async fn load_planned(
        &self,
        past: &Past,
        asked: &LoadAsked<'_>,
    ) -> Result<(LoadWork, Vec<String>), Failure> {
        let lacks = |document| Error::Unrecorded { document };
        let recorded = Schema::recorded(&past.documents).ok_or_else(|| lacks(schema::DOCUMENT))?;
        let was = Ring::recorded(&past.documents).ok_or_else(|| lacks("ring.json"))?;
        let is = self.whole_ring().await?;
        let live = Schema::read(&*self.cql, self.some_address()).await?;
        let chosen = Chosen::of(&recorded, asked, past)?;
        let reason = why_not_in_place((&recorded, &was), (&live, &is), &chosen, asked.nodes);
        let way = match reason {
            None => LoadWay::Import,
            Some(_) => LoadWay::Stream,
        };
        let work = arrange(&recorded, &live, &chosen, way)?;
        let kind = match chosen.is_copy() {
            true => Back::Copies,
            false => Back::Tables,
        };
        let tables = remembered(&recorded, &live.gc_grace(), &kind, &|table| chosen.has(table));
        let judgement = judge(&kind, &tables, past.taken, asked.now);
        if let (Some(reason), false) = (&judgement.refused, asked.allow_stale) {
            let reason = reason.clone();
            return Err(Error::Stale { reason }.into());
        }
        let streamed = reason.map(|reason| format!("rows are sent to the nodes that own them now: {reason}"));
        let advice = streamed
            .into_iter()
            .chain(judgement.refused)
            .chain(judgement.advice);
        Ok((work, advice.collect()))
    }

    /// The ring, of which every node has to answer.
    async fn whole_ring(&self) -> Result<Ring, Error> {
        let names: Vec<&str> = self.settings.nodes.keys().map(String::as_str).collect();
        let mut ring = Ring::read(&*self.cql, &self.settings, &names).await?;
        ring.schema(&self.settings.cluster)?;
        match ring.down.pop_first() {
            None => Ok(ring),
            Some((_, error)) => Err(error),
        }
    }

    fn some_address(&self) -> &str {
        self.settings.nodes.values().next().map_or("", String::as_str)
    }

    pub(super) async fn load_stage(&self, work: &LoadWork, stage: LoadStage) -> Result<(), Failure> {
        let address = self.some_address();
        let statements: Vec<String> = match stage {
            LoadStage::Prepare => work.before.clone(),
            LoadStage::Empty => work
                .empties
                .iter()
                .map(|table| format!("TRUNCATE {table}"))
                .collect(),
            LoadStage::Finish => work.after.clone(),
        };
        for statement in statements {
            self.cql.change(address, &repeatable(&statement)).await?;
        }
        if stage == LoadStage::Finish {
            return Ok(());
        }
        // Every node knows the tables, and they are those that are meant.
        self.whole_ring().await?;
        let live = Schema::tables_only(&*self.cql, address).await?;
        for table in &work.tables {
            let there = live.table(&table.keyspace, &table.table);
            if there.is_none_or(|there| there.id != table.id) {
                return Err(Error::Load {
                    what: format!("`{}.{}`", table.keyspace, table.table),
                    reason: "was dropped or made anew meanwhile".to_owned(),
                    hint: "make another plan: run the restore again",
                }
                .into());
            }
        }
        Ok(())
    }

    pub(super) async fn can_load(
        &self,
        work: &LoadWork,
        node: &Member,
        directory: &Path,
    ) -> Result<(), Failure> {
        let name = command_of(work.way);
        let cancel = CancellationToken::new();
        // In a directory that is no table's it changes nothing, whatever it says of it. An agent that does not run it fails here.
        let asked = node
            .node
            .run_command(name, Some(directory.to_owned()), &cancel)
            .await;
        match asked {
            Ok(_) => Ok(()),
            Err(failure) => {
                Err(failure.context(format!("node `{}` cannot load: nothing was changed", node.name)))
            }
        }
    }

    pub(super) async fn loaded(
        &self,
        work: &LoadWork,
        table: &LoadTable,
        node: &Member,
        directory: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let loading = command_in(node, command_of(work.way), Some(directory.to_owned()), cancel);
        let name = format!("`{}.{}`", table.keyspace, table.table);
        loading
            .await
            .map_err(|failure| failure.context(format!("cannot load {name} on node `{}`", node.name)))
    }
}
