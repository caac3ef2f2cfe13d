//! What a list says of one path.

use crate::ChunkId;

/// A point in time of a file, with nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FileTime {
    /// Seconds since 1970-01-01 UTC; negative before.
    pub seconds: i64,
    /// Nanoseconds after `seconds`.
    pub nanoseconds: u32,
}

/// One entry of a file list. Paths are absolute without the leading `/`, any bytes but NUL; `/` sorts before every
/// other byte, so that a directory's entries follow it directly. The root directory's path is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it was.
    pub path: Vec<u8>,
    /// What it was.
    pub kind: EntryKind,
    /// What the file system said of it.
    pub metadata: Metadata,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Its length in bytes: the sum of its extents.
        size: u64,
        /// Its bytes, in order and without gaps.
        content: Vec<Extent>,
        /// Whether it had holes, which restoring makes again.
        sparse: bool,
        /// Whether its times were so fresh when it was read that a later change might not have moved them: such a
        /// file is read again by the next backup whatever its times say.
        racy: bool,
    },
    /// A symbolic link.
    Symlink {
        /// What it points to, as stored.
        target: Vec<u8>,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    CharDevice {
        /// Its driver.
        major: u32,
        /// Its unit.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Its driver.
        major: u32,
        /// Its unit.
        minor: u32,
    },
}

/// A piece of a file, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Bytes that are a chunk of the vault.
    Chunk {
        /// Which.
        id: ChunkId,
        /// How many bytes it has.
        length: u32,
    },
    /// Zeros that were a hole, or a chunk of nothing but zeros.
    Zeros {
        /// How many.
        length: u64,
    },
}

/// What the file system said of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Permission bits with set-uid, set-gid and sticky; without the kind.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// The owner's name, where it had one.
    pub user: Option<String>,
    /// The group's name, where it had one.
    pub group: Option<String>,
    /// When the content was last changed.
    pub modified: FileTime,
    /// When content or metadata were last changed.
    pub changed: FileTime,
    /// The file system's number.
    pub device: u64,
    /// The file's number in its file system.
    pub inode: u64,
    /// Number of hard links; above 1, entries of one list with equal device and inode are the same file.
    pub links: u64,
    /// Extended attributes by name, ACLs among them (`system.posix_acl_access`, `system.posix_acl_default`).
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}
