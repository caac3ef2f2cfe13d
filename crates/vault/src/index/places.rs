//! What every part of an index can be asked.

use std::fmt;
use std::ops::ControlFlow;

use crate::chunk::ChunkKind;
use crate::pack::{Encoding, HEADER};
use crate::{ChunkId, Error, Location, PackId};

/// Where a chunk is, by the number of its pack in a part of the index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) pack: u32,
    pub(crate) offset: u32,
    pub(crate) at: u32,
    pub(crate) number: u32,
    pub(crate) stored: u32,
    pub(crate) length: u32,
    pub(crate) block: u32,
    pub(crate) shared: bool,
    /// Whether it is a chunk of a file list.
    pub(crate) list: bool,
    /// Whether its block is compressed.
    pub(crate) zstd: bool,
}

impl Place {
    pub(crate) fn in_pack(&self, pack: PackId) -> Location {
        Location {
            pack,
            offset: u64::from(self.offset),
            stored: self.stored,
            at: self.at,
            length: self.length,
            number: self.number,
            block: self.block,
            shared: self.shared,
            kind: if self.list {
                ChunkKind::List
            } else {
                ChunkKind::Data
            },
            encoding: if self.zstd {
                Encoding::Zstd
            } else {
                Encoding::Stored
            },
        }
    }
}

/// What is known of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pack {
    pub(crate) id: PackId,
    pub(crate) size: u64,
    pub(crate) header: [u8; HEADER],
    /// How many chunks it holds.
    pub(crate) chunks: u32,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Packs.
    pub(crate) packs: u64,
    /// Different chunks.
    pub(crate) chunks: u64,
    /// Bytes of the packs.
    pub(crate) bytes: u64,
    /// The highest key epoch that one of them is sealed with.
    pub(crate) epoch: Option<u32>,
}

/// Packs with their numbers.
pub(crate) type Packs<'a> = Box<dyn Iterator<Item = Result<(u32, Pack), Error>> + Send + 'a>;
/// Places of chunks.
pub(crate) type Entries<'a> = Box<dyn Iterator<Item = Result<(ChunkId, Place), Error>> + Send + 'a>;

/// Some packs and where their chunks are: a part of an index. Immutable; used by many threads. What it cannot read it
/// says: it never answers that a chunk is there or is not there without knowing.
pub(crate) trait Places: fmt::Debug + Send + Sync {
    /// Numbers of packs are below this.
    fn numbers(&self) -> u32;

    /// How much there is.
    fn sums(&self) -> Sums;

    /// Calls `each` with the places of a chunk, until it breaks.
    fn find(&self, id: &ChunkId, each: &mut dyn FnMut(&Place) -> ControlFlow<()>) -> Result<(), Error>;

    /// The pack of this number; `None` when there is no such pack (any more).
    fn pack_at(&self, number: u32) -> Result<Option<Pack>, Error>;

    /// A pack and its number.
    fn pack(&self, id: &PackId) -> Result<Option<(u32, Pack)>, Error>;

    /// Every pack, sorted by its name.
    fn packs(&self) -> Packs<'_>;

    /// Every place of every chunk, sorted by the chunk's id.
    fn entries(&self) -> Entries<'_>;
}
