//! What a backup of a cluster has to know of the database that runs on it.
//!
//! Files, chunks, lists and records are the same for every database. A [`Driver`] says what makes files of many nodes one
//! consistent backup: what to hold still, which files to take, what belongs to the backup beside files, and what the
//! engine itself keeps of it. The crate `drivers` has one folder for each.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use ostler_api::document::{Problem, SystemStatus};
use ostler_api::node::Frozen;
use ostler_vault::ExternalRecord;
use ostler_vocabulary::{BackupId, Failure};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::cluster::Member;

/// The driver of plain files, which knows of no database.
pub const FILES: &str = "files";

/// Which files of each root belong to a backup, and how they may be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Take {
    /// Where the database has put what was frozen; `None` takes the files as they are.
    pub frozen: Option<Frozen>,
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
    /// Documents that are kept with the backup, by file name: what restoring needs that is in no file of a node.
    #[serde(skip)]
    pub documents: BTreeMap<String, String>,
}

/// The knowledge of one database system, about one cluster.
///
/// Contract:
/// - *Repeatable.* Every method may be called again after it failed, was cancelled or its process was killed, and then
///   comes to the same end. `freeze` begins with taking away what an earlier one left. `release` and `abandon` succeed
///   where there is nothing (any more) to take back; a driver that has nothing to do for a method does nothing and says `Ok`.
/// - *One at a time.* Whoever calls `freeze`, `release`, `store`, `abandon` or `recover` holds the cluster's lease.
///   `look`, `check` and `status` may be called at any time, and change nothing.
/// - *Order.* `look`, `freeze`, `look`, `store`, then files are read, then `release`. `release` is also called when anything in
///   between fails or is cancelled, by whoever resumes the operation too. Between `freeze` and `release` the files of
///   [`take`](Self::take) do not change.
/// - *Nothing in between is lost.* What is frozen holds at most until it is released; nothing that users wrote is lost by either.
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

    /// How the system stands: facts, counts, and what can be done with it.
    async fn status(&self, nodes: &[Member]) -> Result<SystemStatus, Failure>;

    /// Does one of the actions that [`status`](Self::status) names.
    async fn act(&self, action: &str, nodes: &[Member]) -> Result<(), Failure>;
}
