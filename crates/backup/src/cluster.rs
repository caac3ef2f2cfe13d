//! Work on many nodes at once: who they are, under whose lease, and which of them may be missing.
//!
//! A backup of a cluster has one part for each root of each node. A part's files are read, hashed and stored by the agent
//! beside them, which writes their list too; what is here knows the addresses of lists and nothing of what is in
//! them, until they are read back for the commit as for any backup.

mod answers;
pub(crate) mod create;
mod delta;
pub mod explore;
pub(crate) mod facts;
mod frozen;
pub mod identity;
mod load;
pub mod mapping;
pub(crate) mod past;
pub(crate) mod restore;
pub(crate) mod system;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _};
use ostler_api::Node;
use ostler_api::node::{Epoch, NodeInfo};
use ostler_operations::Operation;
use ostler_vault::{Lease, LeaseHolder, NodePlace};
use ostler_vocabulary::{BackupId, ErrorKind, Failure};
use serde::{Deserialize, Serialize};

use crate::Context;
use crate::demand::Demand;
use crate::driver::Driver;

/// A cluster and the ways to its nodes.
#[derive(Debug)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its nodes, by name.
    pub members: Vec<Member>,
    /// Where they are, by name, as far as that is told.
    pub places: BTreeMap<String, NodePlace>,
    /// How many nodes a backup has to hold; `None` is all.
    pub quorum: Option<u32>,
    /// How many are worked on at a time.
    pub limit: usize,
    /// The epoch of the cluster's lease, which the ways to the nodes share.
    pub epoch: Epoch,
    /// What knows the database on it.
    pub driver: Arc<dyn Driver>,
}

/// Clusters by name.
pub trait Clusters: std::fmt::Debug + Send + Sync {
    /// The cluster of this name, with the ways to its nodes.
    ///
    /// # Errors
    /// `NotFound`, and what is wrong with its configuration.
    fn open(&self, name: &str) -> Result<Arc<Cluster>, Failure>;

    /// What the driver of this name demands of every backup with these documents. It needs no cluster of the configuration.
    fn demands(&self, driver: &str, documents: &BTreeMap<String, String>) -> BTreeMap<String, Demand> {
        let _ = (driver, documents);
        BTreeMap::new()
    }
}

/// No clusters at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Clusters for Nowhere {
    fn open(&self, name: &str) -> Result<Arc<Cluster>, Failure> {
        Err(Failure::new(
            ErrorKind::NotFound,
            format!("cluster `{name}` is not configured here"),
        ))
    }
}

/// A node of a cluster.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// The way to it.
    pub node: Arc<dyn Node>,
}

/// A root of a node, as the node told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Root {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) free: u64,
    /// How the agent's configuration spells it, where that is another path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) configured: Option<PathBuf>,
}

impl Cluster {
    /// The names of its nodes.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.members.iter().map(|member| member.name.as_str()).collect()
    }

    /// What every node says of itself, all asked at the same time. Those that are not who made these backups are refused.
    pub(crate) async fn ask_all(
        &self,
        made: &[BackupId],
        context: &Context,
    ) -> Vec<(String, Result<Vec<Root>, Failure>)> {
        let mut asking = Vec::new();
        for member in &self.members {
            asking.push(member.roots_of_ours(&self.name, made, context).boxed());
        }
        let answers = futures::stream::iter(asking).buffered(self.limit.max(1));
        let answers: Vec<_> = answers.collect().await;
        let names = self.members.iter().map(|member| member.name.clone());
        names.zip(answers).collect()
    }

    /// The node of this name.
    pub(crate) fn named(&self, name: &str) -> Result<&Member, Failure> {
        let member = self.members.iter().find(|member| member.name == name);
        member.ok_or_else(|| {
            Failure::new(
                ErrorKind::NotFound,
                format!("cluster `{}` has no node `{name}`", self.name),
            )
            .with_hint("[cluster.NAME.node.NODE] has them; an operation goes on with those it began with")
        })
    }

    /// The way to a node.
    pub(crate) fn member(&self, name: &str) -> Result<&dyn Node, Failure> {
        Ok(&*self.named(name)?.node)
    }

    /// How many nodes a backup has to hold, by what was asked for or is configured.
    pub(crate) fn least(&self, asked: Option<u32>) -> usize {
        asked
            .or(self.quorum)
            .map_or(self.members.len(), |least| least as usize)
    }
}

impl Member {
    /// The roots of the node. An agent that answers for another node is refused.
    pub(crate) async fn roots(&self) -> Result<Vec<Root>, Failure> {
        let info: NodeInfo = self.node.info().await?;
        if info.node.as_deref() != Some(self.name.as_str()) {
            let said = info.node.unwrap_or(info.host);
            return Err(Failure::new(
                ErrorKind::Conflict,
                format!("where node `{}` should be, `{said}` answers", self.name),
            )
            .with_hint(
                "look at the addresses in [cluster.NAME.node.NODE], and at `node` of that agent's file",
            ));
        }
        let roots = info.roots.into_iter().map(|root| Root {
            name: root.name,
            path: root.path,
            free: root.free,
            configured: root.configured,
        });
        Ok(roots.collect())
    }
}

impl Member {
    /// The roots of a node that may store into the vault: it knows the backups that it has of it.
    pub(crate) async fn roots_of_ours(
        &self,
        cluster: &str,
        made: &[BackupId],
        context: &Context,
    ) -> Result<Vec<Root>, Failure> {
        let roots = self.roots().await?;
        self.recognise(cluster, made, context).await?;
        Ok(roots)
    }
}

/// The lease of a cluster, while somebody works on it. It is no journaled step: a resumed operation takes it anew, with a
/// higher epoch, and the agents stop what they do for the one before.
#[derive(Debug)]
pub(crate) struct Held {
    lease: Lease,
}

impl Held {
    /// Takes the lease of the context's cluster, and tells the ways to its nodes. `None` where there is no cluster.
    pub(crate) async fn take(
        op: &Operation,
        context: &Context,
        purpose: &str,
    ) -> Result<Option<Self>, Failure> {
        let Some(cluster) = &context.cluster else {
            return Ok(None);
        };
        let holder = LeaseHolder {
            process: context.process.clone(),
            operation: op.id(),
            purpose: purpose.to_owned(),
        };
        let told = |other: &LeaseHolder| {
            op.message(format!(
                "waiting for {} on {} (process {}, operation {}) to finish with cluster `{}`",
                other.purpose,
                other.process.host,
                other.process.pid,
                other.operation.short(),
                cluster.name
            ));
        };
        let taking = context
            .vault
            .cluster_lease(&cluster.name, holder, context.lease_wait, &told);
        let lease = tokio::select! {
            biased;
            () = op.cancelled().cancelled() => {
                return Err(Failure::new(
                    ErrorKind::Cancelled,
                    "it was cancelled while waiting for the cluster",
                ));
            }
            lease = taking => lease.map_err(context.attempting("take the cluster's lease"))?,
        };
        cluster.epoch.work_for(op.id());
        cluster.epoch.set(lease.epoch());
        Ok(Some(Self { lease }))
    }

    /// Asks the store whether the lease is still ours.
    pub(crate) async fn confirm(&self, context: &Context) -> Result<(), Failure> {
        let confirmed = self.lease.confirm().await;
        confirmed.map_err(context.attempting("make sure that nobody else works on the cluster"))
    }

    /// Gives it back. Failing to is harmless: it runs out.
    pub(crate) async fn release(self) {
        if let Err(error) = self.lease.release().await {
            tracing::warn!(%error, "the cluster's lease was not given back and will run out");
        }
    }
}
