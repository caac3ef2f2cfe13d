//! Where every chunk is.
#![allow(missing_docs, clippy::todo, unused_variables, reason = "skeleton; to go")]

use crate::{ChunkId, PackId};

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
