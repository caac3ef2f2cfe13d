//! Reading a list, whole or in part.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::codec::{BlockDecoder, Decoded, check_size, decode_extents};
use super::directory::{Block, Directory, decode};
use super::entry::{Entry, EntryKind};
use super::order::{is_within, path_order};
use super::varint::Malformed;
use crate::catalogue::NodeRecord;
use crate::reader::Near;
use crate::{ChunkId, Error, Reader};

/// Reads a list block by block; memory is that of a block and the directory of blocks. Its methods block, as those
/// of [`Reader`] do.
#[derive(Debug)]
pub struct ListReader {
    source: Source,
    address: ChunkId,
    /// The directory's own chunks.
    directory: Vec<ChunkId>,
    blocks: Vec<Block>,
}

impl ListReader {
    /// Reads the directory of the list with this address.
    ///
    /// # Errors
    /// [`Error::Damaged`] where a chunk is not what a list has; and whatever the reader says.
    pub fn open(reader: Arc<Reader>, list: ChunkId) -> Result<Self, Error> {
        let near = Near::new(reader);
        Self::open_from(Source(Arc::new(move |id| near.chunk(id))), list)
    }

    /// The same for the list of a node that took part in a backup.
    pub(crate) fn of(reader: &Arc<Reader>, node: &NodeRecord) -> Result<Self, Error> {
        Self::open(Arc::clone(reader), node.list.parse()?)
    }

    pub(super) fn open_from(source: Source, list: ChunkId) -> Result<Self, Error> {
        let mut directory = vec![list];
        let blocks = match source.read(&list, decode)? {
            Directory::Blocks(blocks) => blocks,
            Directory::Parts(parts) => {
                let mut blocks: Vec<Block> = Vec::new();
                for part in &parts {
                    let Directory::Blocks(some) = source.read(part, decode)? else {
                        return Err(malformed(part, Malformed("a part names parts")));
                    };
                    if let (Some(before), Some(next)) = (blocks.last(), some.first())
                        && path_order(&before.first, &next.first).is_ge()
                    {
                        return Err(malformed(part, Malformed("its blocks are out of order")));
                    }
                    blocks.extend(some);
                }
                directory.extend(parts);
                blocks
            }
        };
        Ok(Self {
            source,
            address: list,
            directory,
            blocks,
        })
    }

    /// The list's address.
    #[must_use]
    pub fn address(&self) -> ChunkId {
        self.address
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.blocks
            .iter()
            .fold(0, |sum, block| sum.saturating_add(block.entries))
    }

    /// Whether it has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The sizes of its files, added up; a file with several names counts once for each.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.blocks
            .iter()
            .fold(0, |sum, block| sum.saturating_add(block.bytes))
    }

    /// All entries in path order. Ends after the first error.
    pub fn entries(&self) -> Box<dyn Iterator<Item = Result<Entry, Error>> + Send + '_> {
        Box::new(Entries::new(self, 0))
    }

    /// The entry at `path` and all below it, reading only the blocks that can hold them. Ends after the first error.
    pub fn below(&self, path: &[u8]) -> Box<dyn Iterator<Item = Result<Entry, Error>> + Send + '_> {
        let path = path.to_vec();
        let follow = self
            .blocks
            .partition_point(|block| path_order(&block.first, &path).is_le());
        let mut entries = Entries::new(self, follow.saturating_sub(1));
        entries.root = Some(path);
        Box::new(entries)
    }

    /// The entry at exactly this path.
    ///
    /// # Errors
    /// As reading the list.
    pub fn entry(&self, path: &[u8]) -> Result<Option<Entry>, Error> {
        match self.below(path).next() {
            Some(Ok(entry)) if entry.path == path => Ok(Some(entry)),
            Some(Err(error)) => Err(error),
            _ => Ok(None),
        }
    }

    /// The chunks that make up the list itself: its directory, its blocks, and extents kept apart. With the chunks
    /// of its entries' extents these are all that the backup needs.
    #[must_use]
    pub fn own_chunks(&self) -> Vec<ChunkId> {
        let mut chunks = self.directory.clone();
        for block in &self.blocks {
            chunks.push(block.chunk);
            chunks.extend_from_slice(&block.far);
        }
        chunks.sort_unstable();
        chunks.dedup();
        chunks
    }

    /// How many blocks it has.
    pub(crate) fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// Its blocks, in path order.
    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The chunks of one block, its own and those with its far extents.
    pub(crate) fn block_chunks(&self, block: usize) -> impl Iterator<Item = ChunkId> + '_ {
        self.blocks
            .get(block)
            .into_iter()
            .flat_map(|block| std::iter::once(block.chunk).chain(block.far.iter().copied()))
    }

    /// The first path of a block, to say which files damage reaches.
    pub(crate) fn block_first(&self, block: usize) -> &[u8] {
        self.blocks.get(block).map_or(&[], |block| &block.first)
    }

    /// The entries of one block.
    pub(crate) fn block_entries(
        &self,
        block: usize,
    ) -> impl Iterator<Item = Result<Entry, Error>> + Send + '_ {
        let mut entries = Entries::new(self, block);
        entries.end = block.saturating_add(1).min(self.blocks.len());
        entries
    }

    /// The chunks that hold the directory.
    pub(crate) fn directory_chunks(&self) -> &[ChunkId] {
        &self.directory
    }
}

