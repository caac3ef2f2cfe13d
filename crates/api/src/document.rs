//! What `--output json` prints: one document a verb. See `docs/reference/output.md`.
//!
//! Every document is named here; the modules below hold them by what they are about. An error is a document of its
//! own.

mod backup;
mod cluster;
mod connection;
mod exploration;
mod operation;
mod outcome;
mod queue;
mod retention;
mod schedule;
mod traffic;
mod vault;

use ostler_vocabulary::ErrorKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::keys::KeyReport;
pub use crate::mirror::{MirrorReport, Mirrored};
pub use crate::repair::RepairReport;
pub use backup::{
    BackupCounts, BackupDetail, BackupList, BackupState, BackupSummary, Change, ClusterPart, ClusterParts,
    CopiedFrom, Diff, DiffEntry, FileEntry, FileList, Problem, Proof, Reading, Source,
};
pub use cluster::{
    AdoptedNode, ClusterAdoption, ClusterInfo, ClusterList, ClusterNodeInfo, ClusterStatus, ClusterSummary,
    NodeStatus, SystemStatus,
};
pub use connection::{Connection, ConnectionKind, ConnectionList};
pub use exploration::{ClusterExploration, FoundFact, FoundNode, FoundValue};
pub use operation::{
    AuditEntry, Message, OperationDetail, OperationList, OperationState, OperationSummary, StepSummary,
};
pub use outcome::{
    CheckCommand, CheckReport, CreateReport, DrillAnswer, DrillReport, DrillVerdict, NodeRestored,
    OtherOwners, Outcome, PruneReport, RestoreReport, StartedDatabase, VerifyReport, Waiting,
};
pub use queue::{
    ConsumerList, ConsumerSummary, DeadLetter, DeadLetterList, EventEntry, EventList, QueueChange,
    QueueChanges, QueueDetail, QueueList, QueueSchemaReport, QueueStatus, QueueSummary,
};
pub use retention::{
    ArchiveProof, PartitionVerdict, PolicyChanged, PolicyChanges, PolicyCheckList, PolicyFinding, PolicyList,
    PolicyTags, RetentionEntry, RetentionHistory, RetentionItem, RetentionProblem, RetentionProof,
    RetentionReport, RetentionVerdict,
};
pub use schedule::{
    Cause, Firing, FiringList, FiringState, ScheduleChange, ScheduleDetail, ScheduleList, SchedulePreview,
    ScheduleSummary, SchedulerStanding, Upcoming,
};
pub use traffic::{Cost, Estimate, Traffic};
pub use vault::{
    DatabaseList, DatabaseSummary, KeyEntry, KeyEpoch, KeyList, KeySummary, StoreAbility, StoreProbe,
    VaultInfo, VaultList, VaultSummary,
};

/// An error as a document: what `--output json` prints on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorDocument {
    /// What it means.
    pub kind: ErrorKind,
    /// The exit code.
    pub exit_code: u8,
    /// The outermost message.
    pub error: String,
    /// The causes, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}
