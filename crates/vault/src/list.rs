//! File lists: what a node's part of a backup holds, in path order, in blocks that can be read alone.
#![allow(missing_docs, clippy::todo, unused_variables, reason = "skeleton; to go")]

use std::sync::Arc;

use crate::{ChunkId, ChunkSink, Error, Reader, Upload};

/// A point in time of a file, with nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FileTime {
    pub seconds: i64,
    pub nanoseconds: u32,
}

/// One entry of a file list. Paths are absolute without the leading `/`, any bytes but NUL; `/` sorts before every
/// other byte, so that a directory's entries follow it directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: Vec<u8>,
    pub kind: EntryKind,
    pub metadata: Metadata,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    Directory,
    File {
        size: u64,
        content: Vec<Extent>,
        sparse: bool,
        racy: bool,
    },
    Symlink {
        target: Vec<u8>,
    },
    Fifo,
    Socket,
    CharDevice {
        major: u32,
        minor: u32,
    },
    BlockDevice {
        major: u32,
        minor: u32,
    },
}

/// A piece of a file, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Chunk {
        id: ChunkId,
        length: u32,
    },
    /// Zeros that were a hole, or a chunk of nothing but zeros.
    Zeros {
        length: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Permission bits with set-uid, set-gid and sticky; without the kind.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub user: Option<String>,
    pub group: Option<String>,
    pub modified: FileTime,
    pub changed: FileTime,
    pub device: u64,
    pub inode: u64,
    /// Number of hard links; above 1, entries of one list with equal device and inode are the same file.
    pub links: u64,
    /// Extended attributes by name, ACLs among them (`system.posix_acl_access`, `system.posix_acl_default`).
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Writes a list: entries must come in path order. Block ends are chosen by the entries' paths, so that equal
/// stretches of two lists give equal blocks and are stored once.
#[derive(Debug)]
pub struct ListWriter {}

impl ListWriter {
    pub fn new(sink: ChunkSink) -> Self {
        todo!()
    }
    /// A block that is known to be unchanged costs nothing but hashing.
    pub fn push(&mut self, entry: &Entry) -> Result<(), Error> {
        todo!()
    }
    /// Gives the list's address.
    pub fn finish(self) -> Result<ChunkId, Error> {
        todo!()
    }
}

/// Reads a list block by block; memory is that of a block and the directory of blocks.
#[derive(Debug)]
pub struct ListReader {}

impl ListReader {
    pub fn open(reader: Arc<Reader>, list: ChunkId) -> Result<Self, Error> {
        todo!()
    }
    /// Number of entries.
    pub fn len(&self) -> u64 {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    /// All entries in path order.
    pub fn entries(&self) -> Box<dyn Iterator<Item = Result<Entry, Error>> + Send + '_> {
        todo!()
    }
    /// The entry at `path` and all below it, reading only the blocks that can hold them.
    pub fn below(&self, path: &[u8]) -> Box<dyn Iterator<Item = Result<Entry, Error>> + Send + '_> {
        todo!()
    }
    /// The chunks that make up the list itself: its directory and blocks. With the chunks of its entries' extents
    /// these are all that the backup needs.
    pub fn own_chunks(&self) -> Vec<ChunkId> {
        todo!()
    }
}

/// The order of paths in a list.
pub fn path_order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    todo!()
}

#[allow(unused)]
fn _uses(_: &Upload) {}
