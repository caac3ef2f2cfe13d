//! Copying file lists, and the chunks they need, to another vault.
//!
//! Two vaults call the same bytes by different names, because each has an identity of its own. So a list is copied block by
//! block: a block of the copy ends where the block it is a copy of does and holds the same entries, with the names that
//! the other vault has for their chunks. The pair of a list and its copy ([`Twins`]) thereby tells, for every block and every
//! chunk, what the other vault calls it. That is all that is remembered: nothing but lists, authenticated like all
//! others, and gone with the backups they are of.
//!
//! A later copy asks the twins of an earlier backup first. A block that the earlier list has too is taken over as it is,
//! without reading it; in a block that has changed, files that the earlier list has at the same path keep their chunks. Only
//! what is left is read, verified, named and, where the other vault does not have it, stored there.

mod fetch;
mod known;

use std::ops::Range;
use std::sync::Arc;

use ostler_vocabulary::Progress;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub(crate) use self::fetch::{Fetch, OnDamage};
pub(crate) use self::known::Twins;
use self::known::{Has, Known};
use crate::check::stop_if;
use crate::list::{Block, Entry, EntryKind, Extent, ListReader, Transcript};
use crate::reach::data_chunks;
use crate::{ChunkId, Error, Index, Reader, Upload, Vault};

/// Bytes of chunks that are looked for before they are read together.
const BATCH_BYTES: u64 = 64 << 20;
/// And how many chunks.
const BATCH_CHUNKS: usize = 16 * 1024;
/// Blocks of a list that wait for their chunks at the same time.
const BATCH_BLOCKS: usize = 32;
/// What an interrupted copy reads again at most, in bytes of files, and in blocks.
const STRETCH_BYTES: u64 = 16 << 30;
const STRETCH_BLOCKS: usize = 1024;
/// A list is copied in so many stretches at most.
const MOST_STRETCHES: u64 = 2000;

/// Copies lists from one vault to another.
#[derive(Debug, Clone)]
pub struct Mirror {
    from: Arc<Reader>,
    to: Arc<Vault>,
    /// Of `to`.
    index: Arc<Index>,
}

/// A stretch of a list that was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// The address of a list of just this stretch, in the other vault.
    pub list: String,
    /// Bytes of chunks that were read.
    pub read_bytes: u64,
    /// Bytes of chunks that the other vault did not have.
    pub new_bytes: u64,
    /// Bytes by which its store grew.
    pub stored_bytes: u64,
    /// Blocks that were taken over without reading them.
    pub blocks_kept: u64,
}

impl Mirror {
    /// From the vault of `from` to `to`, of which `index` says what it has.
    #[must_use]
    pub fn new(from: Arc<Reader>, to: Arc<Vault>, index: Arc<Index>) -> Self {
        Self { from, to, index }
    }

    /// Divides a list into stretches that are copied one at a time: the numbers of blocks at which they end.
    ///
    /// # Errors
    /// What reading the list says.
    pub async fn stretches(&self, list: ChunkId) -> Result<Vec<usize>, Error> {
        let from = Arc::clone(&self.from);
        let read = move || -> Result<Vec<usize>, Error> {
            let list = ListReader::open(from, list)?;
            Ok(divide(list.blocks(), list.bytes()))
        };
        self.to.host().blocking(read).await?
    }

