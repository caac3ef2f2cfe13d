//! The backup store: chunks, packs, index, keys, file lists, commit records, collection of garbage.
//!
//! The format is normative in `docs/design/vault-format.md`.
#![allow(missing_docs, clippy::todo, unused_variables, reason = "skeleton; to go")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use ostler_store::Store;
use ostler_vocabulary::{
    BackupId, Classified, Clock, ErrorKind, OperationId, ProcessIdentity, Secret, Timestamp, VaultId,
};
use serde::{Deserialize, Serialize};

pub mod list;

/// BLAKE3 of a chunk's plaintext, keyed with the vault's identity secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChunkId(pub [u8; 32]);

/// BLAKE3 of a pack's stored bytes; also its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PackId(pub [u8; 32]);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChunkKind {
    /// Content of files.
    Data,
    /// Blocks of file lists, their directories, and long extent lists.
    List,
}

/// How to open a vault.
#[derive(Debug, Clone)]
pub enum Unlock {
    KeyFile(Secret),
    Passphrase(Secret),
    AgeIdentity(Secret),
}

/// A way to protect the vault's secrets.
#[derive(Debug, Clone)]
pub enum Protect {
    /// A new random key file; its text is returned by `init`.
    KeyFile,
    Passphrase(Secret),
    AgeRecipients(Vec<String>),
}

#[derive(Debug, Clone)]
pub struct InitOptions {
    /// Empty means an unencrypted vault.
    pub protect: Vec<Protect>,
    pub clock: Arc<dyn Clock>,
}

#[derive(Debug)]
pub struct Initialised {
    pub vault: Vault,
    /// The text of the new key file, where one was asked for.
    pub key_file: Option<Secret>,
}

#[derive(Debug, Clone)]
pub struct WrapperInfo {
    pub id: String,
    pub kind: String,
    pub created: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("todo")]
    Todo,
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }
    fn hint(&self) -> Option<String> {
        None
    }
}

/// An open vault. Cheap to clone behind an `Arc`.
#[derive(Debug)]
pub struct Vault {}

impl Vault {
    pub async fn init(store: Arc<dyn Store>, options: InitOptions) -> Result<Initialised, Error> {
        todo!()
    }
    /// Tries each of the given ways; an unencrypted vault needs none.
    pub async fn open(
        store: Arc<dyn Store>,
        unlock: &[Unlock],
        clock: Arc<dyn Clock>,
    ) -> Result<Vault, Error> {
        todo!()
    }
    pub fn id(&self) -> VaultId {
        todo!()
    }
    pub fn created(&self) -> Timestamp {
        todo!()
    }
    /// `aes-256-gcm`, `chacha20-poly1305`, `none`.
    pub fn encryption(&self) -> &'static str {
        todo!()
    }
    pub fn store(&self) -> &Arc<dyn Store> {
        todo!()
    }
    pub async fn wrappers(&self) -> Result<Vec<WrapperInfo>, Error> {
        todo!()
    }

    /// Loads every index segment. `adopt_orphans` also reads the tables of packs that no segment names, which an
    /// interrupted run left behind, so that their chunks are not stored again.
    pub async fn index(&self, adopt_orphans: bool) -> Result<Arc<Index>, Error> {
        todo!()
    }
    /// A session that stores chunks. Its pieces are used from worker threads.
    pub fn upload(self: &Arc<Self>, index: Arc<Index>) -> Upload {
        todo!()
    }
    /// Reads chunks; shared by worker threads. All its methods block and must run outside async tasks
    /// (`spawn_blocking` or own threads).
    pub fn reader(self: &Arc<Self>, index: Arc<Index>) -> Reader {
        todo!()
    }

    // Catalogue: what backups there are. `catalogue` lists names only.
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

    /// Takes the vault's exclusive writer lease, waiting at most `wait`. A holder that is known to be dead on this
    /// machine is replaced at once; another after its beat stood still for the lease's time by our monotonic clock.
    /// `told` is called once when it has to wait, with the holder.
    pub async fn lease(
        &self,
        holder: LeaseHolder,
        wait: std::time::Duration,
        told: &(dyn Fn(&LeaseHolder) + Send + Sync),
    ) -> Result<Lease, Error> {
        todo!()
    }

    /// Finds every pack of the set in the store with the size the index has for it. Returns what is missing or wrong.
    pub async fn check_presence(&self, index: &Index, packs: &[PackId]) -> Result<Vec<ObjectProblem>, Error> {
        todo!()
    }
    /// Works out what nothing would need if `gone` were deleted: packs to delete, packs to repack.
    pub async fn collect_plan(&self, gone: &[BackupId]) -> Result<CollectPlan, Error> {
        todo!()
    }
    /// Repacks, then writes new index segments, then deletes superseded segments and packs. Repeatable after a kill.
    pub async fn collect(
        self: &Arc<Self>,
        guard: &Lease,
        progress: &ostler_vocabulary::Progress,
        cancel: &tokio_util::sync::CancellationToken,
    ) -> Result<Collected, Error> {
        todo!()
    }
    /// Reads every object of the vault.
    pub async fn check(
        self: &Arc<Self>,
        read_data: bool,
        progress: &ostler_vocabulary::Progress,
        cancel: &tokio_util::sync::CancellationToken,
    ) -> Result<VaultCheck, Error> {
        todo!()
    }
}

