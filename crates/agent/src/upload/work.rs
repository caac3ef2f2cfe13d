//! What the walker hands to the workers, and what they hand to the list.

use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, OnceLock};

use ostler_vault::list::{Entry, Extent};
use rustix::fd::OwnedFd;

use crate::stat::Stat;
use crate::walk::Found;

/// Work in the order of the list; `sequence` counts from 0 without gaps.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) sequence: u64,
    pub(crate) work: Work,
}

#[derive(Debug)]
pub(crate) enum Work {
    /// Entries that follow each other.
    Batch(Vec<Item>),
    /// A piece of a large file.
    Piece(std::sync::Arc<LargeFile>, usize),
}

#[derive(Debug)]
pub(crate) enum Item {
    /// Unchanged since the parent.
    Ready(Entry),
    /// To be read; with its content in the parent, where it was there.
    Read(Found, Option<Box<[Extent]>>),
    /// Another name of a file that comes earlier in the list.
    Link(Found),
}

/// What became of an item.
#[derive(Debug)]
pub(crate) enum Outcome {
    Entry {
        entry: Entry,
        /// Whether its content is new or other than in the parent.
        changed: bool,
    },
    Link(Found),
}

#[derive(Debug)]
pub(crate) enum Done {
    Batch(Vec<Outcome>),
    /// The piece of the file was read; after the last the whole file is ready to be taken.
    Piece(std::sync::Arc<LargeFile>, usize),
}

/// A file that several workers read at once.
#[derive(Debug)]
pub(crate) struct LargeFile {
    pub(crate) found: Found,
    pub(crate) before: Option<Box<[Extent]>>,
    /// How many pieces there are, by the size the walker saw.
    pub(crate) pieces: usize,
    /// Bytes of a piece; a multiple of the chunk size.
    pub(crate) piece: u64,
    /// The first worker opens it; `None` when that failed.
    pub(crate) opened: OnceLock<Option<Opened>>,
    pub(crate) parts: Mutex<Vec<Vec<Extent>>>,
    pub(crate) left: AtomicUsize,
    /// Whether any piece could not be read.
    pub(crate) failed: std::sync::atomic::AtomicBool,
    pub(crate) outcome: Mutex<Option<Outcome>>,
}

#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) fd: OwnedFd,
    pub(crate) before: Stat,
    pub(crate) at: ostler_vocabulary::Timestamp,
}

impl LargeFile {
    pub(crate) fn new(found: Found, before: Option<Box<[Extent]>>, piece: u64) -> Self {
        let pieces = usize::try_from(found.stat.size.div_ceil(piece)).unwrap_or(usize::MAX);
        Self {
            found,
            before,
            pieces,
            piece,
            opened: OnceLock::new(),
            parts: Mutex::new(vec![Vec::new(); pieces]),
            left: AtomicUsize::new(pieces),
            failed: std::sync::atomic::AtomicBool::new(false),
            outcome: Mutex::new(None),
        }
    }
}
