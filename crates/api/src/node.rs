//! What a coordinator asks of the agent beside a database node.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use jiff::Timestamp;
use ostler_vocabulary::{BackupId, ErrorKind, Failure, OperationId, Progress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::client::LimitChange;
use crate::document::{BackupCounts, OtherOwners, Problem, Source};
use crate::request::{Overwrite, RestoreWork};

/// The file that marks a directory as a drill's scratch: `DIRECTORY/.ostler-scratch`.
pub const SCRATCH_MARKER: &str = ".ostler-scratch";
/// The directory in a scratch directory that a drill restores into.
pub const SCRATCH_TREE: &str = "tree";

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeInfo {
    /// The host's name.
    pub host: String,
    /// The version of Ostler it runs.
    pub version: String,
    /// Its name in its cluster; `None` for the agent in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The directories that it works in; none means anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<NodeRoot>,
    /// What its clock says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Timestamp>,
    /// Why its vault cannot be opened there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault_problem: Option<String>,
}

/// A directory that an agent works in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeRoot {
    /// Its name, which is the same on every node of a cluster.
    pub name: String,
    /// Where it is on this node; absolute, without links.
    pub path: PathBuf,
    /// Bytes that are free there.
    pub free: u64,
    /// How the configuration spells it, where links lead from there to `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured: Option<PathBuf>,
}

/// Under which epoch of the lease a coordinator works and for which operation, shared with its ways to the nodes. 0 and none
/// before there is one.
#[derive(Debug, Clone, Default)]
pub struct Epoch(Arc<Mandate>);

#[derive(Debug, Default)]
struct Mandate {
    epoch: AtomicU64,
    operation: OnceLock<OperationId>,
}

impl Epoch {
    /// The epoch now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.epoch.load(Ordering::Relaxed)
    }

    /// From now on requests are made under this epoch.
    pub fn set(&self, epoch: u64) {
        self.0.epoch.store(epoch, Ordering::Relaxed);
    }

    /// The operation that requests are made for.
    #[must_use]
    pub fn operation(&self) -> Option<OperationId> {
        self.0.operation.get().copied()
    }

    /// From now on requests are made for this operation; there is one at most.
    pub fn work_for(&self, operation: OperationId) {
        let _ = self.0.operation.set(operation);
    }
}

/// Which files to take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Absolute paths, sorted, none inside another.
    pub paths: Vec<PathBuf>,
    /// Globs of what to leave out.
    pub exclude: Vec<String>,
    /// Directories of ours that are always left out.
    pub left_out: Vec<PathBuf>,
    /// Whether to stay on each path's file system.
    pub one_file_system: bool,
    /// Takes a snapshot that a database made, instead of the files it goes on writing. Since version 2 of the protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Frozen>,
    /// Holds files still before the first of them is read. Since version 4 of the protocol; an agent of an earlier one is not
    /// told, and reads them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
}

/// How an agent may hold files still itself, by a snapshot below each path. Whatever can be held in no way is read as it is,
/// and a change while it is read is reported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// By clones, where the file system can make them: they share their blocks with what they are of.
    pub reflink: bool,
    /// Globs of files that nobody writes to any more: by another name, a hard link. It keeps them when they are removed.
    pub immutable: Vec<String>,
    /// Globs of files that only grow: the same, and read up to the size they had.
    pub append_only: Vec<String>,
}

/// How many of the files that were new or changed were held still, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldFiles {
    /// By clones.
    pub cloned: u64,
    /// By hard links.
    pub linked: u64,
    /// Not at all: they were read where they are.
    pub in_place: u64,
}

impl HeldFiles {
    /// Counts those of another node, root or path too.
    pub fn add(&mut self, other: Self) {
        self.cloned += other.cloned;
        self.linked += other.linked;
        self.in_place += other.in_place;
    }
}

/// Where a database puts snapshots of its files: in a directory of each directory that it keeps files in. Only what is in them
/// is taken, and it is listed as if it were one of the files it was made of: `ks/table/snapshots/x/1.db` with depth 2 and
/// within `snapshots/x` is `ks/table/1.db`. So a backup looks like the data directory, and is restored as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// How many levels below each path the directories are that snapshots are made in.
    pub depth: u32,
    /// Where the snapshot is in each of them; relative.
    pub within: PathBuf,
    /// Whether what is in it never changes: a file with the inode, size and time of one that was read is that file,
    /// whatever other names it got or lost since.
    pub immutable: bool,
    /// What is in it was only added to what the parent has. Since version 5 of the protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increments: Option<Increments>,
}

/// What a database wrote since a backup, kept beside its files: the list has all that the parent's has as well. What is in the
/// parent already is removed from beside the files, as that backup is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Increments {
    /// The backup whose list is the parent's; the node does not add to an older one than it has removed increments of.
    pub base: BackupId,
    /// The end of names of files by which one is known again: such a file of the parent that is found and is another means
    /// that names were given twice, and is refused. Of all other files that it has, those of the parent are the right ones.
    pub known_by: String,
}

/// A request to read files and store them in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// The backup they belong to.
    pub backup: BackupId,
    /// Which files.
    pub selection: Selection,
    /// The file list whose unchanged files need not be read: its address in the vault.
    pub parent: Option<String>,
    /// Whether to read every file all the same.
    pub read_all: bool,
}

/// What an upload stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Uploaded {
    /// Host and paths.
    pub source: Source,
    /// The address of the node's file list in the vault.
    pub list: String,
    /// Counts and sizes.
    pub counts: BackupCounts,
    /// The first thousand problems; `counts.problems` says how many there are.
    pub problems: Vec<Problem>,
    /// When reading began.
    pub started: Timestamp,
    /// How files were held still, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldFiles>,
    /// Entries with flags of `chattr`, such as immutable, that are not stored.
    #[serde(default)]
    pub flagged: u64,
}

