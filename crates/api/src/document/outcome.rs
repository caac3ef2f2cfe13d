//! What finished operations report, by kind.

use std::path::PathBuf;

use jiff::Timestamp;
use ostler_vocabulary::{BackupEvidence, BackupId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::backup::{BackupState, BackupSummary, Problem, Proof};
use super::queue::QueueSchemaReport;
use super::retention::RetentionReport;
use crate::keys::KeyReport;
use crate::mirror::MirrorReport;
use crate::node::HeldFiles;
use crate::repair::RepairReport;

/// What a finished operation says of itself, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// A committed backup.
    CreateBackup(CreateReport),
    /// A restored tree.
    Restore(RestoreReport),
    /// A verified backup.
    Verify(VerifyReport),
    /// A drilled backup.
    Drill(DrillReport),
    /// Deleted backups and freed space.
    Prune(PruneReport),
    /// A checked vault.
    CheckVault(CheckReport),
    /// A vault that was mended.
    RepairVault(RepairReport),
    /// Backups that were copied to another vault.
    Mirror(MirrorReport),
    /// Keys that were added, removed or rotated.
    Keys(KeyReport),
    /// A queue schema that was installed or removed, or dropped queues.
    QueueSchema(QueueSchemaReport),
    /// What policies removed.
    Retention(RetentionReport),
    /// Archived rows that were brought back.
    Undo(crate::retention::UndoReport),
    /// Work on tables.
    Tables(crate::tables::TablesReport),
}

/// `backup create`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreateReport {
    /// The committed backup.
    pub backup: BackupSummary,
    /// The backup it took unchanged files from.
    pub parent: Option<BackupId>,
    /// The backup that it has all of, with what the database wrote since: nothing else was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_to: Option<BackupId>,
    /// Objects that it needs, each looked up in the store with its size or remembered from an earlier look.
    pub objects_found: u64,
    /// What was demanded, looked up and remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<BackupEvidence>>,
    /// How files that were new or changed were held still until they were read, where agents do that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldFiles>,
    /// What is not in it.
    pub problems: Vec<Problem>,
    /// What was left out although nobody asked for it.
    pub left_out: Vec<PathBuf>,
    /// What the plan warned of, such as a key that was made just now, and hooks that failed and were not fatal.
    pub warnings: Vec<String>,
}

/// `restore`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreReport {
    /// The backup.
    pub backup: BackupId,
    /// The target; `None` is the original place.
    pub to: Option<PathBuf>,
    /// Regular files written.
    pub files_written: u64,
    /// Regular files that were right already.
    pub files_kept: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Bytes verified, written or kept.
    pub bytes_verified: u64,
    /// Entries removed by `--delete-extra`.
    pub deleted: u64,
    /// Metadata or files that could not be restored.
    pub problems: Vec<Problem>,
    /// Whether some of them could not because stored data is missing or wrong.
    pub damaged: bool,
    /// What has another owner than in the backup, as where a restore does not run as root.
    #[serde(default)]
    pub owners: OtherOwners,
    /// What each node got, in a restore of a cluster's backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeRestored>,
    /// What has to be done now, such as a repair.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
}

/// Entries that a restore could not give their owner and group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherOwners {
    /// How many there are.
    pub entries: u64,
    /// How many of them were for that reason not given their set-user-ID and set-group-ID bits.
    pub set_id: u64,
}

/// What one node got of a cluster's backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeRestored {
    /// The node in the backup.
    pub from: String,
    /// The node that got it.
    pub node: String,
    /// The root.
    pub root: String,
    /// Regular files written.
    pub files_written: u64,
    /// Regular files that were right already.
    pub files_kept: u64,
    /// Bytes written.
    pub bytes_written: u64,
}

/// `backup verify`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyReport {
    /// The backup.
    pub backup: BackupId,
    /// Its state after this.
    pub state: BackupState,
    /// The proof that was stored.
    pub proof: Proof,
    /// Packs looked at.
    pub packs: u64,
    /// Packs of these that were read whole.
    #[serde(default)]
    pub packs_read: u64,
    /// Every byte was read at this time or later; `None` while some never was, and where nothing was to be read.
    #[serde(default)]
    pub read_since: Option<Timestamp>,
}

/// `backup drill`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrillReport {
    /// The backup.
    pub backup: BackupId,
    /// Its state after this.
    pub state: BackupState,
    /// The proof that was stored.
    pub proof: Proof,
    /// Files compared with the backup.
    pub compared: u64,
    /// Files also compared with the live source, because that has not changed.
    pub compared_live: u64,
    /// Live files that have changed since and could not be compared.
    pub changed_live: u64,
    /// Exit code and the last lines of the check command.
    pub check: Option<CheckCommand>,
    /// What the database said that was started on what was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<StartedDatabase>,
    /// How long the restore took, in milliseconds.
    pub restore_ms: u64,
}

/// A database that was started on restored files, apart from everything that lives, asked, and ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StartedDatabase {
    /// Nodes that ran.
    pub nodes: u32,
    /// How long it took until all of them answered, in milliseconds.
    pub start_ms: u64,
    /// What it was asked, with what was recorded when the backup was made.
    pub answers: Vec<DrillAnswer>,
    /// What was not looked at, and why.
    pub left_out: Vec<String>,
}

/// What a database says after it was restored, beside what it said when it was backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DrillAnswer {
    /// What was asked.
    pub question: String,
    /// The answer right before its files were held still.
    pub before: Option<String>,
    /// The answer right after.
    pub after: Option<String>,
    /// The answer of what was restored.
    pub found: String,
    /// What follows.
    pub verdict: DrillVerdict,
}

/// What follows from an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DrillVerdict {
    /// It is what was recorded.
    Same,
    /// It is a number between the two that were recorded, while it changed.
    Between,
    /// It changed while the backup was made, so nothing follows.
    Moved,
    /// It is something else.
    Wrong,
    /// Nothing was recorded with this backup.
    Unrecorded,
}

/// How a user's check command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckCommand {
    /// The command.
    pub command: String,
    /// Its exit code; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// The last of its output, at most 4 KiB.
    pub output: String,
}

/// `backup delete` and `backup prune`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PruneReport {
    /// Backups that were deleted.
    pub deleted: Vec<BackupId>,
    /// Backups of the plan that were not deleted, because they changed since it was made, with the reason.
    pub refused: Vec<Problem>,
    /// Packs removed.
    pub packs_deleted: u64,
    /// Packs rewritten.
    pub packs_rewritten: u64,
    /// Bytes by which the store shrank.
    pub bytes_freed: u64,
    /// Other leftovers removed: index segments, intents, proofs, unfinished uploads.
    pub objects_deleted: u64,
    /// What was found to be unneeded and is freed by the next prune only, because backups are being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
}

/// What a prune leaves to the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// Packs to be removed.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The backups that are being made, and may rely on these packs.
    pub backups: Vec<BackupId>,
}

/// `vault check`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// Packs looked at.
    pub packs: u64,
    /// Chunks looked at.
    pub chunks: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Backups looked at.
    pub backups: u64,
    /// Packs that no index segment names; leftovers of an interrupted run, freed by the next prune.
    pub orphans: u64,
    /// Packs that the index names, that are not in the store and that no backup needs; the next prune removes their
    /// entries. A writer that was stopped while its backup was given up leaves them.
    #[serde(default)]
    pub stale_entries: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Backups that are damaged by it.
    pub damaged: Vec<BackupId>,
}
