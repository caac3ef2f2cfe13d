//! Which chunks a run surely does not have: a Bloom filter of blocks, six bits for a chunk, that is wrong for about one
//! in fifteen of the others. It only ever saves reading a page.

use crate::ChunkId;

/// Words of a block: one line of the processor's cache.
const WORDS: usize = 8;
const BITS_PER_CHUNK: u64 = 6;
const PROBES: u32 = 4;

pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// For so many chunks.
    pub(super) fn new(chunks: u64) -> Self {
        let blocks = (chunks * BITS_PER_CHUNK).div_ceil(64 * WORDS as u64).max(1);
        Self {
            words: vec![0; usize::try_from(blocks).unwrap_or(usize::MAX) * WORDS],
        }
    }

    pub(super) fn from_words(words: Vec<u64>) -> Option<Self> {
        (!words.is_empty() && words.len().is_multiple_of(WORDS)).then_some(Self { words })
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(super) fn insert(&mut self, id: &ChunkId) {
        let (start, bits) = self.place(id);
        if let Some(block) = self.words.get_mut(start..start + WORDS) {
            for bit in each(bits) {
                block[bit / 64] |= 1 << (bit % 64);
            }
        }
    }

    pub(super) fn may_have(&self, id: &ChunkId) -> bool {
        let (start, bits) = self.place(id);
        let block = self.words.get(start..start + WORDS);
        block.is_none_or(|block| each(bits).all(|bit| block[bit / 64] & (1 << (bit % 64)) != 0))
    }

    /// Ids are digests: their own bits choose the block and the bits in it.
    fn place(&self, id: &ChunkId) -> (usize, u64) {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = id.middle();
        let which = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let blocks = (self.words.len() / WORDS) as u128;
        let block = (u128::from(which) * blocks) >> 64;
        let start = usize::try_from(block).unwrap_or(0) * WORDS;
        (start, u64::from_le_bytes([i, j, k, l, m, n, o, p]))
    }
}

fn each(bits: u64) -> impl Iterator<Item = usize> {
    (0..PROBES).map(move |probe| usize::try_from((bits >> (9 * probe)) & 511).unwrap_or(0))
}

impl ChunkId {
    /// Bytes that neither order nor shards look at.
    fn middle(&self) -> [u8; 16] {
        let mut middle = [0; 16];
        middle.copy_from_slice(&self.0[12..28]);
        middle
    }
}
