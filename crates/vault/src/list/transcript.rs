//! Writing a list whose blocks are those of another.

use super::directory::Block;
use super::entry::Entry;
use super::writer::Draft;
use crate::{ChunkId, ChunkKind, ChunkSink, Error};

/// Writes a list whose blocks end where those of another list do, and hold the same entries, of which only the chunk ids
/// differ. So the blocks of both have the same places, and what one list calls a chunk tells what the other does.
#[derive(Debug)]
pub(crate) struct Transcript {
    sink: ChunkSink,
    draft: Draft,
}

impl Transcript {
    /// A list whose blocks go to `sink`.
    pub(crate) fn new(sink: ChunkSink) -> Self {
        Self {
            sink,
            draft: Draft::default(),
        }
    }

    /// Takes over a block that the vault has already.
    pub(crate) fn keep(&mut self, block: Block) {
        self.draft.keep(block);
    }

    /// Writes a block of these entries, and gives its address.
    ///
    /// # Errors
    /// As [`ListWriter::push`](super::ListWriter::push).
    pub(crate) fn block(&mut self, entries: &[Entry]) -> Result<ChunkId, Error> {
        let sink = &mut self.sink;
        let put: super::writer::Put<'_> = &mut |chunk| Ok(sink.put(ChunkKind::List, chunk)?.id);
        for entry in entries {
            self.draft.add(entry, &mut *put)?;
        }
        self.draft.end_block(put)
    }

    /// Writes the directory, and gives the list's address.
    ///
    /// # Errors
    /// Whatever the sink says.
    pub(crate) fn finish(self) -> Result<ChunkId, Error> {
        let Self { mut sink, draft } = self;
        let address = draft.finish(&mut |chunk| Ok(sink.put(ChunkKind::List, chunk)?.id))?;
        sink.finish()?;
        Ok(address)
    }
}
