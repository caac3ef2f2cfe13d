//! Reads chunks.
#![allow(missing_docs, clippy::todo, unused_variables, reason = "skeleton; to go")]

use std::sync::Arc;

use bytes::Bytes;

use crate::{ChunkId, Error, Index, Location, PackId};

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
