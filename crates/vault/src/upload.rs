//! A session that stores chunks.
#![allow(missing_docs, clippy::todo, unused_variables, reason = "skeleton; to go")]

use serde::{Deserialize, Serialize};

use crate::{ChunkId, ChunkKind, Error};

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
