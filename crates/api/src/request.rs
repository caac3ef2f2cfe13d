//! What somebody wants done, and the plan made of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use ostler_vocabulary::{BackupId, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::BackupState;
pub use crate::keys::{KeyAction, KeyChange, KeyWork};
pub use crate::load::{LoadTable, LoadWay, LoadWork};
pub use crate::mirror::{Mirror, MirrorItem, MirrorWork};
pub use crate::part::{Part, Share, ShareError};
pub use crate::queue::{QueueAction, QueueSchema, QueueSchemaWork};
pub use crate::repair::{CheckVault, RepairVault, RepairWork};
pub use crate::restore::{NodeWork, Onto, Overwrite, Restore, RestoreWork};
pub use crate::retention::{Retention, RetentionWork, Undo, UndoWork};
pub use crate::tables::{Tables, TablesWork};

/// Which backup of which vault is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// The vault's name in the configuration; `None` is any configured one.
    pub vault: Option<String>,
    /// An id, a unique prefix of one (four digits at least), a name, `latest` or `latest~N`.
    pub backup: String,
    /// Narrows `latest` and names to these sources.
    #[serde(default)]
    pub filter: Filter,
}

/// Narrows a set of backups; every given part must match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Backups made on this host.
    pub host: Option<String>,
    /// Backups whose source has this path.
    pub path: Option<PathBuf>,
    /// Backups with this name.
    pub name: Option<String>,
    /// Backups that have all these tags.
    pub tags: BTreeMap<String, String>,
}

/// By what backups are grouped before `latest`, keep rules and unchanged-file detection look at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// The host they were made on.
    Host,
    /// The paths they hold.
    Paths,
    /// Their name.
    Name,
    /// Their tags.
    Tags,
}

/// Everything that is run as an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Request {
    /// `backup create`
    CreateBackup(CreateBackup),
    /// `restore`
    Restore(Restore),
    /// `backup verify`
    Verify(Verify),
    /// `backup drill`
    Drill(Drill),
    /// `backup delete`
    Delete(Delete),
    /// `backup prune`
    Prune(Prune),
    /// `vault check`
    CheckVault(CheckVault),
    /// `vault check --repair`
    RepairVault(RepairVault),
    /// `vault mirror`
    Mirror(Mirror),
    /// `vault key add`, `remove` and `rotate`
    Keys(KeyChange),
    /// `queue install`, `upgrade`, `uninstall` and `drop`
    QueueSchema(QueueSchema),
    /// `retention plan` and `run`
    Retention(Retention),
    /// `retention undo`
    Undo(Undo),
    /// `rollup refresh` and other work on tables
    Tables(Tables),
}

impl Request {
    /// The database whose tables it is about, where it is about tables.
    #[must_use]
    pub fn tables(&self) -> Option<&crate::retention::PolicyPlace> {
        match self {
            Self::Retention(request) => Some(&request.place),
            Self::Undo(request) => Some(&request.place),
            Self::Tables(request) => Some(&request.place),
            _ => None,
        }
    }
}

/// A backup of files on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CreateBackup {
    /// The vault's name; `None` is the default vault.
    pub vault: Option<String>,
    /// Absolute paths of directories and files.
    pub paths: Vec<PathBuf>,
    /// A name people can use instead of the id. Several backups may bear it; the newest is meant.
    pub name: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Globs of what to leave out; see `docs/reference/patterns.md`.
    pub exclude: Vec<String>,
    /// Whether to stay on the file system each path is on.
    pub one_file_system: bool,
    /// Whether to read every file, even those that look unchanged.
    pub read_all: bool,
    /// Whether to take only what the database wrote since the last backup, where it keeps that; all of it where that would
    /// lack something. The backup is whole either way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delta: bool,
    /// Whether the plan is only looked at: it then counts files and bytes, which costs a walk of all paths.
    pub dry_run: bool,
    /// Commands around the reading of files.
    pub hooks: Hooks,
    /// A backup of this cluster instead: `paths` are then the names of its roots, none for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// How many nodes it has to hold; `None` is what the cluster's configuration says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
}

/// Commands run before and after files are read, by `sh -c`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// Run before the first file is read, for instance to quiesce a service.
    pub before: Option<String>,
    /// Run after the last file was read, also when reading or `before` failed or was cancelled.
    pub after: Option<String>,
    /// What a failing hook means.
    pub on_failure: HookFailure,
}

/// What a failing hook means for the backup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookFailure {
    /// The backup fails; nothing is committed.
    #[default]
    Fail,
    /// The backup goes on and is committed as partial, with the hook in its list of problems.
    Partial,
    /// The backup goes on; the failure is only reported.
    Ignore,
}

/// Looks at the objects of backups and writes a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Which backup.
    pub backup: Selector,
    /// Whether to read, decrypt and check every byte; otherwise presence and size of every object.
    #[serde(default)]
    pub read_data: bool,
    /// Reads a part of the data only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Only what files at these paths (as they were backed up, or relative to the only source) and below need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<PathBuf>,
}

/// Restores into a scratch directory, compares, checks, and writes a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drill {
    /// Which backup.
    pub backup: Selector,
    /// Where the scratch directory is made; `None` is the state directory.
    pub scratch: Option<PathBuf>,
    /// A command run by `sh -c` in the restored tree; it must exit 0.
    pub check: Option<String>,
    /// Whether the database is started on what was restored, apart from everything that lives, and asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub start: bool,
}

