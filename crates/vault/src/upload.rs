//! A session that stores chunks.

mod buffers;
mod sink;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::buffers::Buffers;
use crate::index::{PackSet, Seen, pack_key};
use crate::objects::Then;
use crate::pack::{Finished, PackBuilder, PackTable};
use crate::{ChunkId, Error, Index, PackId, Vault};

pub use sink::ChunkSink;

/// Full packs of one session that wait for the store or are on their way; each holds its buffer.
const IN_FLIGHT: usize = 2;
/// Packs to an index segment while a session runs: what a kill makes the next run look up pack by pack.
const PACKS_PER_SEGMENT: usize = 16;
/// Where chunks are small a segment has fewer packs, lest their tables fill the memory of whoever writes or reads it.
const CHUNKS_PER_SEGMENT: usize = 200_000;

/// What became of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub id: ChunkId,
    /// Whether the vault did not have it.
    pub new: bool,
}

/// The sums of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadTotals {
    /// Bytes of file contents the vault did not have, before compression.
    pub new_bytes: u64,
    /// Bytes the store grew by: packs and index segments.
    pub stored_bytes: u64,
    /// Every pack that holds a chunk this backup needs, new or old: hexadecimal.
    pub packs: Vec<String>,
}

/// A session that stores chunks. Its sinks are used from worker threads, never inside async tasks.
#[derive(Debug)]
pub struct Upload {
    session: Arc<Session>,
}

#[derive(Debug)]
struct Session {
    vault: Arc<Vault>,
    index: Arc<Index>,
    /// The chunks that this session has taken on.
    seen: Seen,
    /// Old packs that are needed.
    needed: PackSet,
    new_bytes: AtomicU64,
    stored_bytes: AtomicU64,
    permits: Arc<Semaphore>,
    buffers: Arc<Buffers>,
    progress: Mutex<Progress>,
    then: Then,
}

#[derive(Debug, Default)]
struct Progress {
    tasks: JoinSet<()>,
    /// Stored, and in no segment yet.
    unsaved: Vec<PackTable>,
    stored: Vec<PackId>,
    failed: Option<Arc<Error>>,
}

impl Upload {
    pub(crate) fn new(vault: Arc<Vault>, index: Arc<Index>, then: Then) -> Self {
        Self {
            session: Arc::new(Session {
                needed: index.no_packs(),
                index,
                seen: Seen::new(vault.scratch()),
                new_bytes: AtomicU64::new(0),
                stored_bytes: AtomicU64::new(0),
                permits: Arc::new(Semaphore::new(vault.host().in_flight(IN_FLIGHT))),
                buffers: Arc::default(),
                progress: Mutex::default(),
                then,
                vault,
            }),
        }
    }

    /// One for each worker thread; owns an open pack.
    #[must_use]
    pub fn sink(&self) -> ChunkSink {
        ChunkSink::new(Arc::clone(&self.session))
    }

    /// Says that an older chunk is needed by this backup; `false` when the vault does not have it.
    ///
    /// # Errors
    /// Only where the index is on disk and cannot be read.
    pub fn reuse(&self, id: &ChunkId) -> Result<bool, Error> {
        let session = &self.session;
        Ok(session.index.mark(id, &session.needed)? || session.seen.contains(id)?)
    }

    /// Whether the vault had this chunk before this session, where it may be relied on.
    pub(crate) fn had(&self, id: &ChunkId) -> Result<bool, Error> {
        self.session.index.mark(id, &self.session.needed)
    }