    /// Copies the blocks `blocks` of a list, with all that they need. `progress` counts bytes of files.
    ///
    /// # Errors
    /// What reading and storing says: damage of the source names its chunk; [`Error::Cancelled`].
    pub async fn copy(
        &self,
        list: ChunkId,
        blocks: Range<usize>,
        twins: Option<(ChunkId, ChunkId)>,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Copied, Error> {
        let upload = self.to.upload(Arc::clone(&self.index));
        let (mirror, progress, cancel) = (self.clone(), progress.clone(), cancel.clone());
        let work = self.to.host().blocking(move || {
            let list = ListReader::open(Arc::clone(&mirror.from), list)?;
            let twins = twins.and_then(|(here, there)| mirror.twins(here, there));
            let fetch = Fetch::new(Arc::clone(&mirror.from), &upload);
            let stretch = Stretch {
                list: &list,
                known: Known::new(twins.as_ref()),
                upload: &upload,
                going: mirror.index.avoids_some(),
                fetch,
                copy: Transcript::new(upload.sink()),
                pending: Vec::new(),
                wanted: 0,
                read_bytes: 0,
                blocks_kept: 0,
                progress: &progress,
                cancel: &cancel,
            };
            let (address, read_bytes, blocks_kept) = stretch.run(blocks)?;
            Ok::<_, Error>((upload, address, read_bytes, blocks_kept))
        });
        let (upload, address, read_bytes, blocks_kept) = work.await??;
        let totals = upload.finish().await?;
        Ok(Copied {
            list: address.to_string(),
            read_bytes,
            new_bytes: totals.new_bytes,
            stored_bytes: totals.stored_bytes,
            blocks_kept,
        })
    }

    /// Puts copied stretches together; gives the address of the whole list, and the bytes by which the store grew.
    ///
    /// # Errors
    /// What reading and storing says.
    pub async fn join(&self, stretches: Vec<ChunkId>) -> Result<(ChunkId, u64), Error> {
        if let [only] = stretches.as_slice() {
            return Ok((*only, 0));
        }
        let upload = self.to.upload(Arc::clone(&self.index));
        let reader = Arc::new(self.to.reader(Arc::clone(&self.index)));
        let work = self.to.host().blocking(move || {
            let mut whole = Transcript::new(upload.sink());
            for stretch in stretches {
                for block in ListReader::open(Arc::clone(&reader), stretch)?.blocks() {
                    whole.keep(block.clone());
                }
            }
            Ok::<_, Error>((whole.finish()?, upload))
        });
        let (address, upload) = work.await??;
        Ok((address, upload.finish().await?.stored_bytes))
    }

    /// The twins, if both can be read: they only save work.
    fn twins(&self, here: ChunkId, there: ChunkId) -> Option<Twins> {
        let reader = Arc::new(self.to.reader(Arc::clone(&self.index)));
        let open = ListReader::open(Arc::clone(&self.from), here)
            .and_then(|here| Ok((here, ListReader::open(reader, there)?)));
        match open {
            Ok((here, there)) => Twins::new(here, there),
            Err(error) => {
                tracing::debug!(%error, "an earlier copy is of no use for this one");
                None
            }
        }
    }
}

/// Where stretches end.
fn divide(blocks: &[Block], bytes: u64) -> Vec<usize> {
    let (most_bytes, most_blocks) = (
        STRETCH_BYTES.max(bytes / MOST_STRETCHES),
        STRETCH_BLOCKS.max(blocks.len() / 1000),
    );
    let (mut ends, mut sum, mut start) = (Vec::new(), 0_u64, 0);
    for (at, block) in (1..).zip(blocks) {
        sum = sum.saturating_add(block.bytes);
        if sum >= most_bytes || at - start >= most_blocks {
            ends.push(at);
            (sum, start) = (0, at);
        }
    }
    if ends.last() != Some(&blocks.len()) {
        ends.push(blocks.len());
    }
    ends
}

/// A block on its way to the copy.
enum Pending {
    /// The other vault has it.
    Kept(Block),
    /// Its entries, and the sum of their bytes.
    Read(Vec<Entry>, u64),
}

struct Stretch<'a> {
    list: &'a ListReader,
    known: Known<'a>,
    upload: &'a Upload,
    /// Whether the other vault has packs that nothing new may rely on.
    going: bool,
    fetch: Fetch,
    copy: Transcript,
    pending: Vec<Pending>,
    /// Bytes of chunks that are to be read.
    wanted: u64,
    read_bytes: u64,
    blocks_kept: u64,
    progress: &'a Progress,
    cancel: &'a CancellationToken,
}

