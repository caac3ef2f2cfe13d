//! Writing anew what is needed of packs that are mostly not, and describing what stays.

use std::collections::HashSet;
use std::sync::Arc;

use futures::{StreamExt, stream};
use ostler_store::Object;
use ostler_vocabulary::{Classified, ErrorKind, Progress};
use tokio_util::sync::CancellationToken;

use super::Tally;
use super::decide::Anew;
use super::stop_if;
use super::survey::Survey;
use crate::index::{Spot, pack_key};
use crate::objects::Then;
use crate::pack::PackTable;
use crate::{ChunkSink, Error, Index, Location, OpenBlock, PackId, Reader, Upload, Vault};

/// Segments that are read at the same time.
const AT_ONCE: usize = 4;
/// A segment below this many bytes is small, and so many small ones are put together.
const SMALL_SEGMENT: u64 = 256 * 1024;
const MANY_SMALL: usize = 16;
/// So many chunks' places are kept at a time, of eight bytes each.
const LIVE_AT_ONCE: u64 = 4 << 20;
/// A segment describes about so many chunks at most.
const SEGMENT_CHUNKS: usize = 100_000;

/// Which packs have been written anew.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    pub(super) packs: Vec<PackId>,
    pub(super) stored_bytes: u64,
}

impl Vault {
    pub(super) async fn rewrite(
        self: &Arc<Self>,
        survey: &Survey,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Rewritten, Error> {
        if survey.decision.rewrite.is_empty() {
            return Ok(Rewritten::default());
        }
        let sizes: Vec<u64> = survey
            .decision
            .rewrite
            .iter()
            .map(|anew| survey.size_of(&anew.pack))
            .collect();
        progress.add_total(sizes.iter().sum());
        // To a session that knows of no chunk, all that it is given is new.
        let upload = Upload::new(Arc::clone(self), Arc::new(Index::build(Vec::new())), Then::Find);
        let mut sink = upload.sink();
        let reader = self.reader(Arc::clone(&survey.index));
        let (decision, inventory) = (Arc::clone(&survey.decision), Arc::clone(&survey.inventory));
        let (progress, cancel) = (progress.clone(), cancel.clone());
        let copy = self.host().blocking(move || {
            let mut done = Vec::new();
            let mut sizes = sizes.into_iter();
            for some in portions(&decision.rewrite) {
                let live = decision.live(some, &|each| inventory.each_needed(each))?;
                for ((anew, live), size) in some.iter().zip(live).zip(&mut sizes) {
                    stop_if(&cancel)?;
                    match copy_pack(&reader, &mut sink, (anew.pack, size), &live) {
                        Ok(bytes) => {
                            progress.add_done(bytes);
                            done.push(anew.pack);
                        }
                        // What is damaged stays as it is: it may be all that is left of a backup.
                        Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) => {
                            tracing::warn!(pack = %anew.pack, %error, "leaving a damaged pack alone");
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            sink.finish()?;
            Ok(done)
        });
        let packs = copy.await??;
        let totals = upload.finish().await?;
        Ok(Rewritten {
            packs,
            stored_bytes: totals.stored_bytes,
        })
    }

    /// Puts small segments together when there are many.
    pub(super) async fn merge_segments(
        &self,
        survey: &Survey,
        tally: &mut Tally,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let (described, superseded) = self.describe_anew(survey, &HashSet::new(), cancel).await?;
        tally.added += described;
        self.remove_objects(superseded, tally, cancel).await
    }

    /// Deletes these objects.
    pub(super) async fn remove_objects(
        &self,
        objects: Vec<Object>,
        tally: &mut Tally,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let sized = objects.into_iter().map(|object| (object.key, object.size));
        let mut removed = std::pin::pin!(self.remove_each(sized.collect(), cancel));
        while let Some(size) = removed.next().await {
            tally.deleted(size?);
        }
        Ok(())
    }

    /// Writes segments for what stays of the segments that name packs which are going, and of small ones when there
    /// are many. Gives the bytes written, and the segments that are superseded by them.
    pub(super) async fn describe_anew(
        &self,
        survey: &Survey,
        going: &HashSet<PackId>,
        cancel: &CancellationToken,
    ) -> Result<(u64, Vec<Object>), Error> {
        let is_small = |object: &Object| object.size < SMALL_SEGMENT;
        let many_small = survey
            .segments
            .iter()
            .filter(|(object, _)| is_small(object))
            .count()
            >= MANY_SMALL;
        let mut superseded = survey.stale_segments.clone();
        let mut seen = HashSet::new();
        let mut staying: Vec<PackTable> = Vec::new();
        let mut written = 0;
        let replaced = survey.segments.iter().filter(|(object, packs)| {
            let is_old = survey.old_segments.contains(&object.key);
            is_old || packs.iter().any(|pack| going.contains(pack)) || (many_small && is_small(object))
        });
        let replaced: Vec<(Object, Vec<PackId>)> = replaced.cloned().collect();
        let reads = stream::iter(replaced).map(|(object, packs)| async move {
            let read = self.segment(&object.key).await?;
            Ok((object, packs, read))
        });
        let mut reads = std::pin::pin!(reads.buffered(AT_ONCE));
        while let Some(read) = reads.next().await {
            stop_if(cancel)?;
            let (object, packs, Some((_, said))): (Object, Vec<PackId>, _) = read? else {
                continue;
            };
            let tables = match said {
                Ok(tables) => {
                    superseded.push(object);
                    tables
                }
                // The cache knows what it said before it was damaged. It is left alone, and what stays says so itself.
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    tracing::warn!(key = %object.key, %error, "leaving a damaged index segment alone");
                    let staying = packs.iter().filter(|pack| !going.contains(pack));
                    self.own_tables(survey, staying).await?
                }
                Err(error) => return Err(error),
            };
            for table in tables {
                if !going.contains(&table.id) && seen.insert(table.id) {
                    staying.push(table);
                }
            }
            if staying.iter().map(|table| table.contents.chunks()).sum::<usize>() >= SEGMENT_CHUNKS {
                written += self
                    .write_segment(&std::mem::take(&mut staying), Then::Find)
                    .await?;
            }
        }
        // Packs that are needed and that only their own tables described.
        for table in &survey.orphans {
            if !table.contents.is_empty() && !going.contains(&table.id) && seen.insert(table.id) {
                staying.push(table.clone());
            }
        }
        written += self.write_segment(&staying, Then::Find).await?;
        Ok((written, superseded))
    }

    /// What these packs say of themselves; those that say nothing are left out.
    async fn own_tables(
        &self,
        survey: &Survey,
        packs: impl Iterator<Item = &PackId>,
    ) -> Result<Vec<PackTable>, Error> {
        let mut tables = Vec::new();
        for pack in packs {
            let object = Object {
                key: pack_key(pack)?,
                size: survey.size_of(pack),
                modified: None,
            };
            match self.read_table(*pack, &object).await {
                Ok(table) => tables.push(table),
                Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) => {
                    tracing::warn!(%pack, %error, "a pack cannot be described");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(tables)
    }
}

/// These packs in pieces with so few needed chunks that the places of those of one fit into memory.
fn portions(mut packs: &[Anew]) -> impl Iterator<Item = &[Anew]> {
    std::iter::from_fn(move || {
        let mut live = 0;
        let fits = |anew: &&Anew| {
            live += anew.live;
            live <= LIVE_AT_ONCE
        };
        let count = packs.iter().take_while(fits).count().max(1).min(packs.len());
        let (some, rest) = packs.split_at(count);
        packs = rest;
        (!some.is_empty()).then_some(some)
    })
}

/// Copies what is at these spots of a pack, which are sorted; gives the bytes read. Blocks of which all is needed keep their
/// encoding, of others the needed chunks go into new blocks.
pub(crate) fn copy_pack(
    reader: &Reader,
    sink: &mut ChunkSink,
    (pack, size): (PackId, u64),
    wanted: &[Spot],
) -> Result<u64, Error> {
    let table = reader.table(&pack, size)?;
    let is_wanted = |location: &Location| wanted.binary_search(&location.spot()).is_ok();
    let mut places = table.places();
    let mut blocks = Vec::new();
    for (_, block, chunks) in table.contents.each() {
        let places: Vec<_> = places.by_ref().take(chunks.len()).collect();
        let live = places.iter().filter(|(_, location)| is_wanted(location)).count();
        if live > 0 {
            blocks.push((block, chunks, places, live));
        }
    }
    let found: usize = blocks.iter().map(|(.., live)| live).sum();
    if found < wanted.len() {
        return Err(Error::damaged(
            format!("pack {pack}"),
            "the index says otherwise of what is in it",
        ));
    }
    let (Some((first, ..)), Some((last, ..))) = (blocks.first(), blocks.last()) else {
        return Ok(0);
    };
    let (start, end) = (first.offset as usize, last.offset as usize + last.stored as usize);
    let bytes = reader.span(&pack, start as u64..end as u64)?;
    let (mut encoded, mut open) = (Vec::new(), OpenBlock::default());
    for (block, chunks, places, live) in blocks {
        let at = block.offset as usize - start;
        let stored = bytes
            .get(at..at + block.stored as usize)
            .ok_or_else(|| Error::damaged(format!("pack {pack}"), "it is too short"))?;
        if live == chunks.len() {
            if let Some((id, location)) = places.first() {
                reader.open_block(id, location, stored, &mut encoded)?;
                sink.put_block(block.kind, block.encoding, chunks, &encoded)?;
            }
            continue;
        }
        for (id, location) in places.iter().filter(|(_, location)| is_wanted(location)) {
            let plain = reader.decode(id, location, stored, &mut open)?;
            sink.put(block.kind, plain)?;
        }
    }
    Ok((end - start) as u64)
}
