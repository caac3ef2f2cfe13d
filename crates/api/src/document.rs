//! What `--output json` prints: one document a verb. See `docs/reference/output.md`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use ostler_vocabulary::{BackupId, ErrorKind, OperationId, ProgressValue, VaultId};
use serde::{Deserialize, Serialize};

/// Where a backup stands, derived from what is in the vault and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The host's name.
    pub host: String,
    /// Absolute paths, sorted.
    pub paths: Vec<PathBuf>,
}

/// Counts and sizes of one backup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSummary {
    /// The backup's id.
    pub id: BackupId,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupList {
    /// The vault's name.
    pub vault: String,
    /// Newest first.
    pub backups: Vec<BackupSummary>,
}

/// A file that could not be backed up, restored or verified as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file, with bytes that are not UTF-8 as `\xNN`; or the object's key.
    pub path: String,
    /// What happened, as a sentence.
    pub reason: String,
}

/// A report that was stored with a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What was done: `commit`, `verify`, `verify_data`, `drill`, `check`; or `drill_failed`, a drill in which the
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

/// `backup show`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: BackupSummary,
    /// The vault's name.
    pub vault: String,
    /// The backup it took unchanged files from.
    pub parent: Option<BackupId>,
    /// The operation that made it.
    pub operation: Option<OperationId>,
    /// The version of Ostler that made it.
    pub made_by: String,
    /// Files that could not be read, or changed while read.
    pub problems: Vec<Problem>,
    /// All proofs, oldest first.
    pub proofs: Vec<Proof>,
}

/// One entry of `backup show --files` or `backup diff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileList {
    /// The backup.
    pub backup: BackupId,
    /// In path order.
    pub files: Vec<FileEntry>,
}

/// How an entry differs between two backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffEntry {
    /// How it differs.
    pub change: Change,
    /// The entry as it is in the second backup, or in the first where it was removed.
    #[serde(flatten)]
    pub entry: FileEntry,
}

/// `backup diff`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The first backup.
    pub from: BackupId,
    /// The second backup.
    pub to: BackupId,
    /// In path order.
    pub entries: Vec<DiffEntry>,
}

/// What a finished operation says of itself, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}

/// `backup create`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateReport {
    /// The committed backup.
    pub backup: BackupSummary,
    /// The backup it took unchanged files from.
    pub parent: Option<BackupId>,
    /// Objects that were found in the store with the right size before the commit.
    pub objects_found: u64,
    /// What is not in it.
    pub problems: Vec<Problem>,
    /// What was left out although nobody asked for it.
    pub left_out: Vec<PathBuf>,
    /// What the plan warned of, such as a key that was made just now, and hooks that failed and were not fatal.
    pub warnings: Vec<String>,
}

/// `restore`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}

/// `backup verify`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// The backup.
    pub backup: BackupId,
    /// Its state after this.
    pub state: BackupState,
    /// The proof that was stored.
    pub proof: Proof,
    /// Packs looked at.
    pub packs: u64,
}

/// `backup drill`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// How long the restore took, in milliseconds.
    pub restore_ms: u64,
}

/// How a user's check command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCommand {
    /// The command.
    pub command: String,
    /// Its exit code; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// The last of its output, at most 4 KiB.
    pub output: String,
}

/// `backup delete` and `backup prune`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
}

/// `vault check`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Backups that are damaged by it.
    pub damaged: Vec<BackupId>,
}

/// One row of `vault list`, and `vault info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultSummary {
    /// The name in the configuration.
    pub name: String,
    /// Where it is, without secrets.
    pub location: String,
    /// Whether it is the default.
    pub default: bool,
}

/// `vault list`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultList {
    /// All configured vaults, by name.
    pub vaults: Vec<VaultSummary>,
}

/// `vault info` and `vault init`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultInfo {
    /// Name and place.
    #[serde(flatten)]
    pub summary: VaultSummary,
    /// The vault's id.
    pub id: VaultId,
    /// The version of its format.
    pub format: u32,
    /// When it was made.
    pub created: Timestamp,
    /// `aes-256-gcm`, `chacha20-poly1305` or `none`.
    pub encryption: String,
    /// How its key is protected, one for each: `key file`, `passphrase`, `age`.
    pub keys: Vec<KeySummary>,
    /// The key file, when one was made just now or is configured.
    pub key_file: Option<PathBuf>,
    /// Backups by state.
    pub backups: BTreeMap<String, u64>,
    /// Packs.
    pub packs: u64,
    /// Bytes of all packs.
    pub bytes: u64,
    /// Chunks.
    pub chunks: u64,
    /// What to know about it.
    pub warnings: Vec<String>,
}

/// One way to open a vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySummary {
    /// The key's id.
    pub id: String,
    /// `key file`, `passphrase` or `age`.
    pub kind: String,
    /// When it was added.
    pub created: Timestamp,
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Its owner is alive and working.
    Running,
    /// Its owner is gone; it can be resumed.
    Interrupted,
    /// It is being undone.
    Cancelling,
    /// It was undone.
    Cancelled,
    /// It failed; what it left is named.
    Failed,
    /// It ended with a part not done.
    Partial,
    /// It ended, with its proof.
    Succeeded,
}

impl OperationState {
    /// The word in tables and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Partial => "partial",
            Self::Succeeded => "succeeded",
        }
    }

    /// Whether nothing will happen to it any more unless somebody resumes it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Failed | Self::Partial | Self::Succeeded
        )
    }
}

/// One row of `operation list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationSummary {
    /// The operation's id.
    pub id: OperationId,
    /// Its kind, such as `create_backup`.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// Where it stands.
    pub state: OperationState,
    /// When it was first started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Time its owners worked on it, in milliseconds.
    pub duration_ms: u64,
    /// Bytes it moved, as its progress counted them.
    pub bytes: u64,
    /// Why it is not a success, the outermost message first.
    pub reasons: Vec<String>,
}

/// `operation list`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationList {
    /// Newest first.
    pub operations: Vec<OperationSummary>,
}

/// One step of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSummary {
    /// The step's name, with its key where it has one.
    pub name: String,
    /// `running`, `done`, `failed`, `undone`.
    pub state: String,
    /// When it was last started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How often it was started.
    pub attempts: u32,
    /// Its last progress.
    pub progress: Option<ProgressValue>,
    /// Why it failed.
    pub reasons: Vec<String>,
}

/// One line of the audit record: something that was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// What was done, such as `delete backup`.
    pub action: String,
    /// To what.
    pub item: String,
    /// Bytes it had.
    pub bytes: u64,
    /// By which rule or request.
    pub reason: String,
}

/// `operation show`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: OperationSummary,
    /// Who works on it, as `host (process N)`.
    pub owner: Option<String>,
    /// How often it changed hands.
    pub epoch: u64,
    /// Its steps in order.
    pub steps: Vec<StepSummary>,
    /// What it deleted.
    pub audit: Vec<AuditEntry>,
    /// What it says of itself, once it has ended well or in part.
    pub outcome: Option<Outcome>,
    /// What it left behind and what to do next, when it did not end well.
    pub advice: Option<String>,
    /// What the failure means, when it failed; the exit code of whoever waited for it is derived from this.
    #[serde(default)]
    pub failure: Option<ErrorKind>,
}

/// An error as a document: what `--output json` prints on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
