//! Reading many chunks in parallel. Blocks.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ostler_vocabulary::Progress;
use tokio_util::sync::CancellationToken;

use super::{damage, stop_if};
use crate::pack::Encoding;
use crate::parallel::{in_parallel, processors};
use crate::{ChunkId, Error, Location, OpenBlock, Reader};

/// Neighbours are read in one request up to this many bytes, over gaps up to that many.
const SPAN: u64 = 8 * 1024 * 1024;
const GAP: u64 = 128 * 1024;

/// Reads and verifies these chunks; gives those of which no copy is good, with the reason.
pub(super) fn read_chunks(
    reader: &Reader,
    mut wanted: Vec<(ChunkId, Location)>,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<HashMap<ChunkId, String>, Error> {
    wanted.sort_unstable_by_key(|(_, location)| (location.pack, location.offset, location.at));
    let spans: Vec<&[(ChunkId, Location)]> = spans(&wanted);
    let bad = Mutex::new(HashMap::new());
    in_parallel(processors(), &spans, &|span| {
        stop_if(cancel)?;
        read_span(reader, span, &mut |id, reason| {
            bad.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(id, reason);
        })?;
        let bytes = span.iter().map(|(_, location)| u64::from(location.length)).sum();
        progress.add_done(bytes);
        Ok(())
    })?;
    Ok(bad.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// What is read in one request each: neighbours in `wanted`, which is sorted by place.
pub(crate) fn spans(wanted: &[(ChunkId, Location)]) -> Vec<&[(ChunkId, Location)]> {
    let mut spans = Vec::new();
    let mut start = 0;
    for at in 1..=wanted.len() {
        let goes_on = match (wanted.get(start), wanted.get(at - 1), wanted.get(at)) {
            (Some((_, first)), Some((_, before)), Some((_, next))) => {
                let end = before.offset + u64::from(before.stored);
                first.pack == next.pack
                    && next.offset.saturating_sub(end) <= GAP
                    && next.offset + u64::from(next.stored) - first.offset <= SPAN
            }
            _ => false,
        };
        if !goes_on {
            spans.extend(wanted.get(start..at));
            start = at;
        }
    }
    spans
}

fn read_span(
    reader: &Reader,
    span: &[(ChunkId, Location)],
    bad: &mut dyn FnMut(ChunkId, String),
) -> Result<(), Error> {
    visit_span(reader, span, &mut |id, read| match read {
        Ok(_) => Ok(()),
        Err(error) => {
            bad(*id, damage(error)?);
            Ok(())
        }
    })
}

/// A chunk as it was read.
#[derive(Debug)]
pub(crate) struct Plain<'a> {
    /// Its bytes, verified.
    pub(crate) bytes: &'a [u8],
    /// The same as its block has them, where it is alone in it.
    pub(crate) encoded: Option<(Encoding, &'a [u8])>,
}

/// What is done with each chunk that was read, or could not be.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(&ChunkId, Result<Plain<'_>, Error>) -> Result<(), Error>;

/// Reads the chunks of a span in one request, each verified. Of what is not right there other copies are tried.
pub(crate) fn visit_span(
    reader: &Reader,
    span: &[(ChunkId, Location)],
    visit: Visit<'_>,
) -> Result<(), Error> {
    let (Some((_, first)), Some((_, last))) = (span.first(), span.last()) else {
        return Ok(());
    };
    let start = first.offset;
    let bytes = match reader.span(&first.pack, start..last.offset + u64::from(last.stored)) {
        Ok(bytes) => Some(bytes),
        // Some of it may still be readable.
        Err(error) => damage(error).map(|_| None)?,
    };
    let mut block = OpenBlock::default();
    for (id, location) in span {
        let stored = bytes.as_ref().and_then(|bytes| {
            let at = usize::try_from(location.offset - start).ok()?;
            bytes.get(at..at.checked_add(location.stored as usize)?)
        });
        let good = stored.is_some_and(|stored| reader.decode(id, location, stored, &mut block).is_ok());
        if good {
            visit(id, Ok(block.plain(location)))?;
            continue;
        }
        // The chunk by itself, and its other copies.
        match reader.chunk(id) {
            Ok(bytes) => visit(
                id,
                Ok(Plain {
                    bytes: &bytes,
                    encoded: None,
                }),
            )?,
            Err(error) => visit(id, Err(error))?,
        }
    }
    Ok(())
}
