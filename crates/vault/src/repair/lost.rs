//! What backups need and no sound pack has. Blocks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ostler_vocabulary::Progress;
use tokio_util::sync::CancellationToken;

use super::Healed;
use crate::check::reading::{spans, visit_span};
use crate::check::{damage, stop_if};
use crate::list::ListReader;
use crate::reach::data_chunks;
use crate::{ChunkId, ChunkKind, ChunkSink, Error, Location, PackId, Reader, Record, Upload};

/// A part of a file list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Broken {
    /// The place of its backup among the records, and of its node among the backup's.
    pub(super) record: usize,
    pub(super) node: usize,
    /// The number of the block; `None` for the directory.
    pub(super) block: Option<usize>,
}

/// What is to be stored again.
pub(super) struct Lost<'a> {
    pub(super) reader: &'a Arc<Reader>,
    pub(super) upload: &'a Upload,
    sink: ChunkSink,
    /// Chunks with their lengths, where the index tells.
    chunks: HashMap<ChunkId, u64>,
    /// Blocks first: what their files need is not known while they cannot be read.
    pub(super) broken: Vec<Broken>,
    /// Chunks that came from the other vault.
    mirrored: HashSet<ChunkId>,
    pub(super) healed: Healed,
}

impl<'a> Lost<'a> {
    /// Goes through the lists of all backups.
    pub(super) fn gather(
        reader: &'a Arc<Reader>,
        upload: &'a Upload,
        records: &[Record],
        cancel: &CancellationToken,
    ) -> Result<Self, Error> {
        let mut lost = Self {
            reader,
            upload,
            sink: upload.sink(),
            chunks: HashMap::new(),
            broken: Vec::new(),
            mirrored: HashSet::new(),
            healed: Healed::default(),
        };
        let mut judged = HashSet::new();
        for (number, record) in records.iter().enumerate() {
            for (node_number, node) in record.nodes.iter().enumerate() {
                let broken = |block| Broken {
                    record: number,
                    node: node_number,
                    block,
                };
                let address: ChunkId = match node.list.parse() {
                    Ok(address) => address,
                    Err(error) => {
                        drop(damage(error)?);
                        continue;
                    }
                };
                lost.need(address)?;
                let list = match ListReader::open(Arc::clone(reader), address) {
                    Ok(list) => list,
                    Err(error) => {
                        drop(damage(error)?);
                        lost.broken.push(broken(None));
                        continue;
                    }
                };
                list.directory_chunks().iter().try_for_each(|id| lost.need(*id))?;
                for (place, block) in list.blocks().iter().enumerate() {
                    stop_if(cancel)?;
                    if !judged.insert(block.chunk) {
                        continue;
                    }
                    list.block_chunks(place).try_for_each(|id| lost.need(id))?;
                    for entry in list.block_entries(place) {
                        match entry {
                            Ok(entry) => data_chunks(&entry.kind).try_for_each(|id| lost.need(id))?,
                            Err(error) => {
                                drop(damage(error)?);
                                lost.broken.push(broken(Some(place)));
                            }
                        }
                    }
                }
            }
        }
        Ok(lost)
    }

    fn need(&mut self, id: ChunkId) -> Result<(), Error> {
        if !self.upload.reuse(&id)? {
            let location = self.reader.index().get(&id)?;
            let length = location.map_or(0, |location| u64::from(location.length));
            self.chunks.insert(id, length);
        }
        Ok(())
    }

    /// Bytes of what is lost, as far as is known.
    pub(super) fn bytes(&self) -> u64 {
        self.chunks.values().sum()
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.chunks.is_empty() && self.broken.is_empty()
    }

    pub(super) fn is_lost(&self, id: &ChunkId) -> bool {
        self.chunks.contains_key(id)
    }

    /// Stores a chunk again; `false` when it is none of those that are lost.
    pub(super) fn put(&mut self, kind: ChunkKind, plaintext: &[u8]) -> Result<bool, Error> {
        let id = self.sink.id_of(plaintext);
        if !self.is_lost(&id) {
            return Ok(false);
        }
        self.sink.put(kind, plaintext)?;
        Ok(self.found(&id))
    }

    /// A chunk is stored again; `false` when it was none of those that were lost.
    pub(super) fn found(&mut self, id: &ChunkId) -> bool {
        self.chunks.remove(id).is_some()
    }

    /// A chunk came from the other vault, asked for or with others.
    pub(super) fn mirrored(&mut self, id: ChunkId) -> Result<(), Error> {
        self.found(&id);
        if !self.upload.had(&id)? && self.mirrored.insert(id) {
            self.healed.from_mirror += 1;
        }
        Ok(())
    }

    /// Reads what can still be read in damaged packs. `there` are the packs in the store.
    pub(super) fn salvage(
        &mut self,
        there: &HashSet<PackId>,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let reader: &'a Arc<Reader> = self.reader;
        let index = reader.index();
        let mut wanted: Vec<(ChunkId, Location)> = Vec::new();
        for id in self.chunks.keys() {
            let copies = index.copies(id)?;
            wanted.extend(
                copies
                    .into_iter()
                    .find(|copy| there.contains(&copy.pack))
                    .map(|copy| (*id, copy)),
            );
        }
        wanted.sort_unstable_by_key(|(_, location)| (location.pack, location.offset, location.at));
        let kinds: HashMap<ChunkId, ChunkKind> =
            wanted.iter().map(|(id, location)| (*id, location.kind)).collect();
        for span in spans(&wanted) {
            stop_if(cancel)?;
            visit_span(reader, span, &mut |id, plain| match plain {
                Ok(plain) => {
                    let kind = kinds.get(id).copied().unwrap_or(ChunkKind::Data);
                    if self.put(kind, plain.bytes)? {
                        progress.add_done(plain.bytes.len() as u64);
                        self.healed.salvaged += 1;
                    }
                    Ok(())
                }
                Err(error) => damage(error).map(drop),
            })?;
        }
        Ok(())
    }

    /// Hands over what was stored; says what could not be had.
    pub(super) fn finish(self) -> Result<Healed, Error> {
        self.sink.finish()?;
        Ok(Healed {
            lost: self.chunks.len() as u64,
            lost_lists: self.broken.len() as u64,
            ..self.healed
        })
    }
}