/// Where every chunk is.
#[derive(Debug)]
pub struct Index {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    pub pack: PackId,
    /// Offset and stored length in the pack, tag included.
    pub offset: u64,
    pub stored: u32,
    /// Length of the plaintext.
    pub length: u32,
}

impl Index {
    pub fn get(&self, id: &ChunkId) -> Option<Location> {
        todo!()
    }
    pub fn pack_size(&self, pack: &PackId) -> Option<u64> {
        todo!()
    }
    pub fn packs(&self) -> usize {
        todo!()
    }
    pub fn chunks(&self) -> usize {
        todo!()
    }
    pub fn bytes(&self) -> u64 {
        todo!()
    }
}

/// A session that stores chunks.
#[derive(Debug)]
pub struct Upload {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub id: ChunkId,
    /// Whether the vault did not have it.
    pub new: bool,
}

impl Upload {
    /// One for each worker thread; owns an open pack.
    pub fn sink(&self) -> ChunkSink {
        todo!()
    }
    /// Says that an older chunk is needed by this backup; `false` when the vault does not have it.
    pub fn reuse(&self, id: &ChunkId) -> bool {
        todo!()
    }
    /// After every sink was finished: waits for all packs, writes the index segments, and gives the sums.
    pub async fn finish(self) -> Result<UploadTotals, Error> {
        todo!()
    }
}

#[derive(Debug)]
pub struct ChunkSink {}

impl ChunkSink {
    /// Hashes, and where the vault has no such chunk compresses and encrypts into the open pack. Blocks while too
    /// many full packs wait for the store.
    pub fn put(&mut self, kind: ChunkKind, plaintext: &[u8]) -> Result<Stored, Error> {
        todo!()
    }
    /// Hands over the open pack.
    pub fn finish(self) -> Result<(), Error> {
        todo!()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadTotals {
    /// Plaintext bytes of chunks the vault did not have.
    pub new_bytes: u64,
    /// Bytes the store grew by: packs and index segments.
    pub stored_bytes: u64,
    /// Every pack that holds a chunk this backup needs, new or old: hexadecimal.
    pub packs: Vec<String>,
}

/// Reads chunks.
#[derive(Debug)]
pub struct Reader {}

impl Reader {
    /// Reads, decrypts, decompresses and verifies one chunk. The error names chunk, pack and what was wrong
    /// (`ErrorKind::Corrupt`, or `NotFound` for a pack that is gone, which is also damage).
    pub fn chunk(&self, id: &ChunkId) -> Result<Vec<u8>, Error> {
        todo!()
    }
    /// Reads bytes of a pack, for callers that read many chunks of it in one go.
    pub fn span(&self, pack: &PackId, range: std::ops::Range<u64>) -> Result<Bytes, Error> {
        todo!()
    }
    /// Decodes one chunk from its stored bytes into `out`, verified.
    pub fn decode(
        &self,
        id: &ChunkId,
        location: &Location,
        stored: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        todo!()
    }
    pub fn index(&self) -> &Arc<Index> {
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

/// Who holds the writer lease, for messages and for telling the dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHolder {
    pub process: ProcessIdentity,
    pub operation: OperationId,
    pub purpose: String,
}

/// The writer lease, kept alive by a task until released or dropped.
#[derive(Debug)]
pub struct Lease {}

impl Lease {
    pub fn epoch(&self) -> u64 {
        todo!()
    }
    /// Asks the store whether the lease is still ours; `ErrorKind::Conflict` when not.
    pub async fn confirm(&self) -> Result<(), Error> {
        todo!()
    }
    pub async fn release(self) -> Result<(), Error> {
        todo!()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectProblem {
    pub key: String,
    pub reason: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectPlan {
    pub free_packs: u64,
    pub free_bytes: u64,
    pub repack_packs: u64,
    pub repack_bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    pub packs_deleted: u64,
    pub packs_rewritten: u64,
    pub bytes_freed: u64,
    pub objects_deleted: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultCheck {
    pub packs: u64,
    pub chunks: u64,
    pub bytes: u64,
    pub backups: u64,
    pub orphans: u64,
    pub problems: Vec<ObjectProblem>,
    /// Backups that need something missing or wrong, with the first reason.
    pub damaged: Vec<(BackupId, String)>,
}
