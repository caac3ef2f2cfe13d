//! What is said of a backup: before it is made, when it is committed, and afterwards.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostler_vocabulary::{BackupEvidence, BackupId, OperationId, ProcessIdentity, Timestamp, VaultId};
use serde::{Deserialize, Serialize};

use super::{PartRead, paths};

/// What a backup will be, registered before anything is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The backup's id.
    pub backup: BackupId,
    /// The operation that makes it.
    pub operation: OperationId,
    /// When it began.
    pub started: Timestamp,
    /// The host whose files it holds.
    pub host: String,
    /// The directories and files asked for.
    #[serde(with = "paths")]
    pub paths: Vec<PathBuf>,
    /// The name it will have.
    pub name: Option<String>,
    /// The process that registered it; a resumed operation may run in another.
    pub owner: ProcessIdentity,
    /// Which owner of the operation that is, counted by its journal: a later one has fenced it off. `None` of earlier programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
}

/// The commit record of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// [`Record::VERSION`] where this program wrote it.
    pub version: u32,
    /// The backup's id.
    pub backup: BackupId,
    /// The operation that made it.
    pub operation: OperationId,
    /// The name it was given.
    pub name: Option<String>,
    /// The tags it was given.
    pub tags: BTreeMap<String, String>,
    /// When it began.
    pub started: Timestamp,
    /// When everything was stored.
    pub ended: Timestamp,
    /// Program and version.
    pub made_by: String,
    /// The backup whose unchanged files were taken over.
    pub parent: Option<BackupId>,
    /// The parts of the nodes.
    pub nodes: Vec<NodeRecord>,
    /// Whether files are missing from it.
    pub partial: bool,
    /// What it holds, in numbers.
    pub counts: Counts,
    /// What went wrong, as (path, reason). The first thousand; `counts.problems` says how many.
    pub problems: Vec<(String, String)>,
    /// Objects found in the store before the commit.
    pub objects_found: u64,
    /// Where it was copied from, if it was not made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The cluster it is of, if it is not of one machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterRecord>,
    /// What had to be in it, and which packs were looked up. Records of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<BackupEvidence>,
}

/// What a backup says of the cluster it is of. Its parts are the record's `nodes`, one for each root of each node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// The cluster's name.
    pub name: String,
    /// The names of the roots that were asked for.
    pub roots: Vec<String>,
    /// The nodes that are not in it although the cluster has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// What the database's engine keeps of this backup itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<ExternalRecord>,
    /// Where its nodes were, by their names, as far as that was told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<String, NodePlace>,
}

/// Where a node of a cluster is, as whoever configured it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePlace {
    /// What fails together: a rack, a building, an availability zone. Replicas are kept apart by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Which part of the data it has. Nodes of one shard have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
}

/// A part of a backup that is not in the vault: the database's engine stored it, and only it can read and remove it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalRecord {
    /// Where the engine keeps it: a name that the engine knows, such as that of its repository.
    pub store: String,
    /// What it is called there.
    pub id: String,
    /// What the engine said of it when it was stored.
    pub state: String,
}

impl ClusterRecord {
    /// What listings show as the host of a backup of the cluster of this name. No host has a `:` in its name.
    #[must_use]
    pub fn host_of(name: &str) -> String {
        format!("cluster:{name}")
    }
}

/// The backup of another vault that one is a copy of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The vault it was read from.
    pub vault: VaultId,
    /// Its id there.
    pub backup: BackupId,
    /// When it was copied.
    pub at: Timestamp,
    /// The addresses of its file lists there, one for each node.
    pub lists: Vec<String>,
}

impl Record {
    /// The version of records this program writes, and the newest it reads.
    pub const VERSION: u32 = 1;
}

/// One node's part of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// The node.
    pub host: String,
    /// What knows how to restore it: `files`, `cassandra`.
    pub driver: String,
    /// The directories and files it was asked for.
    #[serde(with = "paths")]
    pub paths: Vec<PathBuf>,
    /// Address of its file list: the chunk id of its directory, in hexadecimal.
    pub list: String,
    /// The name that the path has on every node, in a backup of a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

impl NodeRecord {
    /// What the part is called: the node and, in a backup of a cluster, the root.
    #[must_use]
    pub fn part(&self) -> String {
        match &self.root {
            Some(root) => format!("{}/{root}", self.host),
            None => self.host.clone(),
        }
    }
}

