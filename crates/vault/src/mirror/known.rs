//! What the other vault calls chunks and blocks, as lists that are in both tell.

use std::collections::{BTreeMap, HashMap};

use crate::list::{Block, Entry, EntryKind, Extent, ListReader, path_order};
use crate::reach::data_chunks;
use crate::{ChunkId, Error};

/// Names of chunks that are remembered beyond the blocks at hand: for files that were renamed, or that several have.
const REMEMBERED: usize = 256 * 1024;

/// Whether the other vault has a chunk.
pub(super) type Has<'a> = dyn Fn(&ChunkId) -> Result<bool, Error> + 'a;

/// A list and its copy in another vault: the same entries in the same blocks.
#[derive(Debug)]
pub(crate) struct Twins {
    here: ListReader,
    there: ListReader,
    /// Places of blocks by their address here.
    places: HashMap<ChunkId, usize>,
}

impl Twins {
    /// `None` when one is no copy of the other.
    pub(crate) fn new(here: ListReader, there: ListReader) -> Option<Self> {
        let alike =
            |(a, b): (&Block, &Block)| (&a.first, a.entries, a.bytes) == (&b.first, b.entries, b.bytes);
        let same = here.blocks().len() == there.blocks().len()
            && here.blocks().iter().zip(there.blocks()).all(alike);
        same.then(|| Self {
            places: (0..)
                .zip(here.blocks())
                .map(|(place, block)| (block.chunk, place))
                .collect(),
            here,
            there,
        })
    }

    /// The copy of a block. `whole` asks whether the other vault has all that it needs: then it is read there.
    fn block(&self, here: &ChunkId, whole: Option<&Has<'_>>) -> Result<Option<Block>, Error> {
        let Some(place) = self.places.get(here) else {
            return Ok(None);
        };
        if let Some(has) = whole {
            for entry in self.there.block_entries(*place) {
                let Ok(entry) = entry else { return Ok(None) };
                for id in data_chunks(&entry.kind) {
                    if !has(&id)? {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(self.there.blocks().get(*place).cloned())
    }

    /// How many blocks each has.
    pub(crate) fn blocks(&self) -> usize {
        self.here.blocks().len()
    }

    /// What the chunks of a block's files are called there; nothing where the two do not say the same.
    pub(crate) fn names(&self, place: usize) -> HashMap<ChunkId, ChunkId> {
        let mut names = HashMap::new();
        for (here, there) in self
            .here
            .block_entries(place)
            .zip(self.there.block_entries(place))
        {
            match (here, there) {
                (Ok(here), Ok(there)) if pair(&here, &there, &mut names) => {}
                _ => return HashMap::new(),
            }
        }
        names
    }

    /// The blocks that can hold paths from `first` to before `next`.
    fn around(&self, first: &[u8], next: Option<&[u8]>) -> std::ops::Range<usize> {
        let blocks = self.here.blocks();
        let start = blocks.partition_point(|block| path_order(&block.first, first).is_le());
        let end = match next {
            Some(next) => blocks.partition_point(|block| path_order(&block.first, next).is_lt()),
            None => blocks.len(),
        };
        start.saturating_sub(1)..end
    }
}

/// Adds what one entry's chunks are called in the other; `false` when they are not the same file.
fn pair(here: &Entry, there: &Entry, names: &mut HashMap<ChunkId, ChunkId>) -> bool {
    if here.path != there.path {
        return false;
    }
    let (
        EntryKind::File {
            content: a, size: x, ..
        },
        EntryKind::File {
            content: b, size: y, ..
        },
    ) = (&here.kind, &there.kind)
    else {
        return here.kind == there.kind;
    };
    if x != y || a.len() != b.len() {
        return false;
    }
    for (a, b) in a.iter().zip(b) {
        match (a, b) {
            (Extent::Chunk { id: a, length: x }, Extent::Chunk { id: b, length: y }) if x == y => {
                names.insert(*a, *b);
            }
            (Extent::Zeros { length: x }, Extent::Zeros { length: y }) if x == y => {}
            _ => return false,
        }
    }
    true
}

/// What the other vault calls what is needed now.
pub(super) struct Known<'a> {
    twins: Option<&'a Twins>,
    /// Names in the twins' blocks at hand.
    around: BTreeMap<usize, HashMap<ChunkId, ChunkId>>,
    /// Chunks whose copies the other vault is known to have.
    names: HashMap<ChunkId, ChunkId>,
    older: HashMap<ChunkId, ChunkId>,
}

impl<'a> Known<'a> {
    pub(super) fn new(twins: Option<&'a Twins>) -> Self {
        Self {
            twins,
            around: BTreeMap::new(),
            names: HashMap::new(),
            older: HashMap::new(),
        }
    }

    /// The copy of a block; see [`Twins::block`].
    pub(super) fn block(&self, here: &ChunkId, whole: Option<&Has<'_>>) -> Result<Option<Block>, Error> {
        self.twins.map_or(Ok(None), |twins| twins.block(here, whole))
    }

    /// Reads the twins' blocks that can hold the paths of this block.
    pub(super) fn look_around(&mut self, list: &ListReader, number: usize) {
        let (Some(twins), Some(block)) = (self.twins, list.blocks().get(number)) else {
            return;
        };
        let next = list.blocks().get(number + 1).map(|block| block.first.as_slice());
        let places = twins.around(&block.first, next);
        self.around.retain(|place, _| places.contains(place));
        for place in places {
            self.around.entry(place).or_insert_with(|| twins.names(place));
        }
    }

    /// Whether the other vault is known to have a copy of this chunk.
    pub(super) fn has(&self, id: &ChunkId) -> bool {
        self.get(id).is_some()
    }

    pub(super) fn get(&self, id: &ChunkId) -> Option<ChunkId> {
        self.names.get(id).or_else(|| self.older.get(id)).copied()
    }

    /// What the twins call this chunk.
    pub(super) fn elsewhere(&self, id: &ChunkId) -> Option<ChunkId> {
        self.around.values().find_map(|names| names.get(id)).copied()
    }

    pub(super) fn learn(&mut self, id: ChunkId, copy: ChunkId) {
        self.names.insert(id, copy);
    }

    /// Lets go of names, of which no block at hand needs any.
    pub(super) fn forget_some(&mut self) {
        if self.names.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.names);
        }
    }
}
