//! Which chunks backups need. Blocks.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::list::{EntryKind, Extent, ListReader};
use crate::{ChunkId, Error, Reader, Record};

/// The chunks that some backups need together; several threads may add to them.
#[derive(Debug, Default)]
pub(crate) struct Reach(Mutex<Reached>);

/// The chunks that some backups need together.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    chunks: HashSet<ChunkId>,
    /// Blocks whose entries have been counted, or are about to be. Not the same as `chunks`: a file may hold the very bytes
    /// of a block.
    blocks: HashSet<ChunkId>,
}

impl Reach {
    /// Adds everything that this backup needs. Blocks that an earlier one had are not read again.
    ///
    /// # Errors
    /// When one of its lists cannot be read: then nobody knows what it needs.
    pub(crate) fn add(&self, reader: &Arc<Reader>, record: &Record) -> Result<(), Error> {
        for node in &record.nodes {
            let list = ListReader::open(Arc::clone(reader), node.list.parse()?)?;
            self.lock().chunks.extend(list.directory_chunks());
            for block in 0..list.block_count() {
                let Some(id) = list.block_chunks(block).next() else {
                    continue;
                };
                if !self.lock().blocks.insert(id) {
                    continue;
                }
                self.lock().chunks.extend(list.block_chunks(block));
                let mut chunks = Vec::new();
                for entry in list.block_entries(block) {
                    chunks.extend(data_chunks(&entry?.kind));
                }
                self.lock().chunks.extend(chunks);
            }
        }
        Ok(())
    }

    /// What all that were added need.
    pub(crate) fn known(self) -> Reached {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Reached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reached {
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
