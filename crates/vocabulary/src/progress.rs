//! How far a step is: counters that many threads raise and one view reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What a progress value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// A reading of a [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

    /// What the counters say now.
    #[must_use]
    pub fn read(&self) -> ProgressValue {
        ProgressValue {
            done: self.counters.done.load(Ordering::Relaxed),
            total: self.counters.total.load(Ordering::Relaxed),
            unit: self.unit,
            items: self.counters.items.load(Ordering::Relaxed),
        }
    }
}
