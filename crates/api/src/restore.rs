//! A restore: what is asked for, and what it would do.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::Estimate;
use crate::load::LoadWork;
use crate::request::Selector;

/// What a restore does with files that are already in the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overwrite {
    /// Files that exist and differ stop the restore before anything is written.
    #[default]
    Never,
    /// Files that differ are replaced; those that are right are left alone.
    Different,
    /// All files are written anew.
    Always,
}

/// A restore of files to this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// Which backup.
    pub backup: Selector,
    /// The target directory; `None` restores to the original place.
    pub to: Option<PathBuf>,
    /// Only these paths (as they were backed up, or relative to the only source) and what is below them.
    #[serde(default)]
    pub include: Vec<PathBuf>,
    /// What to do with files that exist.
    #[serde(default)]
    pub overwrite: Overwrite,
    /// Whether to remove files below the restored directories that are not in the backup.
    #[serde(default)]
    pub delete_extra: bool,
    /// Whether a partial or damaged backup may be restored.
    #[serde(default)]
    pub allow_incomplete: bool,
    /// A restore to the nodes of a cluster instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onto: Option<Onto>,
}

/// Which node of a backup goes to which node of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Onto {
    /// The cluster.
    pub cluster: String,
    /// Nodes of the backup with where they go; the others go to the node of the same name.
    pub nodes: Vec<(String, String)>,
    /// Only these nodes of the backup; none means all.
    pub only: Vec<String>,
    /// Whether roots may hold what is not in the backup, which stays.
    pub into_used: bool,
    /// Loads these keyspaces into the cluster's system, which runs, instead of putting files back; `*` means all of the users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keyspaces: Vec<String>,
    /// The same of these tables: `KEYSPACE.TABLE`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
    /// The table that the only one is loaded as, beside it: `KEYSPACE.TABLE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rename: Option<String>,
    /// Whether what is older than deletions are remembered may come back, and deleted rows with it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_stale: bool,
}

impl Onto {
    /// Whether a system that runs loads chosen tables.
    #[must_use]
    pub fn is_load(&self) -> bool {
        !self.keyspaces.is_empty() || !self.tables.is_empty()
    }
}

/// What a restore would change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreWork {
    /// Where it goes; `None` is the original place.
    pub to: Option<PathBuf>,
    /// Entries that would be made.
    pub create: u64,
    /// Files that exist, differ and would be replaced.
    pub replace: u64,
    /// Files that are right already.
    pub keep: u64,
    /// Bytes that would be written.
    pub bytes: u64,
    /// Paths that `--delete-extra` would remove; all of them, never a sample.
    pub delete: Vec<PathBuf>,
    /// The first of the existing files that differ, when `--overwrite never` refuses them.
    pub conflicts: Vec<PathBuf>,
    /// What has to be read from the store for it.
    #[serde(default)]
    pub estimate: Option<Estimate>,
    /// Who gets what, in a restore of a cluster's backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeWork>,
    /// What the cluster's system has to be told or done afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
    /// What a system that runs loads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadWork>,
}

/// What a restore would change on one node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeWork {
    /// The node in the backup.
    pub from: String,
    /// The node that gets it.
    pub node: String,
    /// The root.
    pub root: String,
    /// Where that is on the node.
    pub to: PathBuf,
    /// Entries that would be made.
    pub create: u64,
    /// Files that exist, differ and would be replaced.
    pub replace: u64,
    /// Files that are right already.
    pub keep: u64,
    /// Bytes that would be written.
    pub bytes: u64,
    /// Bytes that are free there.
    pub free: u64,
    /// Paths that `--delete-extra` would remove; all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delete: Vec<PathBuf>,
    /// Directories of tables, below the root, that it gets for its system to load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<PathBuf>,
}
