//! Which chunks backups need. Blocks.

use std::sync::Arc;

use crate::index::{Cache, Seen, Sorted};
use crate::list::{EntryKind, Extent, ListReader};
use crate::{ChunkId, Error, Reader, Record};

/// The chunks that some backups need together; several threads may add to them.
#[derive(Debug)]
pub(crate) struct Reach {
    chunks: Seen,
    /// Blocks whose entries have been counted, or are about to be. Not the same as `chunks`: a file may hold the very bytes
    /// of a block.
    blocks: Seen,
}

impl Reach {
    /// Of nothing yet. With a place for that, what is much is kept in files that go with this process.
    pub(crate) fn new(scratch: Option<Cache>) -> Self {
        Self {
            chunks: Seen::new(scratch.clone()),
            blocks: Seen::new(scratch),
        }
    }

    /// Adds everything that this backup needs. Blocks that an earlier one had are not read again.
    ///
    /// # Errors
    /// When one of its lists cannot be read: then nobody knows what it needs.
    pub(crate) fn add(&self, reader: &Arc<Reader>, record: &Record) -> Result<(), Error> {
        for node in &record.nodes {
            let list = ListReader::of(reader, node)?;
            self.need(list.directory_chunks().iter().copied())?;
            for block in 0..list.block_count() {
                let Some(id) = list.block_chunks(block).next() else {
                    continue;
                };
                if !self.blocks.insert(&id)? {
                    continue;
                }
                self.need(list.block_chunks(block))?;
                for entry in list.block_entries(block) {
                    self.need(data_chunks(&entry?.kind))?;
                }
            }
        }
        Ok(())
    }

    fn need(&self, chunks: impl Iterator<Item = ChunkId>) -> Result<(), Error> {
        for id in chunks {
            self.chunks.insert(&id)?;
        }
        Ok(())
    }

    /// The chunks that all that were added need.
    pub(crate) fn into_chunks(self) -> Sorted {
        self.chunks.into_sorted()
    }
}

/// The chunks with a file's bytes.
pub(crate) fn data_chunks(kind: &EntryKind) -> impl Iterator<Item = ChunkId> + '_ {
    let content = match kind {
        EntryKind::File { content, .. } => content.as_slice(),
        _ => &[],
    };
    content.iter().filter_map(|extent| match extent {
        Extent::Chunk { id, .. } => Some(*id),
        Extent::Zeros { .. } => None,
    })
}