/// A backup in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Regular files.
    pub files: u64,
    /// Entries of all kinds.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Files that were read because they were new or changed.
    pub changed_files: u64,
    /// Bytes the vault did not have.
    pub new_bytes: u64,
    /// Bytes the store grew by.
    pub stored_bytes: u64,
    /// Files that could not be read as they should.
    pub problems: u64,
}

/// What the catalogue knows of a backup from names alone (reading the record only where its facts did not fit).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// The backup.
    pub backup: BackupId,
    /// `None`: an intent without a commit record, or a record that cannot be read (see `unreadable`).
    pub committed: Option<Facts>,
    /// Read from the store only for what is not committed.
    pub intent: Option<Intent>,
    /// Outcomes of proofs, oldest first.
    pub proofs: Vec<ProofFacts>,
    /// Marks, oldest first.
    pub marks: Vec<MarkRecord>,
    /// Why the commit record or intent that is there cannot be read. A backup with a commit record that cannot be
    /// read is damaged.
    pub unreadable: Option<String>,
}

/// What listings show of a committed backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// When it began.
    pub started: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Whether files are missing from it.
    pub partial: bool,
    /// The host of its first node, or [`ClusterRecord::host_of`] its cluster.
    pub host: String,
    /// The directories and files of all nodes; of a cluster the names of its roots.
    pub paths: Vec<PathBuf>,
    /// The name it was given.
    pub name: Option<String>,
    /// The tags it was given when it was made; marks may have changed them since.
    pub tags: BTreeMap<String, String>,
    /// What it holds, in numbers.
    pub counts: Counts,
}

impl From<&Record> for Facts {
    fn from(record: &Record) -> Self {
        let duration = record.started.duration_until(record.ended).as_millis();
        Self {
            started: record.started,
            duration_ms: u64::try_from(duration).unwrap_or(0),
            partial: record.partial,
            host: match &record.cluster {
                Some(cluster) => ClusterRecord::host_of(&cluster.name),
                None => record
                    .nodes
                    .first()
                    .map(|node| node.host.clone())
                    .unwrap_or_default(),
            },
            paths: match &record.cluster {
                // The same whichever nodes are in it, so that keep rules find one group.
                Some(cluster) => cluster.roots.iter().map(PathBuf::from).collect(),
                None => record
                    .nodes
                    .iter()
                    .flat_map(|node| node.paths.iter().cloned())
                    .collect(),
            },
            name: record.name.clone(),
            tags: record.tags.clone(),
            counts: record.counts,
        }
    }
}

/// What a listing shows of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFacts {
    /// When it ended.
    pub at: Timestamp,
    /// What was done; see [`ProofRecord::method`].
    pub method: String,
    /// Whether everything was as it should be.
    pub ok: bool,
    /// Which part was read, where it was a part.
    pub part: Option<PartRead>,
}

/// A report about a backup, stored with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofRecord {
    /// `verify` (presence), `verify_data`, `verify_sample`, `verify_old`, `verify_paths`, `drill`, `check`, `mirror` (all was
    /// read from another vault).
    pub method: String,
    /// When it ended.
    pub at: Timestamp,
    /// Whether everything was as it should be.
    pub ok: bool,
    /// Files looked at.
    pub files: u64,
    /// Bytes looked at.
    pub bytes: u64,
    /// What was not as it should be, as (path or object, reason).
    pub problems: Vec<(String, String)>,
    /// The operation that made it.
    pub operation: Option<OperationId>,
    /// Which part was read, where it was a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<PartRead>,
}

/// Something said of a backup after it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRecord {
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: MarkAction,
}

/// What can be said of a backup after it was made. The newest of a kind counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkAction {
    /// It is not to be deleted, and why.
    Hold(Option<String>),
    /// It may be deleted again.
    Release,
    /// A tag was set, or removed where `value` is `None`.
    Tag {
        /// The tag.
        key: String,
        /// Its new value.
        value: Option<String>,
    },
    /// It is being deleted: that its commit record is gone is as it should be.
    Delete,
    /// Its commit was ruled out: a tombstone is where its record would be.
    Revoke,
}
