//! Copying backups to another vault: what is asked for, planned and reported.

use jiff::Timestamp;
use ostler_vocabulary::BackupId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{Problem, Source};
use crate::request::Filter;

/// Copies backups from one vault to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mirror {
    /// The vault to read from; `None` is the default vault.
    pub from: Option<String>,
    /// The vault to copy to.
    pub to: String,
    /// Which backups, by name or id. Without any, `latest` or `all` says which.
    pub backups: Vec<String>,
    /// Narrows them.
    pub filter: Filter,
    /// The newest so many good ones of each source.
    pub latest: Option<u32>,
    /// All that can be restored.
    pub all: bool,
}

/// What a mirror would copy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MirrorWork {
    /// The vault they are read from.
    pub from: String,
    /// Backups to copy, oldest first.
    pub items: Vec<MirrorItem>,
    /// Backups that were asked for and are in the other vault already.
    pub there: u64,
    /// Those of them that are held, or have tags, and whose copies do not know it yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marked: Vec<MirrorItem>,
    /// Backups that were asked for and are not copied, with the reason.
    pub refused: Vec<Problem>,
}

/// A backup to copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MirrorItem {
    /// Its id in the vault it is read from.
    pub backup: BackupId,
    /// The id of its copy: the same, unless a copy of that id was begun before and ruled out.
    pub copy: BackupId,
    /// Its name.
    pub name: Option<String>,
    /// What was backed up.
    pub source: Option<Source>,
    /// When it was made.
    pub started: Timestamp,
    /// The bytes of its files; what is in the other vault already is neither read nor sent.
    pub bytes: u64,
}

/// `vault mirror`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MirrorReport {
    /// The vault they were read from.
    pub from: String,
    /// The vault they were copied to.
    pub to: String,
    /// Backups that were copied, oldest first.
    pub copied: Vec<Mirrored>,
    /// Backups that were there already.
    pub there: u64,
    /// Copies among them that took over a hold or tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marked: Vec<BackupId>,
    /// Backups that were not copied, with the reason.
    pub problems: Vec<Problem>,
}

/// A backup that was copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mirrored {
    /// Its id in the vault it was read from.
    pub backup: BackupId,
    /// The id of its copy.
    pub copy: BackupId,
    /// The bytes of its files.
    pub bytes: u64,
    /// Bytes that were read, before compression.
    pub read_bytes: u64,
    /// Bytes that the other vault did not have.
    pub new_bytes: u64,
    /// Bytes by which its store grew.
    pub stored_bytes: u64,
    /// Objects that were found in its store before the copy was committed.
    pub objects_found: u64,
}
