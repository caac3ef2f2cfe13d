//! Reads chunks that lie close to one another, such as those of a file list, with few requests.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{Reader, bytes_of};
use crate::{ChunkId, Error, Location, PackId};

/// What is read at a time, in bytes.
const AROUND: u64 = 256 << 10;

/// Reads more than is asked for, and keeps what it read last: bytes of one pack.
#[derive(Debug)]
pub(crate) struct Near {
    reader: Arc<Reader>,
    last: Mutex<Option<(PackId, u64, Bytes)>>,
}

impl Near {
    pub(crate) fn new(reader: Arc<Reader>) -> Self {
        Self {
            reader,
            last: Mutex::default(),
        }
    }

    /// As [`Reader::chunk`].
    pub(crate) fn chunk(&self, id: &ChunkId) -> Result<Vec<u8>, Error> {
        let first = self.reader.index().copies(id)?.into_iter().next();
        let near = first.and_then(|location| {
            let stored = self.stored(&location)?;
            self.reader.alone(id, &location, &stored).ok()
        });
        match near {
            Some(plaintext) => Ok(plaintext),
            // Whatever is wrong is told by whoever looks at this chunk alone, and at every copy.
            None => self.reader.chunk(id),
        }
    }

    /// The stored bytes of a chunk's block, if they can be had.
    fn stored(&self, location: &Location) -> Option<Bytes> {
        let wanted = bytes_of(location);
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last().clone();
        if let Some((pack, from, bytes)) = known
            && pack == location.pack
            && let Some(stored) = part(from, &bytes, &wanted)
        {
            return Some(stored);
        }
        let size = self.reader.index().pack_size(&location.pack).ok()??;
        let around = around(&wanted, size);
        let bytes = self.reader.span(&location.pack, around.clone()).ok()?;
        let stored = part(around.start, &bytes, &wanted);
        *last() = Some((location.pack, around.start, bytes));
        stored
    }
}

/// The bytes of a range, of those that start at `from`.
fn part(from: u64, bytes: &Bytes, wanted: &Range<u64>) -> Option<Bytes> {
    let start = usize::try_from(wanted.start.checked_sub(from)?).ok()?;
    let end = usize::try_from(wanted.end.checked_sub(from)?).ok()?;
    (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
}

/// The range that is read for one that is wanted: from a multiple of [`AROUND`] to one, within the pack.
fn around(wanted: &Range<u64>, size: u64) -> Range<u64> {
    let start = wanted.start / AROUND * AROUND;
    let end = wanted.end.next_multiple_of(AROUND).min(size).max(wanted.end);
    start..end
}

#[cfg(test)]
mod tests {
    use super::{AROUND, Bytes, around, part};

    #[test]
    fn what_is_read_is_around_what_is_wanted_and_within_the_pack() {
        assert_eq!(around(&(10..20), 1_000), 0..1_000);
        assert_eq!(around(&(AROUND + 1..AROUND + 2), 10 * AROUND), AROUND..2 * AROUND);
        assert_eq!(around(&(AROUND - 1..AROUND + 2), 10 * AROUND), 0..2 * AROUND);
        // The index may be wrong of its size: what is wanted is asked for.
        assert_eq!(around(&(10..20), 15), 0..20);
    }

    #[test]
    fn a_part_is_what_was_wanted_or_nothing() {
        let bytes = Bytes::from_static(b"abcdef");
        assert_eq!(part(100, &bytes, &(102..104)), Some(Bytes::from_static(b"cd")));
        assert_eq!(part(100, &bytes, &(100..106)), Some(bytes.clone()));
        for wanted in [99..101, 104..107, 110..120] {
            assert_eq!(part(100, &bytes, &wanted), None, "{wanted:?}");
        }
    }
}
