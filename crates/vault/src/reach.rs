//! Which chunks backups need. Blocks.

use std::collections::HashSet;
use std::sync::Arc;

use crate::list::{EntryKind, Extent, ListReader};
use crate::{ChunkId, Error, Reader, Record};

/// The chunks that some backups need together.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    chunks: HashSet<ChunkId>,
    /// Blocks whose entries have been counted. Not the same as `chunks`: a file may hold the very bytes of a block.
    blocks: HashSet<ChunkId>,
}

impl Reach {
    /// Adds everything that this backup needs. Blocks that an earlier one had are not read again.
    ///
    /// # Errors
    /// When one of its lists cannot be read: then nobody knows what it needs.
    pub(crate) fn add(&mut self, reader: &Arc<Reader>, record: &Record) -> Result<(), Error> {
        for node in &record.nodes {
            let list = ListReader::open(Arc::clone(reader), node.list.parse()?)?;
            self.chunks.extend(list.directory_chunks());
            for block in 0..list.block_count() {
                let Some(id) = list.block_chunks(block).next() else {
                    continue;
                };
                if self.blocks.contains(&id) {
                    continue;
                }
                self.chunks.extend(list.block_chunks(block));
                for entry in list.block_entries(block) {
                    self.chunks.extend(data_chunks(&entry?.kind));
                }
                self.blocks.insert(id);
            }
        }
        Ok(())
    }

    pub(crate) fn needs(&self, id: &ChunkId) -> bool {
        self.chunks.contains(id)
    }

    pub(crate) fn chunks(&self) -> impl Iterator<Item = &ChunkId> {
        self.chunks.iter()
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