    /// After every sink was finished: waits for all packs, writes the index segments, and gives the sums.
    ///
    /// # Errors
    /// The first failure of the session, whoever saw it first.
    pub async fn finish(self) -> Result<UploadTotals, Error> {
        let session = Arc::clone(&self.session);
        let mut tasks = std::mem::take(&mut session.progress().tasks);
        while let Some(joined) = tasks.join_next().await {
            if let Err(error) = joined {
                session.fail(Error::Internal(format!("storing a pack ended early: {error}")));
            }
        }
        session.check()?;
        let (mut unsaved, stored) = {
            let mut progress = session.progress();
            (
                std::mem::take(&mut progress.unsaved),
                std::mem::take(&mut progress.stored),
            )
        };
        // What an interrupted run left behind gets its place in the index, so that nobody looks for it again.
        unsaved.extend(session.index.adopted().iter().cloned());
        let mut segments = 0;
        let mut packs = Vec::new();
        for table in unsaved {
            packs.push(table);
            if is_full(&packs, PACKS_PER_SEGMENT * 4) {
                segments += session.vault.write_segment(&packs, session.then).await?;
                packs.clear();
            }
        }
        if !packs.is_empty() {
            segments += session.vault.write_segment(&packs, session.then).await?;
        }
        let mut packs: Vec<PackId> = session.index.packs_of(&session.needed)?;
        packs.extend(stored);
        packs.sort_unstable();
        packs.dedup();
        Ok(UploadTotals {
            new_bytes: session.new_bytes.load(Ordering::Relaxed),
            stored_bytes: session.stored_bytes.load(Ordering::Relaxed) + segments,
            packs: packs.iter().map(ToString::to_string).collect(),
        })
    }
}

impl Drop for Upload {
    /// A session that is not finished leaves nothing running; what it stored, the next one adopts.
    fn drop(&mut self) {
        self.session.progress().tasks.abort_all();
    }
}

impl Session {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: Error) {
        self.progress().failed.get_or_insert_with(|| Arc::new(error));
    }

    /// The first failure, to everybody who goes on.
    fn check(&self) -> Result<(), Error> {
        match &self.progress().failed {
            Some(error) => Err(Error::Upload(Arc::clone(error))),
            None => Ok(()),
        }
    }

    /// Hands a full pack to the runtime; blocks while too many are on their way.
    fn store(self: &Arc<Self>, pack: PackBuilder) -> Result<(), Error> {
        self.check()?;
        let Finished { bytes, table, plain } = pack.finish()?;
        let buffer = self.buffers.lend(bytes);
        let host = self.vault.host();
        let permit = host
            .block_on(Arc::clone(&self.permits).acquire_owned())
            .map_err(|_| Error::Internal("the uploader was shut down".to_owned()))?;
        self.check()?;
        let session = Arc::clone(self);
        self.progress().tasks.spawn_on(
            async move {
                if let Err(error) = session.store_pack(table, buffer, plain).await {
                    session.fail(error);
                }
                drop(permit);
            },
            host.runtime(),
        );
        Ok(())
    }

    async fn store_pack(&self, table: PackTable, bytes: Bytes, plain: u64) -> Result<(), Error> {
        let size = table.size;
        let key = pack_key(&table.id)?;
        self.vault.create_named(&key, bytes, self.then).await?;
        self.stored_bytes.fetch_add(size, Ordering::Relaxed);
        self.new_bytes.fetch_add(plain, Ordering::Relaxed);
        let mut segments = Vec::new();
        {
            let mut progress = self.progress();
            progress.stored.push(table.id);
            // What is full of small chunks gets a segment by itself.
            if chunks_of(&progress.unsaved) + table.contents.chunks() > CHUNKS_PER_SEGMENT {
                segments.push(std::mem::take(&mut progress.unsaved));
            }
            progress.unsaved.push(table);
            if is_full(&progress.unsaved, PACKS_PER_SEGMENT) {
                segments.push(std::mem::take(&mut progress.unsaved));
            }
        }
        for packs in segments {
            let size = self.vault.write_segment(&packs, self.then).await?;
            self.stored_bytes.fetch_add(size, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Whether so much is in no segment that it is one.
fn is_full(tables: &[PackTable], packs: usize) -> bool {
    tables.len() >= packs || chunks_of(tables) >= CHUNKS_PER_SEGMENT
}

fn chunks_of(tables: &[PackTable]) -> usize {
    tables.iter().map(|table| table.contents.chunks()).sum()
}

/// BLAKE3 of the bytes, keyed for this vault.
pub(crate) fn chunk_id(vault: &Vault, plaintext: &[u8]) -> ChunkId {
    ChunkId(*blake3::keyed_hash(vault.keys().chunk_id_key(), plaintext).as_bytes())
}