/// A request to restore files from the vault, or to say what that would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// The backup.
    pub backup: BackupId,
    /// The address of the node's file list in the vault.
    pub list: String,
    /// The paths that were backed up.
    pub roots: Vec<PathBuf>,
    /// The target directory; `None` is the original place.
    pub to: Option<PathBuf>,
    /// Only these and what is below them.
    pub include: Vec<PathBuf>,
    /// What to do with files that exist.
    pub overwrite: Overwrite,
    /// Whether to remove what is not in the backup.
    pub delete_extra: bool,
    /// When not `None`, exactly these may be removed: the approved plan's list.
    pub approved_deletes: Option<Vec<PathBuf>>,
}

/// What a restore wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Downloaded {
    /// Regular files written.
    pub files_written: u64,
    /// Regular files that were right already.
    pub files_kept: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Bytes verified, written or kept.
    pub bytes_verified: u64,
    /// Paths removed.
    pub deleted: Vec<PathBuf>,
    /// What could not be restored.
    pub problems: Vec<Problem>,
    /// Whether stored data was found missing or wrong.
    pub damaged: bool,
    /// What has another owner than in the backup.
    #[serde(default)]
    pub owners: OtherOwners,
}

/// A request to compare a restored tree with the backup and with the live source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// The address of the node's file list in the vault.
    pub list: String,
    /// The paths that were backed up.
    pub roots: Vec<PathBuf>,
    /// Where they were restored to.
    pub restored: PathBuf,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// Files compared with the backup.
    pub files: u64,
    /// Bytes compared.
    pub bytes: u64,
    /// Files also equal to the live source, which has not changed since.
    pub live: u64,
    /// Live files that have changed since.
    pub changed_live: u64,
    /// What differs.
    pub problems: Vec<Problem>,
}

/// What a node says of backups that it is asked whether it took part in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recalled {
    /// Those that it knows nothing of.
    pub unknown: Vec<BackupId>,
    /// Whether what it remembers was written on another machine than this one.
    #[serde(default)]
    pub moved: bool,
}

/// The agent beside a node: in this process, or behind HTTP.
///
/// Contract: every request may be made again after it failed, was cancelled or its process was killed, and then
/// does only what is left to do: stored chunks are not stored again, files that are right are not written again.
/// Cancelling stops it within a second at a place from which that holds. A problem with one file is reported and
/// does not stop the others; an error means that the request as a whole could not be carried out.
#[async_trait]
pub trait Node: fmt::Debug + Send + Sync {
    /// What the node is.
    async fn info(&self) -> Result<NodeInfo, Failure>;

    /// Counts files and bytes of the selection, for a dry run.
    async fn survey(
        &self,
        selection: &Selection,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<BackupCounts, Failure>;

    /// Reads the selection and stores what the vault does not have, and the file list.
    async fn upload(
        &self,
        request: &Upload,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Uploaded, Failure>;

    /// Works out what a restore would change.
    async fn preview(
        &self,
        request: &Download,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<RestoreWork, Failure>;

    /// Restores.
    async fn download(
        &self,
        request: &Download,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Downloaded, Failure>;

    /// Compares a restored tree with the backup and the live source.
    async fn compare(
        &self,
        request: &Compare,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Compared, Failure>;

    /// Runs a command by `sh -c` in a directory and waits for it.
    async fn run_command(
        &self,
        command: &str,
        directory: Option<PathBuf>,
        cancel: &CancellationToken,
    ) -> Result<crate::document::CheckCommand, Failure>;

    /// Makes a scratch directory, with what leads to it, its marker ([`SCRATCH_MARKER`]) before anything else, and an
    /// empty directory to restore into ([`SCRATCH_TREE`]). Nobody but the agent's user may look into it. One that is
    /// there already is left as it is; a directory that has something in it and no marker is refused.
    async fn make_scratch(&self, directory: PathBuf) -> Result<(), Failure>;

    /// Removes what [`make_scratch`](Self::make_scratch) made, with all that is in it, also when that was interrupted.
    /// One that is gone is removed; a directory that has something in it and no marker is refused
    /// ([`Refused`](ostler_vocabulary::ErrorKind::Refused)) and left as it is.
    async fn remove_scratch(&self, directory: PathBuf) -> Result<(), Failure>;

    /// Which of these backups it never stored a part of. It remembers that before it stores anything, for ever.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) where nothing is remembered: the agent in this process.
    async fn recall(&self, backups: &[BackupId]) -> Result<Recalled, Failure> {
        let _ = backups;
        Err(remembers_nothing())
    }

    /// Keeps to other limits from now on, also with what is going on. They lapse a minute after they were told last.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) where somebody else sets them: the agent in this process.
    async fn limit(&self, change: LimitChange) -> Result<(), Failure> {
        let _ = change;
        Err(Failure::new(
            ErrorKind::Unsupported,
            "the limits of this node are those of its process",
        ))
    }

    /// From now on it remembers these backups, on this machine, as if it had taken part in them.
    ///
    /// # Errors
    /// As [`recall`](Self::recall).
    async fn adopt(&self, backups: &[BackupId]) -> Result<(), Failure> {
        let _ = backups;
        Err(remembers_nothing())
    }
}

fn remembers_nothing() -> Failure {
    Failure::new(
        ErrorKind::Unsupported,
        "this node does not remember in which backups it took part",
    )
}