impl Stretch<'_> {
    fn run(mut self, blocks: Range<usize>) -> Result<(ChunkId, u64, u64), Error> {
        let stretch = self.list.blocks().get(blocks.clone()).unwrap_or_default();
        self.progress.add_total(
            stretch
                .iter()
                .fold(0, |sum, block| sum.saturating_add(block.bytes)),
        );
        for (number, block) in blocks.zip(stretch) {
            stop_if(self.cancel)?;
            if let Some(copy) = self.copied_before(block)? {
                self.blocks_kept += 1;
                self.progress.add_done(block.bytes);
                self.pending.push(Pending::Kept(copy));
            } else {
                let entries = self.list.block_entries(number).collect::<Result<Vec<_>, _>>()?;
                self.known.look_around(self.list, number);
                for id in entries.iter().flat_map(|entry| data_chunks(&entry.kind)) {
                    self.want(id)?;
                }
                self.pending.push(Pending::Read(entries, block.bytes));
            }
            if self.pending.len() >= BATCH_BLOCKS {
                self.flush()?;
            }
        }
        self.flush()?;
        self.fetch.finish()?;
        Ok((self.copy.finish()?, self.read_bytes, self.blocks_kept))
    }

    /// The copy of a block that an earlier list has too, if the other vault still has the block. Whether it has the
    /// chunks of its files is found by the look before the commit; only where packs are going it is asked here.
    fn copied_before(&self, block: &Block) -> Result<Option<Block>, Error> {
        let has = |id: &ChunkId| self.upload.reuse(id);
        let whole: Option<&Has<'_>> = if self.going { Some(&has) } else { None };
        let Some(copy) = self.known.block(&block.chunk, whole)? else {
            return Ok(None);
        };
        for chunk in std::iter::once(&copy.chunk).chain(&copy.far) {
            if !has(chunk)? {
                return Ok(None);
            }
        }
        Ok(Some(copy))
    }

    fn want(&mut self, id: ChunkId) -> Result<(), Error> {
        if self.known.has(&id) || self.fetch.is_wanted(&id) {
            return Ok(());
        }
        if let Some(copy) = self.known.elsewhere(&id)
            && self.upload.reuse(&copy)?
        {
            self.known.learn(id, copy);
            return Ok(());
        }
        self.wanted += self.fetch.want(id)?;
        if self.wanted >= BATCH_BYTES || self.fetch.len() >= BATCH_CHUNKS {
            self.read()?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), Error> {
        let known = &mut self.known;
        self.fetch
            .run(OnDamage::Fail, self.progress, self.cancel, &mut |id, copy| {
                known.learn(id, copy);
            })?;
        self.read_bytes += std::mem::take(&mut self.wanted);
        Ok(())
    }

    /// Reads what is wanted, and writes the blocks that waited for it.
    fn flush(&mut self) -> Result<(), Error> {
        let before = self.read_bytes;
        self.read()?;
        let mut counted = self.read_bytes - before;
        for block in std::mem::take(&mut self.pending) {
            match block {
                Pending::Kept(block) => self.copy.keep(block),
                Pending::Read(mut entries, bytes) => {
                    for entry in &mut entries {
                        self.known.rename(&mut entry.kind)?;
                    }
                    self.copy.block(&entries)?;
                    // What was read has been counted; the rest was there already, or is holes.
                    let left = bytes.saturating_sub(counted);
                    counted = counted.saturating_sub(bytes);
                    self.progress.add_done(left);
                }
            }
        }
        self.known.forget_some();
        Ok(())
    }
}

impl Known<'_> {
    /// Gives the chunks of a file the names that the other vault has for them.
    fn rename(&self, kind: &mut EntryKind) -> Result<(), Error> {
        let EntryKind::File { content, .. } = kind else {
            return Ok(());
        };
        for extent in content {
            if let Extent::Chunk { id, .. } = extent {
                *id = self
                    .get(id)
                    .ok_or_else(|| Error::Internal(format!("chunk {id} was not copied")))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(bytes: u64) -> Block {
        Block {
            first: Vec::new(),
            entries: 1,
            bytes,
            chunk: ChunkId([0; 32]),
            far: Vec::new(),
        }
    }

    #[test]
    fn a_list_is_divided_by_bytes_and_by_blocks() {
        assert_eq!(divide(&[], 0), [0]);
        assert_eq!(divide(&vec![block(1); 3], 3), [3]);
        assert_eq!(
            divide(&vec![block(STRETCH_BYTES); 3], 3 * STRETCH_BYTES),
            [1, 2, 3]
        );
        assert_eq!(
            divide(&vec![block(0); STRETCH_BLOCKS + 1], 0),
            [STRETCH_BLOCKS, STRETCH_BLOCKS + 1]
        );
        let huge = vec![block(1 << 40); 5000];
        assert!(divide(&huge, 5000 << 40).len() as u64 <= MOST_STRETCHES + 1);
    }
}
