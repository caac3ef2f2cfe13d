//! Lost chunks read again from the files they were read from.

use ostler_vocabulary::Progress;
use std::fmt;
use tokio_util::sync::CancellationToken;

use super::lost::Lost;
use crate::check::{damage, stop_if};
use crate::list::{EntryKind, Extent, ListReader};
use crate::{ChunkKind, Error, Record};

/// Files that may still hold what was backed up.
pub trait LiveFiles: fmt::Debug + Send + Sync {
    /// Reads a part of a file, whose path is as in file lists. `None` when there is no such part. What it holds is not
    /// believed: only bytes that have the chunk's name are stored.
    fn read(&self, path: &[u8], offset: u64, length: u32) -> Option<Vec<u8>>;
}

impl Lost<'_> {
    /// Reads what is lost from the files of the backups that need it.
    pub(super) fn read_files(
        &mut self,
        files: &dyn LiveFiles,
        records: &[Record],
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        for node in records.iter().flat_map(|record| &record.nodes) {
            let list = match ListReader::of(self.reader, node) {
                Ok(list) => list,
                Err(error) => {
                    drop(damage(error)?);
                    continue;
                }
            };
            for place in 0..list.block_count() {
                stop_if(cancel)?;
                for entry in list.block_entries(place) {
                    match entry {
                        Ok(entry) => {
                            if let EntryKind::File { content, .. } = &entry.kind {
                                self.read_file(files, &entry.path, content, progress)?;
                            }
                        }
                        Err(error) => drop(damage(error)?),
                    }
                }
            }
        }
        Ok(())
    }

    fn read_file(
        &mut self,
        files: &dyn LiveFiles,
        path: &[u8],
        content: &[Extent],
        progress: &Progress,
    ) -> Result<(), Error> {
        let mut offset = 0_u64;
        for extent in content {
            match extent {
                Extent::Zeros { length } => offset = offset.saturating_add(*length),
                Extent::Chunk { id, length } => {
                    if self.is_lost(id)
                        && let Some(bytes) = files.read(path, offset, *length)
                        && self.put(ChunkKind::Data, &bytes)?
                    {
                        progress.add_done(bytes.len() as u64);
                        self.healed.from_files += 1;
                    }
                    offset = offset.saturating_add(u64::from(*length));
                }
            }
        }
        Ok(())
    }
}
