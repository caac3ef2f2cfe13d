//! Backups as documents: their state, the list, one in full, its files, and the difference of two.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use ostler_vocabulary::{BackupEvidence, BackupId, OperationId, VaultId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a backup stands, derived from what is in the vault and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackupState {
    /// An operation that is alive is making it.
    Running,
    /// It was begun and never committed.
    Incomplete,
    /// It was committed without some files, which its list of problems names.
    Partial,
    /// It was committed after everything it needs was found in the store.
    Complete,
    /// It was complete and then read in full, or restored in a drill, without a fault.
    Verified,
    /// A later check found something missing or wrong.
    Damaged,
}

impl BackupState {
    /// Whether it may be restored, and counts as the last good one, without anybody insisting.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Complete | Self::Verified)
    }

    /// The word in tables and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Incomplete => "incomplete",
            Self::Partial => "partial",
            Self::Complete => "complete",
            Self::Verified => "verified",
            Self::Damaged => "damaged",
        }
    }
}

/// What was backed up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// The host's name.
    pub host: String,
    /// Absolute paths, sorted.
    pub paths: Vec<PathBuf>,
}

/// Counts and sizes of one backup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupCounts {
    /// Regular files.
    pub files: u64,
    /// All entries: files, directories, links, special files.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Files that were new or changed since the parent.
    pub changed_files: u64,
    /// Bytes that were not in the vault before, as read.
    pub new_bytes: u64,
    /// Bytes this backup added to the store, compressed and encrypted.
    pub stored_bytes: u64,
    /// Files that could not be read, or changed while they were read.
    pub problems: u64,
}

/// One row of `backup list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupSummary {
    /// The backup's id. A copy in another vault has the same.
    pub id: BackupId,
    /// The name of the vault it is in.
    #[serde(default)]
    pub vault: String,
    /// Its name.
    pub name: Option<String>,
    /// Its state.
    pub state: BackupState,
    /// What was backed up; `None` while it is running or incomplete and the intent does not tell.
    pub source: Option<Source>,
    /// When it was started.
    pub started: Timestamp,
    /// How long it took, in milliseconds; 0 while it runs.
    pub duration_ms: u64,
    /// Counts and sizes.
    pub counts: BackupCounts,
    /// Tags as they are now.
    pub tags: BTreeMap<String, String>,
    /// Whether it is held, so that no rule deletes it.
    pub held: bool,
    /// When it was last read in full or drilled without a fault.
    pub verified: Option<Timestamp>,
}

/// `backup list`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupList {
    /// The vault that was asked for; the one that new backups go to when all were.
    pub vault: String,
    /// Newest first; of several vaults when none was asked for.
    pub backups: Vec<BackupSummary>,
    /// Vaults that could not be looked at, by name, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<Problem>,
}

/// A file that could not be backed up, restored or verified as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The file, with bytes that are not UTF-8 as `\xNN`; or the object's key.
    pub path: String,
    /// What happened, as a sentence.
    pub reason: String,
}

/// A report that was stored with a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// What was done: `commit`, `verify`, `verify_data`, `verify_sample`, `verify_old`, `verify_paths`, `drill`, `check`; or `drill_failed`, a drill in which the
    /// stored data was right and something else was not, such as the check command.
    pub method: String,
    /// When it ended.
    pub at: Timestamp,
    /// Whether everything was right.
    pub ok: bool,
    /// Files looked at.
    pub files: u64,
    /// Bytes read and compared.
    pub bytes: u64,
    /// What was wrong.
    pub problems: Vec<Problem>,
}

/// When data was last read back, as stored proofs say. By the names of proofs alone: what a collection wrote into new
/// packs since counts as read until a proof says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// Every byte was read at this time or later; `None` while some never was.
    pub since: Option<Timestamp>,
    /// When something was last read.
    pub last: Option<Timestamp>,
    /// How much was read in the last 30 days, in percent, rounded down.
    pub recent_percent: u8,
}

/// `backup show`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: BackupSummary,
    /// Why it is held, where it is and somebody said so.
    #[serde(default)]
    pub hold_reason: Option<String>,
    /// The backup it took unchanged files from.
    pub parent: Option<BackupId>,
    /// Where it was copied from, if it was not made in this vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<CopiedFrom>,
    /// The operation that made it.
    pub operation: Option<OperationId>,
    /// The version of Ostler that made it.
    pub made_by: String,
    /// Files that could not be read, or changed while read.
    pub problems: Vec<Problem>,
    /// All proofs, oldest first.
    pub proofs: Vec<Proof>,
    /// When its data was last read back.
    #[serde(default)]
    pub reading: Reading,
    /// The cluster it is of, if it is not of one machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterParts>,
    /// What was demanded, looked up and remembered before the commit. Backups of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<BackupEvidence>,
    /// What its file lists lack of what every backup of its database contains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<Problem>,
}

/// What a backup of a cluster holds of which node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterParts {
    /// The cluster's name.
    pub name: String,
    /// Each root of each node.
    pub parts: Vec<ClusterPart>,
    /// The nodes that are not in it although the cluster had them.
    pub absent: Vec<String>,
}

/// One root of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterPart {
    /// The node's name.
    pub node: String,
    /// The root's name.
    pub root: String,
    /// Where it was on that node.
    pub path: PathBuf,
    /// What knows how to restore it.
    pub driver: String,
}

/// What a backup is a copy of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopiedFrom {
    /// The id of the vault it was read from; `vault info` shows those of vaults.
    pub vault: VaultId,
    /// Its id there.
    pub backup: BackupId,
    /// When it was copied.
    pub at: Timestamp,
}

/// One entry of `backup show --files` or `backup diff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileEntry {
    /// The absolute path, with bytes that are not UTF-8 as `\xNN`.
    pub path: String,
    /// `file`, `directory`, `symlink`, `fifo`, `socket`, `char_device`, `block_device`.
    pub kind: String,
    /// The file's size in bytes.
    pub size: u64,
    /// Permission bits, octal.
    pub mode: String,
    /// Modification time.
    pub modified: Timestamp,
    /// Where a symbolic link points.
    pub target: Option<String>,
}

/// `backup show --files`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileList {
    /// The backup.
    pub backup: BackupId,
    /// In path order.
    pub files: Vec<FileEntry>,
}

/// How an entry differs between two backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only in the second.
    Added,
    /// Only in the first.
    Removed,
    /// Other content or another kind.
    Modified,
    /// The same content with other metadata.
    Metadata,
}

/// One line of `backup diff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffEntry {
    /// How it differs.
    pub change: Change,
    /// The entry as it is in the second backup, or in the first where it was removed.
    #[serde(flatten)]
    pub entry: FileEntry,
}

/// `backup diff`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diff {
    /// The first backup.
    pub from: BackupId,
    /// The second backup.
    pub to: BackupId,
    /// In path order.
    pub entries: Vec<DiffEntry>,
}
