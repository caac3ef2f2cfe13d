//! Where a block ends: decided by paths, so that equal stretches of two lists give equal blocks.
//!
//! This is a choice of the writer, not part of the format: a reader takes blocks as they come.

use super::entry::{Entry, EntryKind};

/// A block holds at least this weight, if the list does.
const LEAST: u64 = 128;
/// The weight between two ends, on average, beyond the least.
const MEAN: u64 = 1024;
/// A block never goes on beyond this weight.
const MOST: u64 = 4096;
/// A block never goes on beyond this size in bytes; only its last entry may pass it.
pub(super) const MOST_BYTES: usize = 256 * 1024;

/// Decides after each entry whether its block ends.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    weight: u64,
}

impl Cutter {
    /// Whether the block ends with this entry, having grown to `bytes`.
    pub(super) fn ends_after(&mut self, entry: &Entry, bytes: usize) -> bool {
        let weight = weight(entry);
        self.weight += weight;
        let ends = self.weight >= MOST
            || bytes >= MOST_BYTES
            || (self.weight >= LEAST && path_hash(&entry.path) % MEAN < weight);
        if ends {
            self.weight = 0;
        }
        ends
    }
}

/// An entry of a large file takes the room of many plain ones. Were it counted as one, blocks of large files would
/// end by their size, and one more file would move the ends of all that follow.
fn weight(entry: &Entry) -> u64 {
    match &entry.kind {
        EntryKind::File { content, .. } => 1 + (content.len() as u64 / 2).min(MEAN / 2),
        _ => 1,
    }
}

fn path_hash(path: &[u8]) -> u64 {
    let hash = blake3::hash(path);
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
