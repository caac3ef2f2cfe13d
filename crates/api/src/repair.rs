//! Checking and mending a vault: what is asked for, planned and reported.

use std::path::PathBuf;

use ostler_vocabulary::BackupId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::Problem;

/// Looks at a whole vault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckVault {
    /// The vault's name.
    pub vault: Option<String>,
    /// Whether to read, decrypt and check every byte.
    pub read_data: bool,
}

/// Checks a vault and heals what can be healed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RepairVault {
    /// The vault's name.
    pub vault: Option<String>,
    /// Whether to read, decrypt and check every byte first; otherwise what is found by presence and size is healed.
    pub read_data: bool,
    /// A vault that has copies of backups.
    pub from: Option<String>,
    /// Absolute paths at or below which files are read again, if they still hold what was backed up.
    pub sources: Vec<PathBuf>,
}

/// What a repair would change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepairWork {
    /// Packs in the store.
    pub packs: u64,
    /// Bytes of all objects.
    pub bytes: u64,
    /// Index segments and notes that cannot be read, and would be removed after what they said was written anew.
    pub removes: Vec<String>,
    /// What presence and sizes show to be wrong.
    pub problems: Vec<Problem>,
}

/// `vault check --repair`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepairReport {
    /// Packs looked at.
    pub packs: u64,
    /// Damaged packs that nothing relies on any more; they are freed when nothing in them is needed that is not elsewhere.
    pub quarantined: u64,
    /// Chunks that could still be read in them and were stored again.
    pub salvaged: u64,
    /// Chunks that were stored again from the other vault.
    pub from_mirror: u64,
    /// Chunks that were stored again from files.
    pub from_files: u64,
    /// Bytes by which the store grew for these.
    pub stored_bytes: u64,
    /// Index segments and notes that nobody could read and that were removed.
    pub removed: u64,
    /// Bytes that were freed afterwards.
    pub bytes_freed: u64,
    /// Backups whose commit records were written anew.
    pub records: Vec<BackupId>,
    /// Backups that were damaged and were read in full without a fault now.
    pub whole: Vec<BackupId>,
    /// Backups that are still damaged.
    pub damaged: Vec<BackupId>,
    /// What is still wrong: objects, and files of backups.
    pub problems: Vec<Problem>,
}
