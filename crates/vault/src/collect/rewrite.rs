//! Writing anew what is needed of packs that are mostly not, and describing what stays.

use std::collections::HashSet;
use std::sync::Arc;

use futures::{StreamExt, stream};
use ostler_store::Object;
use ostler_vocabulary::{Classified, ErrorKind, Progress};
use tokio_util::sync::CancellationToken;

use super::Tally;
use super::stop_if;
use super::survey::Survey;
use crate::index::parse_segment;
use crate::objects::Then;
use crate::pack::PackTable;
use crate::{ChunkId, ChunkSink, Error, Index, OpenBlock, PackId, Reader, Upload, Vault};

/// Segments that are read at the same time.
const AT_ONCE: usize = 4;
/// A segment below this many bytes is small, and so many small ones are put together.
const SMALL_SEGMENT: u64 = 256 * 1024;
const MANY_SMALL: usize = 16;
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
        for (pack, _) in &survey.decision.rewrite {
            progress.add_total(survey.size_of(pack));
        }
        // To a session that knows of no chunk, all that it is given is new.
        let upload = Upload::new(Arc::clone(self), Arc::new(Index::build(Vec::new())), Then::Find);
        let mut sink = upload.sink();
        let reader = self.reader(Arc::clone(&survey.index));
        let work: Vec<_> = survey
            .decision
            .rewrite
            .iter()
            .map(|(pack, chunks)| ((*pack, survey.size_of(pack)), chunks.clone()))
            .collect();
        let (progress, cancel) = (progress.clone(), cancel.clone());
        let copy = self.host().blocking(move || {
            let mut done = Vec::new();
            for (pack, chunks) in work {
                stop_if(&cancel)?;
                match copy_pack(&reader, &mut sink, pack, &chunks) {
                    Ok(bytes) => {
                        progress.add_done(bytes);
                        done.push(pack.0);
                    }
                    // What is damaged stays as it is: it may be all that is left of a backup.
                    Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) => {
                        tracing::warn!(pack = %pack.0, %error, "leaving a damaged pack alone");
                    }
                    Err(error) => return Err(error),
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
        let replaced: Vec<Object> = replaced.map(|(object, _)| object.clone()).collect();
        let reads = stream::iter(replaced).map(|object| async move {
            let read = self.read_if_there(&object.key).await?;
            Ok((object, read))
        });
        let mut reads = std::pin::pin!(reads.buffered(AT_ONCE));
        while let Some(read) = reads.next().await {
            stop_if(cancel)?;
            let (object, Some(bytes)): (Object, _) = read? else {
                continue;
            };
            for table in parse_segment(self, &object.key, &bytes)? {
                if !going.contains(&table.id) && seen.insert(table.id) {
                    staying.push(table);
                }
            }
            superseded.push(object);
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
}

/// Copies what is needed of a pack; gives the bytes read. Blocks of which all is needed keep their encoding, of others
/// the needed chunks go into new blocks.
pub(crate) fn copy_pack(
    reader: &Reader,
    sink: &mut ChunkSink,
    (pack, size): (PackId, u64),
    chunks: &[ChunkId],
) -> Result<u64, Error> {
    let table = reader.table(&pack, size)?;
    let wanted: HashSet<&ChunkId> = chunks.iter().collect();
    let mut places = table.places();
    let mut blocks = Vec::new();
    for (_, block, chunks) in table.contents.each() {
        let places: Vec<_> = places.by_ref().take(chunks.len()).collect();
        let live = chunks.iter().filter(|chunk| wanted.contains(&chunk.id)).count();
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
        for (id, location) in places.iter().filter(|(id, _)| wanted.contains(id)) {
            let plain = reader.decode(id, location, stored, &mut open)?;
            sink.put(block.kind, plain)?;
        }
    }
    Ok((end - start) as u64)
}
