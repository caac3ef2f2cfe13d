//! Writing a list.

use super::codec::{BlockEncoder, Extents, check_size, encode_extents};
use super::cut::Cutter;
use super::directory::{Block, encode_parts, encode_root};
use super::entry::{Entry, EntryKind};
use super::order::{is_storable, path_order};
use super::varint::Malformed;
use super::{FAR_EXTENTS, NEAR_EXTENTS};
use crate::{ChunkId, ChunkKind, ChunkSink, Error};

/// Writes a list: entries must come in path order. Block ends are chosen by the entries' paths, so that equal
/// stretches of two lists give equal blocks and are stored once.
#[derive(Debug)]
pub struct ListWriter {
    sink: ChunkSink,
    draft: Draft,
}

impl ListWriter {
    /// A list whose blocks go to `sink`, which nothing else should use.
    #[must_use]
    pub fn new(sink: ChunkSink) -> Self {
        Self {
            sink,
            draft: Draft::default(),
        }
    }

    /// Adds an entry. A block that is known to be unchanged costs nothing but hashing.
    ///
    /// # Errors
    /// [`Error::ListEntry`] for an entry that is out of order, whose path no file can have, or whose extents are not
    /// as long as the file; and whatever the sink says.
    pub fn push(&mut self, entry: &Entry) -> Result<(), Error> {
        let sink = &mut self.sink;
        self.draft
            .push(entry, &mut |chunk| Ok(sink.put(ChunkKind::List, chunk)?.id))
    }

    /// Writes what is left, and gives the list's address.
    ///
    /// # Errors
    /// Whatever the sink says.
    pub fn finish(self) -> Result<ChunkId, Error> {
        let Self { mut sink, draft } = self;
        let address = draft.finish(&mut |chunk| Ok(sink.put(ChunkKind::List, chunk)?.id))?;
        sink.finish()?;
        Ok(address)
    }
}

/// Stores a chunk of kind list, and gives its id.
pub(super) type Put<'a> = &'a mut dyn FnMut(&[u8]) -> Result<ChunkId, Error>;

/// A list in the making, wherever its chunks go.
#[derive(Debug, Default)]
pub(super) struct Draft {
    block: BlockEncoder,
    cutter: Cutter,
    first: Vec<u8>,
    last: Option<Vec<u8>>,
    bytes: u64,
    far: Vec<ChunkId>,
    blocks: Vec<Block>,
}

impl Draft {
    pub(super) fn push(&mut self, entry: &Entry, put: Put<'_>) -> Result<(), Error> {
        self.add(entry, &mut *put)?;
        if self.cutter.ends_after(entry, self.block.size()) {
            self.end_block(put)?;
        }
        Ok(())
    }

    /// Adds an entry to the open block.
    pub(super) fn add(&mut self, entry: &Entry, put: Put<'_>) -> Result<(), Error> {
        self.check(entry).map_err(|Malformed(reason)| Error::ListEntry {
            path: String::from_utf8_lossy(&entry.path).into_owned(),
            reason,
        })?;
        if self.block.entries() == 0 {
            self.first.clone_from(&entry.path);
        }
        let mut far = Vec::new();
        let mut extents = Extents::Near;
        if let EntryKind::File { size, content, .. } = &entry.kind {
            self.bytes = self.bytes.saturating_add(*size);
            if content.len() > NEAR_EXTENTS {
                for some in content.chunks(FAR_EXTENTS) {
                    far.push(put(&encode_extents(some))?);
                }
                extents = Extents::Far(&far);
            }
        }
        self.block.push(entry, extents);
        for chunk in far {
            if !self.far.contains(&chunk) {
                self.far.push(chunk);
            }
        }
        Ok(())
    }

    /// Takes over a block that is stored already.
    pub(super) fn keep(&mut self, block: Block) {
        self.last = Some(block.first.clone());
        self.blocks.push(block);
    }

    fn check(&self, entry: &Entry) -> Result<(), Malformed> {
        let before = match self.block.entries() {
            0 => self.last.as_deref(),
            _ => Some(self.block.last_path()),
        };
        if before.is_some_and(|before| path_order(before, &entry.path).is_ge()) {
            return Err(Malformed("it does not come after the entry before"));
        }
        if !is_storable(&entry.path) {
            return Err(Malformed("its path has a part that no file can have"));
        }
        if let EntryKind::File { size, content, .. } = &entry.kind {
            check_size(content, *size)?;
        }
        Ok(())
    }

    pub(super) fn end_block(&mut self, put: Put<'_>) -> Result<ChunkId, Error> {
        self.last = Some(self.block.last_path().to_vec());
        let entries = self.block.entries();
        let chunk = put(&self.block.take())?;
        self.blocks.push(Block {
            first: std::mem::take(&mut self.first),
            entries,
            bytes: std::mem::take(&mut self.bytes),
            chunk,
            far: std::mem::take(&mut self.far),
        });
        Ok(chunk)
    }

    pub(super) fn finish(mut self, put: Put<'_>) -> Result<ChunkId, Error> {
        if self.block.entries() > 0 {
            self.end_block(put)?;
        }
        let mut parts = Vec::new();
        for part in encode_parts(&self.blocks) {
            parts.push(put(&part)?);
        }
        match parts.as_slice() {
            [only] => Ok(*only),
            _ => put(&encode_root(&parts)),
        }
    }
}
