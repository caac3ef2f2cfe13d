//! Which packs are needed.

use std::sync::atomic::{AtomicU64, Ordering};

/// A set of an index's packs that many threads add to.
#[derive(Debug)]
pub struct PackSet {
    bits: Vec<AtomicU64>,
}

impl PackSet {
    pub(super) fn new(packs: usize) -> Self {
        Self {
            bits: (0..packs.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Adds all.
    pub(super) fn fill(&self) {
        for word in &self.bits {
            word.store(u64::MAX, Ordering::Relaxed);
        }
    }

    pub(super) fn insert(&self, number: usize) {
        if let Some(word) = self.bits.get(number / 64) {
            word.fetch_or(1 << (number % 64), Ordering::Relaxed);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| word.load(Ordering::Relaxed) == 0)
    }

    pub(super) fn contains(&self, number: usize) -> bool {
        self.bits
            .get(number / 64)
            .is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (number % 64)) != 0)
    }
}
