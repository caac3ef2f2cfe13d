//! Evidence that a backup is complete: what had to be in it, what was found in it, and which objects were found in the store.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Evidence that a backup is complete, stored in its commit record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupEvidence {
    /// When packs were looked up in the store.
    pub looked_at: Timestamp,
    /// Packs that were looked up in the store before the commit.
    pub looked_up: u64,
    /// Whether they were looked up by listing all packs, which took fewer requests than one for each.
    #[serde(default, skip_serializing_if = "is_false")]
    pub listed: bool,
    /// Packs that were not looked up, as an earlier look counted (`backup.presence_max_age`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub remembered: u64,
    /// When the first of the remembered packs was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remembered_since: Option<Timestamp>,
    /// Globs of what the user excluded: the demands do not cover such files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// What had to be in the backup, by node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberEvidence>,
}

/// What had to be in a backup of one node, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberEvidence {
    /// The node.
    pub node: String,
    /// The data directories that the database of the node lists; none where the driver demands none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<String>,
    /// Where the list of data directories was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Directories of tables that had to hold files.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tables: u64,
    /// The roots of the node.
    pub parts: Vec<PartEvidence>,
}

/// What had to be in one root of a node, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartEvidence {
    /// The name of the root.
    pub root: String,
    /// When the snapshot was counted; `None` where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demanded_at: Option<Timestamp>,
    /// Files of the snapshot, without excluded ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demanded_files: Option<u64>,
    /// Their bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demanded_bytes: Option<u64>,
    /// Files of the snapshot that the user excluded.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub excluded_files: u64,
    /// Files in the file list, as it was read back.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}
