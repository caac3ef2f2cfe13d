//! How far a step is: counters that many threads raise and one view reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a progress value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Files.
    Files,
    /// Objects in a store.
    Objects,
    /// Backups.
    Backups,
    /// Rows of tables.
    Rows,
}

/// A reading of a [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProgressValue {
    /// How much is done, in `unit`.
    pub done: u64,
    /// How much there is to do; 0 while that is not known.
    pub total: u64,
    /// What is counted.
    pub unit: Unit,
    /// Files, objects or items finished beside the bytes.
    pub items: u64,
}

/// Shared counters of one step. Cloning gives another handle to the same counters.
#[derive(Debug, Clone)]
pub struct Progress {
    unit: Unit,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    done: AtomicU64,
    total: AtomicU64,
    items: AtomicU64,
}

impl Progress {
    /// Counters at zero.
    #[must_use]
    pub fn new(unit: Unit) -> Self {
        Self {
            unit,
            counters: Arc::default(),
        }
    }

    /// Raises what is done.
    pub fn add_done(&self, amount: u64) {
        self.counters.done.fetch_add(amount, Ordering::Relaxed);
    }

    /// Raises what there is to do, as it becomes known.
    pub fn add_total(&self, amount: u64) {
        self.counters.total.fetch_add(amount, Ordering::Relaxed);
    }

    /// Counts one finished file or object.
    pub fn add_item(&self) {
        self.counters.items.fetch_add(1, Ordering::Relaxed);
    }

    /// What the counters say now. A total that was only a guess, such as the size of the last backup, is not known any
    /// more once it is passed.
    #[must_use]
    pub fn read(&self) -> ProgressValue {
        let done = self.counters.done.load(Ordering::Relaxed);
        let total = self.counters.total.load(Ordering::Relaxed);
        ProgressValue {
            done,
            total: if done > total { 0 } else { total },
            unit: self.unit,
            items: self.counters.items.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, Unit};

    #[test]
    fn a_total_that_is_passed_is_not_known_any_more() {
        let progress = Progress::new(Unit::Bytes);
        progress.add_total(10);
        progress.add_done(10);
        assert_eq!((progress.read().done, progress.read().total), (10, 10));
        progress.add_done(1);
        assert_eq!((progress.read().done, progress.read().total), (11, 0));
    }
}
