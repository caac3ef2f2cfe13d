//! One file on its way into the target, and the windows that files are restored in.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ostler_vault::list::{Entry, EntryKind, Extent};
use ostler_vault::{ChunkId, Location, PackId};
use rustix::fd::OwnedFd;

use super::direct;
use super::file::Temporary;
use crate::layout::Place;
use crate::path::split;

/// A regular file to be written.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) entry: Entry,
    pub(crate) place: Place,
    /// Chunks that are still to be written.
    pub(crate) left: AtomicUsize,
    pub(crate) failed: AtomicBool,
    pub(crate) file: Mutex<Temporary>,
    /// Whether something has its name already.
    pub(crate) replaces: bool,
    /// Whether it is written past the page cache.
    pub(crate) direct: bool,
}

impl Task {
    pub(crate) fn new(entry: Entry, place: Place, replaces: bool) -> Self {
        let mut task = Self {
            entry,
            place,
            left: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            file: Mutex::default(),
            replaces,
            direct: false,
        };
        task.direct = direct::suits(&task);
        task.left.store(task.chunks(), Ordering::Relaxed);
        task
    }

    pub(crate) fn chunks(&self) -> usize {
        let chunk = |extent: &&Extent| matches!(extent, Extent::Chunk { .. });
        self.content().iter().filter(chunk).count()
    }

    pub(crate) fn content(&self) -> &[Extent] {
        match &self.entry.kind {
            EntryKind::File { content, .. } => content,
            _ => &[],
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match &self.entry.kind {
            EntryKind::File { size, .. } => *size,
            _ => 0,
        }
    }

    pub(crate) fn is_sparse(&self) -> bool {
        matches!(self.entry.kind, EntryKind::File { sparse: true, .. })
    }

    /// Whether its extents add up to its size, as those of every file that we stored do.
    pub(crate) fn adds_up(&self) -> bool {
        let mut sum = 0_u64;
        for extent in self.content() {
            let length = match *extent {
                Extent::Chunk { length, .. } => u64::from(length),
                Extent::Zeros { length } => length,
            };
            match sum.checked_add(length) {
                Some(more) => sum = more,
                None => return false,
            }
        }
        sum == self.size() && i64::try_from(sum).is_ok()
    }

    pub(crate) fn parent(&self) -> &[u8] {
        split(&self.place.path).0
    }

    pub(crate) fn name(&self) -> &[u8] {
        split(&self.place.path).1
    }
}

/// Where one chunk goes in one file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) id: ChunkId,
    pub(crate) location: Location,
    pub(crate) task: u32,
    pub(crate) at: u64,
}

/// Files that are restored together, their chunks in the order of the packs.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pub(crate) tasks: Vec<Task>,
}

#[derive(Debug)]
pub(crate) enum Job {
    /// Compare a file that exists; the answer is whether it is right.
    Check(Arc<Window>, u32, OwnedFd, crossbeam_channel::Sender<(u32, bool)>),
    /// A stretch of a pack with the chunks to take from it, ordered by offset.
    Span {
        window: Arc<Window>,
        pack: PackId,
        pieces: Vec<Piece>,
    },
    /// Files that need no chunk.
    Plain(Arc<Window>, Vec<u32>),
}

/// A stretch of a pack that is read in one go has at most this many bytes.
pub(crate) const SPAN: u64 = 8 << 20;
/// Bytes that are read for nothing rather than asking the store again.
const GAP: u64 = 128 << 10;

/// Cuts pieces into stretches of packs.
pub(crate) fn spans(mut pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    pieces.sort_unstable_by_key(|piece| {
        let Location { pack, offset, at, .. } = piece.location;
        (pack, offset, at, piece.task, piece.at)
    });
    cut(pieces, |piece| {
        let Location {
            pack, offset, stored, ..
        } = piece.location;
        (pack, offset, u64::from(stored))
    })
}

/// Cuts what is ordered by pack and offset where the pack changes, the gap is large or the stretch would be long.
fn cut<T>(pieces: Vec<T>, place: impl Fn(&T) -> (PackId, u64, u64)) -> Vec<Vec<T>> {
    let mut spans: Vec<Vec<T>> = Vec::new();
    let (mut open, mut start, mut end) = (None, 0, 0);
    for piece in pieces {
        let (pack, offset, stored) = place(&piece);
        let until = offset.saturating_add(stored);
        let fits = open == Some(pack) && offset <= end + GAP && until.saturating_sub(start) <= SPAN;
        match spans.last_mut().filter(|_| fits) {
            Some(span) => {
                span.push(piece);
                end = end.max(until);
            }
            None => {
                spans.push(vec![piece]);
                (open, start, end) = (Some(pack), offset, until);
            }
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::cut;
    use ostler_vault::PackId;

    #[test]
    fn chunks_near_each_other_in_a_pack_are_read_in_one_go() {
        let pieces = vec![
            (1, 0, 10),
            (1, 1000, 10),
            (1, 500_000, 10),
            (1, 500_010, 10 << 20),
            (2, 0, 10),
        ];
        let cut = cut(pieces, |&(pack, offset, stored)| {
            (PackId([pack; 32]), offset, stored)
        });
        assert_eq!(
            cut,
            [
                vec![(1, 0, 10), (1, 1000, 10)],
                vec![(1, 500_000, 10)],
                vec![(1, 500_010, 10 << 20)],
                vec![(2, 0, 10)]
            ]
        );
    }
}
