//! What a backup of a cluster has to know of the database that runs on it.
//!
//! Files, chunks, lists and records are the same for every database. A [`Driver`] says what makes files of many nodes one
//! consistent backup: what to hold still, which files to take, what belongs to the backup beside files, and what the
//! engine itself keeps of it. The crate `drivers` has one folder for each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use ostler_api::document::{Problem, SystemStatus};
use ostler_api::node::{Frozen, Hold};
use ostler_api::request::{LoadTable, LoadWork};
use ostler_vault::ExternalRecord;
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::cluster::Member;
use crate::cluster::explore::Findings;
use crate::demand::Demand;

/// The driver of plain files, which knows of no database.
pub const FILES: &str = "files";

/// Which files of each root belong to a backup, and how they may be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Take {
    /// Where the database has put what was frozen; `None` takes the files as they are.
    pub frozen: Option<Frozen>,
    /// How agents hold files still themselves; `None` reads them where they are.
    pub hold: Option<Hold>,
    /// Globs of what is left out, beside those of the user.
    pub exclude: Vec<String>,
}

/// What a system says of itself at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// What has to be the same before and after it is frozen, or the backup would be of no single state: versions and
    /// digests, each by what it is of, short.
    pub steady: BTreeMap<String, String>,
    /// The same of each node that runs, such as what it is responsible for.
    pub nodes: BTreeMap<String, String>,
    /// Nodes of the cluster that do not run. They are not frozen; a backup without them is partial.
    pub down: BTreeMap<String, String>,
    /// What it answers to the questions that a drill asks again. It may change at any time, so both looks' answers are kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// Documents that are kept with the backup, by file name: what restoring needs that is in no file of a node.
    #[serde(skip)]
    pub documents: BTreeMap<String, String>,
}

/// A backup that is to come back, as the driver of its database sees it.
#[derive(Debug, Clone)]
pub struct Past {
    /// Which.
    pub backup: BackupId,
    /// When it was begun.
    pub taken: Timestamp,
    /// The documents that were kept with it, by file name.
    pub documents: BTreeMap<String, String>,
    /// The nodes that are in it.
    pub nodes: BTreeSet<String>,
}

/// Where a backup was restored to be started, on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// Its nodes, each with the directory that has the files of its root. They may be changed: nobody needs them any more.
    pub nodes: &'a [(String, PathBuf)],
    /// An empty directory for whatever else is needed.
    pub aside: &'a Path,
}

/// What a system said that was started on restored files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// Nodes that ran.
    pub nodes: u32,
    /// How long it took until all of them answered, in milliseconds.
    pub start_ms: u64,
    /// Its answers, as those of [`Look::facts`].
    pub facts: BTreeMap<String, String>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// What was not looked at, and why.
    pub left_out: Vec<String>,
}

/// How a backup's files are put back.
#[derive(Debug, Clone, Copy)]
pub struct Back<'a> {
    /// Its nodes that come back, each with the node it goes to.
    pub nodes: &'a [(String, String)],
    /// Only these paths below its roots, and what is in them; none means all.
    pub include: &'a [PathBuf],
    /// Now.
    pub now: Timestamp,
    /// Whether deleted rows may return.
    pub allow_stale: bool,
}

/// What a system that runs is to load of a backup.
#[derive(Debug, Clone, Copy)]
pub struct LoadAsked<'a> {
    /// Its nodes, each with the node that gets its files. Several may go to one.
    pub nodes: &'a [(String, String)],
    /// Keyspaces; `*` means all of the users.
    pub keyspaces: &'a [String],
    /// Tables: `KEYSPACE.TABLE`.
    pub tables: &'a [String],
    /// The table that the only one is loaded as.
    pub rename: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
    /// Whether deleted rows may return.
    pub allow_stale: bool,
}