/// Deletes named backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// The vault's name.
    pub vault: Option<String>,
    /// Which backups.
    pub backups: Vec<String>,
    /// Narrows names and `latest`.
    #[serde(default)]
    pub filter: Filter,
    /// Floor: at least so many good backups of each source stay. 1 unless given.
    #[serde(default)]
    pub min_keep: Option<u32>,
    /// Whether the floors do not hold: not `min_keep`, and not that the newest verified one stays.
    #[serde(default)]
    pub below_floors: bool,
}

/// Deletes what the keep rules do not keep, and frees the space of what nothing needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prune {
    /// The vault's name.
    pub vault: Option<String>,
    /// Only these backups are looked at.
    pub filter: Filter,
    /// By what the rules are applied; empty means host and paths.
    pub group_by: Vec<GroupBy>,
    /// What to keep.
    pub keep: Keep,
}

/// Keep rules. A backup is kept when any rule keeps it; with no rule at all, everything is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// The newest N.
    pub last: Option<u32>,
    /// The newest of each of the newest N hours that have one.
    pub hourly: Option<u32>,
    /// The same by day.
    pub daily: Option<u32>,
    /// The same by ISO week.
    pub weekly: Option<u32>,
    /// The same by month.
    pub monthly: Option<u32>,
    /// The same by year.
    pub yearly: Option<u32>,
    /// All that are younger than this, counted from the newest of the group.
    pub within: Option<Span>,
    /// All that have any of these tags.
    pub tags: BTreeMap<String, String>,
    /// Floor: the newest so many good backups of a group always stay. 1 unless given.
    pub min_keep: Option<u32>,
    /// Floor: refuse a plan that deletes more than this share (0 to 1) of the good backups looked at.
    pub max_delete_ratio: Option<f64>,
}

/// What would be done: a value that can be printed, approved by its digest, and run. It is made without changing
/// anything; running it takes nothing but the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The request it was made from, with every name resolved.
    pub request: Request,
    /// When it was made.
    pub made: Timestamp,
    /// The vault's name.
    pub vault: String,
    /// What it is about, for people and history: paths or backup ids.
    pub subject: String,
    /// The backups it will touch, by id.
    pub backups: Vec<BackupId>,
    /// What it would do, for people and machines.
    pub work: Work,
    /// BLAKE3 over what would be changed (items, actions, cutoffs; never counts), in hexadecimal.
    pub digest: String,
}

/// The part of a plan that differs by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Back these up.
    CreateBackup(CreateWork),
    /// Write, replace and remove these.
    Restore(RestoreWork),
    /// Read these.
    Verify(VerifyWork),
    /// Restore these into scratch and compare.
    Drill(VerifyWork),
    /// Delete these; used by `delete` and `prune`.
    Prune(PruneWork),
    /// Read the whole vault.
    CheckVault {
        /// How many packs there are.
        packs: u64,
        /// Their bytes in the store.
        bytes: u64,
    },
    /// Mend the vault.
    Repair(RepairWork),
    /// Copy these from another vault.
    Mirror(MirrorWork),
    /// Change what opens a vault.
    Keys(KeyWork),
    /// Change the schema, or drop queues.
    QueueSchema(QueueSchemaWork),
    /// Remove what is too old.
    Retention(RetentionWork),
    /// Bring archived rows back.
    Undo(UndoWork),
    /// Work on tables.
    Tables(TablesWork),
}

/// What a backup would read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreateWork {
    /// Directories and files found; only counted for `--dry-run`, 0 otherwise.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The backup that unchanged files are taken from.
    pub parent: Option<BackupId>,
    /// What is left out although nobody asked for it, such as the vault's own directory.
    pub left_out: Vec<PathBuf>,
    /// What the user should know before it starts, such as a vault on the same disk.
    pub warnings: Vec<String>,
}

/// What a verification or drill would read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyWork {
    /// Files in the backup.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What a deletion would remove and what it would keep, each with its reasons.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PruneWork {
    /// Every backup looked at, newest first; interrupted ones too.
    pub decisions: Vec<Decision>,
    /// Those of `decisions` that are interrupted backups and would be removed.
    pub incomplete: Vec<BackupId>,
    /// Packs that nothing would need any more.
    pub free_packs: u64,
    /// Their bytes.
    pub free_bytes: u64,
    /// Packs that hold both needed and unneeded chunks and would be rewritten.
    pub repack_packs: u64,
    /// Bytes that rewriting them would free.
    pub repack_bytes: u64,
    /// Small objects that would go: commit records, notes, intents, index segments.
    #[serde(default)]
    pub small_objects: u64,
    /// Their bytes.
    #[serde(default)]
    pub small_bytes: u64,
}

/// Whether one backup is kept, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The backup.
    pub backup: BackupId,
    /// Its name.
    pub name: Option<String>,
    /// When it was started.
    pub started: Timestamp,
    /// The group the rules were applied to, as `host:/path`.
    pub group: String,
    /// Its state when the plan was made; a backup whose state has changed since is not deleted.
    pub state: BackupState,
    /// Whether it is kept.
    pub keep: bool,
    /// Why.
    pub reasons: Vec<String>,
}
