//! How a front end asks for work and sees what becomes of it.

use std::fmt;

use async_trait::async_trait;
use ostler_vocabulary::{
    BackupId, ByteSize, ErrorKind, Failure, OperationCursor, OperationId, ProgressValue,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::audit::{AuditList, AuditQuery};
use crate::document::{
    BackupDetail, BackupList, ClusterExploration, ClusterInfo, ClusterList, ClusterStatus, ConnectionList,
    DatabaseList, Diff, FileList, KeyList, OperationDetail, OperationList, OperationState, VaultInfo,
    VaultList,
};
use crate::metrics::Metrics;
use crate::queue::{DatabaseChoice, QueueAnswer, QueueCall};
use crate::request::{Filter, Plan, Request, Selector};
use crate::retention::{PolicyPlace, RetentionAnswer, RetentionCall};
use crate::schedule::{ScheduleAnswer, ScheduleCall};
use crate::vault::NewVault;
use crate::webhook::{WebhookAnswer, WebhookCall};

/// Something that happened to an operation while somebody watched it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A step began.
    StepStarted {
        /// The step's name, with its key where it has one.
        step: String,
    },
    /// A step is further than it was.
    Progress {
        /// The step's name.
        step: String,
        /// How far.
        progress: ProgressValue,
    },
    /// A step ended.
    StepEnded {
        /// The step's name.
        step: String,
        /// Whether it was done rather than failed.
        ok: bool,
    },
    /// Something worth saying, such as waiting for another writer.
    Message {
        /// A sentence.
        text: String,
    },
    /// The operation is over or was left for another to resume; always the last event.
    Ended {
        /// Where it stands.
        state: OperationState,
    },
}

/// A change to what is said of a backup; none of them changes the backup itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mark", rename_all = "snake_case")]
pub enum Mark {
    /// No rule deletes it.
    Hold {
        /// Why, for whoever finds it later.
        reason: Option<String>,
    },
    /// Rules may delete it again.
    Release,
    /// Sets tags; an empty value removes one.
    Tag {
        /// The tags.
        tags: std::collections::BTreeMap<String, String>,
    },
}

/// Other limits for an operation that runs, per second. `None` leaves one as it is, 0 lifts it. Of an operation on a cluster
/// they are those of each node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitChange {
    /// Bytes sent to the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<ByteSize>,
    /// Bytes received from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download: Option<ByteSize>,
    /// Requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// Threads that read and hash at a time, and not per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// How much those give way to other processes, up to 19.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nice: Option<u8>,
}

impl LimitChange {
    /// What this changes, and what the other does where this changes nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            upload: self.upload.or(other.upload),
            download: self.download.or(other.download),
            requests: self.requests.or(other.requests),
            parallel: self.parallel.or(other.parallel),
            nice: self.nice.or(other.nice),
        }
    }
}

/// How a front end sees Ostler: in its own process, or over HTTP. The documents are the same.
///
/// Contract: `plan` and the queries change nothing. `start` returns as soon as the operation is recorded; from then
/// on it survives the caller. Dropping a watcher does not cancel anything. Every method may be called from several
/// tasks at once.
#[async_trait]
pub trait Client: fmt::Debug + Send + Sync {
    /// Works out what the request would do.
    async fn plan(&self, request: Request) -> Result<Plan, Failure>;

    /// Starts the plan. What it would change is worked out again: whatever changed since is refused item by item;
    /// the set may shrink, never grow.
    async fn start(&self, plan: Plan) -> Result<OperationId, Failure>;

    /// The events of an operation from now on; ends with [`Event::Ended`], at once for one that is over.
    async fn watch(&self, operation: OperationId) -> Result<mpsc::Receiver<Event>, Failure>;

    /// Asks a running operation to stop: it is undone unless it has committed. `leave` makes it stop as it is,
    /// to be resumed.
    async fn cancel(&self, operation: OperationId, leave: bool) -> Result<(), Failure>;

    /// Changes what a running operation waits for, whichever process runs it. Gives all changes of its limits so far.
    async fn limit(&self, operation: OperationId, change: LimitChange) -> Result<LimitChange, Failure>;

    /// Goes on with an interrupted or failed operation.
    async fn resume(&self, operation: OperationId) -> Result<(), Failure>;

    /// One operation, by id or unique prefix.
    async fn operation(&self, id: &str) -> Result<OperationDetail, Failure>;

    /// Operations, newest first, at most `limit`: those that were begun before `after`, where it is given.
    async fn operations(
        &self,
        limit: usize,
        after: Option<OperationCursor>,
    ) -> Result<OperationList, Failure>;

    /// Everything that is known about operations, as JSON lines, oldest first.
    async fn export_operations(&self) -> Result<Vec<serde_json::Value>, Failure>;

    /// The backups of a vault, newest first.
    async fn backups(&self, vault: Option<&str>, filter: &Filter) -> Result<BackupList, Failure>;

    /// One backup.
    async fn backup(&self, selector: &Selector) -> Result<BackupDetail, Failure>;