/// A part of loading that is done once for the whole system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadStage {
    /// What has to be there first.
    Prepare,
    /// Tables that come back in place lose what they have.
    Empty,
    /// What is made of what was loaded.
    Finish,
}

/// The knowledge of one database system, about one cluster.
///
/// Contract:
/// - *Repeatable.* Every method may be called again after it failed, was cancelled or its process was killed, and then
///   comes to the same end. `freeze` begins with taking away what an earlier one left. `release` and `abandon` succeed
///   where there is nothing (any more) to take back; a driver that has nothing to do for a method does nothing and says `Ok`.
/// - *One at a time.* Whoever calls `freeze`, `release`, `store`, `abandon` or `recover` holds the cluster's lease.
///   `look`, `check`, `explore` and `status` may be called at any time, and change nothing.
/// - *Order.* `look`, `freeze`, `look`, `store`, then files are read, then `release`. `release` is also called when anything in
///   between fails or is cancelled, by whoever resumes the operation too. Between `freeze` and `release` the files of
///   [`take`](Self::take) do not change.
/// - *Nothing in between is lost.* What is frozen holds at most until it is released; nothing that users wrote is lost by either.
/// - *Increments.* A driver whose system keeps what was written since an earlier backup says where ([`increments`](Self::increments)).
///   `look`, `gaps`, `flush`, `look`, `store`, then those files are read. When `gaps` finds none, the files of the earlier backup and
///   these together have all that was written before `flush` was called, whatever the system has merged or removed since.
/// - *External parts.* `store` gives the same parts whenever it is called for the same backup, and returns when they are whole.
///   `check` tells of each part that is not there or not whole as a problem, and fails where it cannot be found out.
///   `forget` removes them, and those that are gone are forgotten.
/// - *Cancellation.* Dropping the future or cancelling the token stops within seconds, at a place from which all this holds.
#[async_trait]
pub trait Driver: fmt::Debug + Send + Sync {
    /// What it is called in configurations and records.
    fn name(&self) -> &'static str;

    /// Which files are taken.
    fn take(&self) -> Take;

    /// What every backup of each node must contain, as the documents of a [`look`](Self::look) say. Empty where the driver
    /// demands nothing beside the roots.
    fn demands(&self, documents: &BTreeMap<String, String>) -> BTreeMap<String, Demand> {
        let _ = documents;
        BTreeMap::new()
    }

    /// What the system says of itself.
    async fn look(&self, nodes: &[Member]) -> Result<Look, Failure>;

    /// Makes the files of these nodes hold still, all at once as far as that can be. Gives the nodes on which that was not
    /// possible; the others hold still.
    async fn freeze(
        &self,
        nodes: &[Member],
        cancel: &CancellationToken,
    ) -> Result<Vec<(String, Failure)>, Failure>;

    /// Lets go of what was frozen on these nodes.
    async fn release(&self, nodes: &[Member]) -> Result<(), Failure>;

    /// Which files have what was written since a backup; `None` where the system does not keep that apart.
    fn increments(&self, base: BackupId) -> Option<Take> {
        let _ = base;
        None
    }

    /// Why what was written since a backup may not all be in [`increments`](Self::increments), a sentence each; none where it is.
    /// Changes nothing.
    async fn gaps(&self, base: &Past, nodes: &[Member]) -> Result<Vec<String>, Failure> {
        let _ = (base, nodes);
        Ok(Vec::new())
    }

    /// Has these nodes write out what they have only in memory. Gives the nodes on which that was not possible.
    async fn flush(
        &self,
        nodes: &[Member],
        cancel: &CancellationToken,
    ) -> Result<Vec<(String, Failure)>, Failure> {
        let _ = (nodes, cancel);
        Ok(Vec::new())
    }

    /// Has the engine itself store its part of a backup; none where it keeps nothing.
    async fn store(
        &self,
        backup: BackupId,
        cancel: &CancellationToken,
    ) -> Result<Vec<ExternalRecord>, Failure>;

