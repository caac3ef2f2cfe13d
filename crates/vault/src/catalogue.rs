//! What backups there are: intents, commit records, proofs and marks.
#![allow(missing_docs, clippy::todo, unused_variables, reason = "skeleton; to go")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostler_vocabulary::{BackupId, OperationId, ProcessIdentity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Error, Lease, Vault};

impl Vault {
    /// What backups there are, from names only.
    pub async fn catalogue(&self) -> Result<Vec<CatalogueEntry>, Error> {
        todo!()
    }
    pub async fn register_intent(&self, intent: &Intent) -> Result<(), Error> {
        todo!()
    }
    /// Writes the commit record, then its facts. Succeeds when the same record is there already.
    pub async fn commit(&self, record: &Record, guard: &Lease) -> Result<(), Error> {
        todo!()
    }
    pub async fn record(&self, id: BackupId) -> Result<Record, Error> {
        todo!()
    }
    pub async fn add_proof(&self, id: BackupId, proof: &ProofRecord) -> Result<(), Error> {
        todo!()
    }
    pub async fn proofs(&self, id: BackupId) -> Result<Vec<ProofRecord>, Error> {
        todo!()
    }
    pub async fn add_mark(&self, id: BackupId, mark: &MarkRecord) -> Result<(), Error> {
        todo!()
    }
    /// Removes a backup: its commit record first, then notes and intent. Repeatable. Returns bytes freed.
    pub async fn delete_backup(&self, id: BackupId, guard: &Lease) -> Result<u64, Error> {
        todo!()
    }
}

/// What a backup will be, registered before anything is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub backup: BackupId,
    pub operation: OperationId,
    pub started: Timestamp,
    pub host: String,
    pub paths: Vec<PathBuf>,
    pub name: Option<String>,
    pub owner: ProcessIdentity,
}

/// The commit record of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub version: u32,
    pub backup: BackupId,
    pub operation: OperationId,
    pub name: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub started: Timestamp,
    pub ended: Timestamp,
    pub made_by: String,
    pub parent: Option<BackupId>,
    pub nodes: Vec<NodeRecord>,
    /// Whether files are missing from it.
    pub partial: bool,
    pub counts: Counts,
    /// The first thousand; `counts.problems` says how many.
    pub problems: Vec<(String, String)>,
    /// Objects found in the store before the commit.
    pub objects_found: u64,
}

/// One node's part of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    pub host: String,
    /// `files`.
    pub driver: String,
    pub paths: Vec<PathBuf>,
    /// Address of its file list: the chunk id of its directory, in hexadecimal.
    pub list: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub files: u64,
    pub entries: u64,
    pub bytes: u64,
    pub changed_files: u64,
    pub new_bytes: u64,
    pub stored_bytes: u64,
    pub problems: u64,
}

/// What the catalogue knows of a backup from names alone (reading the record only where its facts did not fit).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueEntry {
    pub backup: BackupId,
    /// `None`: an intent without a commit record.
    pub committed: Option<Facts>,
    /// Read from the store only for what is not committed.
    pub intent: Option<Intent>,
    /// Outcomes of proofs, oldest first.
    pub proofs: Vec<ProofFacts>,
    pub marks: Vec<MarkRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub started: Timestamp,
    pub duration_ms: u64,
    pub partial: bool,
    pub host: String,
    pub paths: Vec<PathBuf>,
    pub name: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub counts: Counts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFacts {
    pub at: Timestamp,
    pub method: String,
    pub ok: bool,
}

/// A report about a backup, stored with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofRecord {
    /// `verify` (presence), `verify_data`, `drill`, `check`.
    pub method: String,
    pub at: Timestamp,
    pub ok: bool,
    pub files: u64,
    pub bytes: u64,
    pub problems: Vec<(String, String)>,
    pub operation: Option<OperationId>,
}

/// Something said of a backup after it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRecord {
    pub at: Timestamp,
    pub action: MarkAction,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkAction {
    Hold(Option<String>),
    Release,
    Tag { key: String, value: Option<String> },
}
