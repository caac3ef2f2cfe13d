//! Lost chunks read from another vault that has copies of the backups.
//!
//! The other vault calls chunks by other names. Where a list can be read here, its copy there tells which chunk is which.
//! Where a part of it cannot, that part is written again from the copy, and is the lost one if it has its name.

use std::collections::HashMap;
use std::sync::Arc;

use ostler_vocabulary::Progress;
use tokio_util::sync::CancellationToken;

use super::lost::{Broken, Lost};
use crate::check::{damage, stop_if};
use crate::list::{Entry, EntryKind, Extent, ListReader, Transcript};
use crate::mirror::{Fetch, OnDamage, Twins};
use crate::reach::data_chunks;
use crate::{ChunkId, Error, Reader, Record, Vault};

/// Chunks that are read together.
const AT_ONCE: usize = 4096;

/// Copies of backups in another vault.
pub(super) struct Copies {
    reader: Arc<Reader>,
    /// The lists here and there, by the place of their record here and of their node.
    lists: Vec<((usize, usize), ChunkId, ChunkId)>,
}

impl Vault {
    /// The copies that `mirror` has of these backups, or that were made of it.
    pub(super) async fn copies(&self, records: &[Record], mirror: Arc<Self>) -> Result<Copies, Error> {
        let mut lists = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let copy = match mirror.record(record.backup).await {
                Ok(copy) => copy,
                Err(error) => {
                    drop(damage(error)?);
                    continue;
                }
            };
            for (number, (node, there)) in record.nodes.iter().zip(&copy.nodes).enumerate() {
                if let (Ok(here), Ok(there)) = (node.list.parse(), there.list.parse()) {
                    lists.push(((place, number), here, there));
                }
            }
        }
        let index = mirror.index(true).await?;
        Ok(Copies {
            reader: Arc::new(mirror.reader(index)),
            lists,
        })
    }
}

impl Copies {
    pub(super) fn heal(
        &self,
        lost: &mut Lost<'_>,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        for (place, here, there) in &self.lists {
            stop_if(cancel)?;
            if lost.is_nothing() {
                return Ok(());
            }
            let there = match ListReader::open(Arc::clone(&self.reader), *there) {
                Ok(there) => there,
                Err(error) => {
                    drop(damage(error)?);
                    continue;
                }
            };
            let broken: Vec<Broken> = lost
                .broken
                .iter()
                .filter(|broken| (broken.record, broken.node) == *place)
                .cloned()
                .collect();
            match ListReader::open(Arc::clone(lost.reader), *here) {
                Ok(list) => {
                    for broken in &broken {
                        if let Some(block) = broken.block
                            && self.rebuild(lost, &there, Some(block), progress, cancel)?
                                == list.blocks().get(block).map(|block| block.chunk)
                        {
                            lost.broken.retain(|other| other != broken);
                        }
                    }
                    self.replace(lost, list, there, progress, cancel)?;
                }
                Err(error) => {
                    drop(damage(error)?);
                    if self.rebuild(lost, &there, None, progress, cancel)? == Some(*here) {
                        lost.broken.retain(|other| !broken.contains(other));
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads lost chunks that a list here names, by what its copy there calls them.
    fn replace(
        &self,
        lost: &mut Lost<'_>,
        here: ListReader,
        there: ListReader,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let Some(twins) = Twins::new(here, there) else {
            return Ok(());
        };
        let mut fetch = Fetch::new(Arc::clone(&self.reader), lost.upload);
        for place in 0..twins.blocks() {
            stop_if(cancel)?;
            for (id, copy) in twins.names(place) {
                if lost.is_lost(&id) && !fetch.is_wanted(&copy) {
                    // What the other vault does not have either stays lost.
                    drop(fetch.want(copy));
                }
            }
            if fetch.len() >= AT_ONCE {
                self.fetch(&mut fetch, lost, progress, cancel)?;
            }
        }
        self.fetch(&mut fetch, lost, progress, cancel)?;
        fetch.finish()
    }

    /// Reads what is wanted, as far as it can be; what it is called here, by what it is called there.
    fn fetch(
        &self,
        fetch: &mut Fetch,
        lost: &mut Lost<'_>,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<HashMap<ChunkId, ChunkId>, Error> {
        let mut names = HashMap::new();
        fetch.run(OnDamage::Pass, progress, cancel, &mut |copy, id| {
            names.insert(copy, id);
        })?;
        for id in names.values() {
            lost.mirrored(*id)?;
        }
        Ok(names)
    }

    /// Writes a block of a list, or all of it, again from its copy, with all that the files in it need. Gives the address
    /// of the block, or of the list; `None` when the other vault cannot give them either.
    fn rebuild(
        &self,
        lost: &mut Lost<'_>,
        there: &ListReader,
        block: Option<usize>,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Option<ChunkId>, Error> {
        let blocks = block.map_or(0..there.block_count(), |block| block..block + 1);
        let mut copy = Transcript::new(lost.upload.sink());
        let mut address = None;
        for place in blocks {
            stop_if(cancel)?;
            let entries: Result<Vec<Entry>, Error> = there.block_entries(place).collect();
            let mut entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    drop(damage(error)?);
                    return copy.finish().map(|_| None);
                }
            };
            let mut fetch = Fetch::new(Arc::clone(&self.reader), lost.upload);
            for id in entries.iter().flat_map(|entry| data_chunks(&entry.kind)) {
                if !fetch.is_wanted(&id) {
                    drop(fetch.want(id));
                }
            }
            let names = self.fetch(&mut fetch, lost, progress, cancel)?;
            fetch.finish()?;
            if !entries.iter_mut().all(|entry| rename(&mut entry.kind, &names)) {
                return copy.finish().map(|_| None);
            }
            let written = copy.block(&entries)?;
            lost.mirrored(written)?;
            address = Some(written);
        }
        let list = copy.finish()?;
        lost.mirrored(list)?;
        Ok(match block {
            Some(_) => address,
            None => Some(list),
        })
    }
}

/// Gives the chunks of a file their names here; `false` when one of them could not be had.
fn rename(kind: &mut EntryKind, names: &HashMap<ChunkId, ChunkId>) -> bool {
    let EntryKind::File { content, .. } = kind else {
        return true;
    };
    content.iter_mut().all(|extent| match extent {
        Extent::Chunk { id, .. } => names.get(id).is_some_and(|name| {
            *id = *name;
            true
        }),
        Extent::Zeros { .. } => true,
    })
}