    /// Takes back whatever [`store`](Self::store) may have stored for a backup that will not be.
    async fn abandon(&self, backup: BackupId) -> Result<(), Failure>;

    /// What is wrong with parts that the engine keeps.
    async fn check(&self, parts: &[ExternalRecord]) -> Result<Vec<Problem>, Failure>;

    /// Removes parts that the engine keeps: their backup is deleted.
    async fn forget(&self, parts: &[ExternalRecord]) -> Result<(), Failure>;

    /// Refuses ([`Refused`](ostler_vocabulary::ErrorKind::Refused)) to restore onto nodes on which the database runs, or
    /// on which it otherwise would go wrong.
    async fn ready(&self, nodes: &[Member]) -> Result<(), Failure>;

    /// Brings back what the engine keeps, after the files of all nodes are in place.
    async fn recover(&self, parts: &[ExternalRecord]) -> Result<(), Failure>;

    /// What has to be done or known where a backup's files are put back; refuses
    /// ([`Refused`](ostler_vocabulary::ErrorKind::Refused)) what is too old for that.
    async fn judge(&self, past: &Past, back: &Back<'_>) -> Result<Vec<String>, Failure> {
        let _ = (past, back);
        Ok(Vec::new())
    }

    /// Works out what the system, which runs, is told and loads, with what has to be done or known. Changes nothing.
    async fn plan_load(
        &self,
        past: &Past,
        asked: &LoadAsked<'_>,
    ) -> Result<(LoadWork, Vec<String>), Failure> {
        let _ = (past, asked);
        Err(Failure::new(
            ErrorKind::Unsupported,
            format!("the driver `{}` loads no keyspaces or tables", self.name()),
        )
        .with_hint("restore files: `ostler restore BACKUP --cluster NAME`"))
    }

    /// Does a part of loading that is done once.
    async fn run_load(&self, work: &LoadWork, stage: LoadStage) -> Result<(), Failure> {
        let _ = (work, stage);
        Ok(())
    }

    /// Sees that a node can load at all, by what was made for it; called before anything is emptied.
    async fn may_load(&self, work: &LoadWork, node: &Member, directory: &Path) -> Result<(), Failure> {
        let _ = (work, node, directory);
        Ok(())
    }

    /// Has the system load what was brought to a node, from a directory that ends with the names of keyspace and table. What
    /// was loaded before is not in it any more, or is loaded again to the same end.
    async fn load(
        &self,
        work: &LoadWork,
        table: &LoadTable,
        node: &Member,
        directory: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let _ = (work, table, node, directory, cancel);
        Ok(())
    }

    /// Whether it can [`rehearse`](Self::rehearse).
    fn rehearses(&self) -> bool {
        false
    }

    /// Starts the system on restored files, on addresses of this machine that nobody else has and apart from everything that lives,
    /// asks it what [`look`](Self::look) asked, and ends it, also where this process is killed meanwhile.
    async fn rehearse(
        &self,
        past: &Past,
        stage: &Stage<'_>,
        cancel: &CancellationToken,
    ) -> Result<Rehearsal, Failure> {
        let _ = (past, stage, cancel);
        Err(Failure::new(
            ErrorKind::Unsupported,
            format!("the driver `{}` starts nothing on restored files", self.name()),
        ))
    }

    /// What there is of the system and what it runs with, with where that was found; nodes that nobody configured too. A node that
    /// does not answer is one of the problems.
    async fn explore(&self, nodes: &[Member]) -> Result<Findings, Failure> {
        let _ = nodes;
        Ok(Findings::default())
    }

    /// How the system stands: facts, counts, and what can be done with it.
    async fn status(&self, nodes: &[Member]) -> Result<SystemStatus, Failure>;

    /// Does one of the actions that [`status`](Self::status) names.
    async fn act(&self, action: &str, nodes: &[Member]) -> Result<(), Failure>;
}