fn malformed(chunk: &ChunkId, Malformed(reason): Malformed) -> Error {
    Error::damaged(format!("file list chunk {chunk}"), reason)
}

type Fetch = dyn Fn(&ChunkId) -> Result<Vec<u8>, Error> + Send + Sync;

/// Where plaintexts of chunks come from.
#[derive(Clone)]
pub(super) struct Source(pub(super) Arc<Fetch>);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl Source {
    fn read<T>(&self, id: &ChunkId, decode: impl FnOnce(&[u8]) -> Result<T, Malformed>) -> Result<T, Error> {
        decode(&(self.0)(id)?).map_err(|reason| malformed(id, reason))
    }
}

struct Entries<'a> {
    list: &'a ListReader,
    next: usize,
    end: usize,
    /// The chunk of the block being read, and the block.
    block: Option<(ChunkId, BlockDecoder)>,
    last: Option<Vec<u8>>,
    /// Stop after what is within this.
    root: Option<Vec<u8>>,
    done: bool,
}

impl<'a> Entries<'a> {
    fn new(list: &'a ListReader, block: usize) -> Self {
        Self {
            list,
            next: block,
            end: list.blocks.len(),
            block: None,
            last: None,
            root: None,
            done: false,
        }
    }

    fn step(&mut self) -> Result<Option<Entry>, Error> {
        loop {
            let Some((chunk, decoder)) = &mut self.block else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            let chunk = *chunk;
            let Some(decoded) = decoder.next().map_err(|reason| malformed(&chunk, reason))? else {
                self.block = None;
                continue;
            };
            let path = &decoded.entry.path;
            if self
                .last
                .as_ref()
                .is_some_and(|last| path_order(last, path).is_ge())
            {
                return Err(malformed(&chunk, Malformed("its paths are out of order")));
            }
            self.last = Some(path.clone());
            if let Some(root) = &self.root
                && !is_within(path, root)
            {
                // What comes before the wanted path is passed over without reading its far extents.
                match path_order(path, root) {
                    Ordering::Less => continue,
                    _ => return Ok(None),
                }
            }
            return self.complete(decoded, &chunk).map(Some);
        }
    }

    fn open_next(&mut self) -> Result<bool, Error> {
        if self.next >= self.end {
            return Ok(false);
        }
        let Some(block) = self.list.blocks.get(self.next) else {
            return Ok(false);
        };
        if let Some(root) = &self.root
            && path_order(&block.first, root).is_gt()
            && !is_within(&block.first, root)
        {
            return Ok(false);
        }
        self.next += 1;
        let bytes = (self.list.source.0)(&block.chunk)?;
        let decoder = BlockDecoder::new(bytes).map_err(|reason| malformed(&block.chunk, reason))?;
        if decoder.left() != block.entries {
            return Err(malformed(
                &block.chunk,
                Malformed("it has not as many entries as its directory says"),
            ));
        }
        self.block = Some((block.chunk, decoder));
        Ok(true)
    }

    fn complete(&self, decoded: Decoded, chunk: &ChunkId) -> Result<Entry, Error> {
        let Decoded { mut entry, far } = decoded;
        if let EntryKind::File { size, content, .. } = &mut entry.kind
            && !far.is_empty()
        {
            for id in &far {
                self.list
                    .source
                    .read(id, |bytes| decode_extents(bytes, content))?;
            }
            check_size(content, *size).map_err(|reason| malformed(chunk, reason))?;
        }
        Ok(entry)
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let entry = self.step().transpose();
        self.done = !matches!(entry, Some(Ok(_)));
        entry
    }
}