    /// The files of a backup at or below `path` (all when `None`).
    async fn files(&self, selector: &Selector, path: Option<&std::path::Path>) -> Result<FileList, Failure>;

    /// How the second backup differs from the first.
    async fn diff(&self, from: &Selector, to: &Selector) -> Result<Diff, Failure>;

    /// The content of one file of a backup, in order, chunk by chunk, each verified before it is sent.
    async fn read_file(
        &self,
        selector: &Selector,
        path: &std::path::Path,
        allow_incomplete: bool,
    ) -> Result<mpsc::Receiver<Result<Vec<u8>, Failure>>, Failure>;

    /// Marks a backup; returns its id.
    async fn mark(&self, selector: &Selector, mark: Mark) -> Result<BackupId, Failure>;

    /// The configured vaults.
    async fn vaults(&self) -> Result<VaultList, Failure>;

    /// What is known about one vault.
    async fn vault(&self, name: Option<&str>) -> Result<VaultInfo, Failure>;

    /// Makes a vault and its key, and names it in the configuration where that does not yet. Replaces nothing.
    async fn make_vault(&self, vault: NewVault) -> Result<VaultInfo, Failure> {
        let _ = vault;
        Err(Failure::new(
            ErrorKind::Unsupported,
            "this client makes no vaults",
        ))
    }

    /// What opens a vault, and which secrets its contents are sealed with.
    async fn keys(&self, vault: Option<&str>) -> Result<KeyList, Failure>;

    /// The clusters of the configuration.
    async fn clusters(&self) -> Result<ClusterList, Failure> {
        Err(no_clusters())
    }

    /// What the configuration says of a cluster.
    async fn cluster(&self, name: &str) -> Result<ClusterInfo, Failure> {
        let _ = name;
        Err(no_clusters())
    }

    /// Asks every node of a cluster, and its database, how they are. A node that does not answer is in the document.
    async fn cluster_status(&self, name: &str) -> Result<ClusterStatus, Failure> {
        let _ = name;
        Err(no_clusters())
    }

    /// What there is of a cluster and what it runs with, with where that was found.
    async fn cluster_exploration(&self, name: &str) -> Result<ClusterExploration, Failure> {
        let _ = name;
        Err(no_clusters())
    }

    /// Asks everything that the configuration names for an answer: state, vaults, databases, nodes. Changes nothing.
    async fn connections(&self) -> Result<ConnectionList, Failure> {
        Err(Failure::new(
            ErrorKind::Unsupported,
            "this client has no configuration",
        ))
    }

    /// The databases of the configuration.
    async fn databases(&self) -> Result<DatabaseList, Failure> {
        Err(Failure::new(
            ErrorKind::Unsupported,
            "this client knows no databases",
        ))
    }

    /// Asks a database about its queues, or changes something there that needs no plan. Each call is one transaction.
    async fn queue(&self, database: &DatabaseChoice, call: QueueCall) -> Result<QueueAnswer, Failure>;

    /// Asks a database about its retention policies, or changes them. Each call is one transaction.
    async fn retention(&self, place: &PolicyPlace, call: RetentionCall) -> Result<RetentionAnswer, Failure>;

    /// Asks about schedules, changes them, or runs what they say. Each change is one transaction.
    async fn schedule(&self, call: ScheduleCall) -> Result<ScheduleAnswer, Failure> {
        let _ = call;
        Err(Failure::new(
            ErrorKind::Unsupported,
            "this client knows no schedules",
        ))
    }

    /// Asks about webhooks or changes them. Each change is one transaction.
    async fn webhook(&self, call: WebhookCall) -> Result<WebhookAnswer, Failure> {
        let _ = call;
        Err(Failure::new(
            ErrorKind::Unsupported,
            "this client knows no webhooks",
        ))
    }

    /// Metrics, from what is recorded on the server's machine: no store is asked. With `refresh` the vaults are looked
    /// at first, and what is seen is recorded.
    async fn metrics(&self, refresh: bool) -> Result<Metrics, Failure> {
        let _ = refresh;
        Err(Failure::new(
            ErrorKind::Unsupported,
            "this client knows no metrics",
        ))
    }

    /// Changes that somebody asked for, newest first.
    async fn audit(&self, query: &AuditQuery) -> Result<AuditList, Failure> {
        let _ = query;
        Err(Failure::new(
            ErrorKind::Unsupported,
            "this client has no audit log",
        ))
    }

    /// Starts the plan as [`Client::start`] does, and sends its outcome to this URL when it is over, however long that
    /// takes and whoever is alive then.
    async fn start_with_callback(&self, plan: Plan, result_url: String) -> Result<OperationId, Failure> {
        let _ = (plan, result_url);
        Err(Failure::new(
            ErrorKind::Unsupported,
            "this client cannot send results anywhere",
        ))
    }
}

fn no_clusters() -> Failure {
    Failure::new(ErrorKind::Unsupported, "this client knows no clusters")
}
