//! What the operating system says of a file.

use std::io;

use ostler_vault::list::{EntryKind, FileTime};
use rustix::fd::AsFd;
use rustix::fs::{AtFlags, FileType, StatxAttributes, StatxFlags};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    CharDevice,
    BlockDevice,
}

impl Kind {
    pub(crate) fn of(entry: &EntryKind) -> Self {
        match entry {
            EntryKind::Directory => Self::Directory,
            EntryKind::File { .. } => Self::File,
            EntryKind::Symlink { .. } => Self::Symlink,
            EntryKind::Fifo => Self::Fifo,
            EntryKind::Socket => Self::Socket,
            EntryKind::CharDevice { .. } => Self::CharDevice,
            EntryKind::BlockDevice { .. } => Self::BlockDevice,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) kind: Kind,
    /// Permission bits with set-uid, set-gid and sticky.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u64,
    /// Bytes that are allocated for it.
    pub(crate) allocated: u64,
    pub(crate) modified: FileTime,
    pub(crate) changed: FileTime,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) links: u64,
    pub(crate) major: u32,
    pub(crate) minor: u32,
    /// Whether it has flags of `chattr` that no file list holds.
    pub(crate) flagged: bool,
}

/// Flags of `chattr` that a file system tells with everything else.
const FLAGS: StatxAttributes = StatxAttributes::COMPRESSED
    .union(StatxAttributes::IMMUTABLE)
    .union(StatxAttributes::APPEND)
    .union(StatxAttributes::NODUMP);

impl Stat {
    /// Of an entry of a directory; links are not followed.
    pub(crate) fn at(directory: impl AsFd, name: &[u8]) -> io::Result<Self> {
        Self::read(directory, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)
    }

    /// Of what a path leads to; links are followed.
    pub(crate) fn followed(directory: impl AsFd, name: &[u8]) -> io::Result<Self> {
        Self::read(directory, name, AtFlags::empty())
    }

    pub(crate) fn of(file: impl AsFd) -> io::Result<Self> {
        Self::read(file, b"", AtFlags::EMPTY_PATH)
    }

    fn read(directory: impl AsFd, name: &[u8], flags: AtFlags) -> io::Result<Self> {
        let stat = rustix::fs::statx(directory, name, flags, StatxFlags::BASIC_STATS)?;
        let time = |time: rustix::fs::StatxTimestamp| FileTime {
            seconds: time.tv_sec,
            nanoseconds: time.tv_nsec,
        };
        let raw = u32::from(stat.stx_mode);
        Ok(Self {
            kind: match FileType::from_raw_mode(raw) {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Directory,
                FileType::Symlink => Kind::Symlink,
                FileType::Fifo => Kind::Fifo,
                FileType::CharacterDevice => Kind::CharDevice,
                FileType::BlockDevice => Kind::BlockDevice,
                _ => Kind::Socket,
            },
            mode: raw & 0o7777,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            size: stat.stx_size,
            allocated: stat.stx_blocks.saturating_mul(512),
            modified: time(stat.stx_mtime),
            changed: time(stat.stx_ctime),
            device: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
            inode: stat.stx_ino,
            links: u64::from(stat.stx_nlink),
            major: stat.stx_rdev_major,
            minor: stat.stx_rdev_minor,
            flagged: stat.stx_attributes.intersects(FLAGS),
        })
    }

    /// Whether nothing was written to it, and nothing about it set, between the two readings.
    pub(crate) fn same_version(&self, other: &Self) -> bool {
        self.same_file(other)
            && self.size == other.size
            && self.modified == other.modified
            && self.changed == other.changed
    }

    pub(crate) fn same_file(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode && self.kind == other.kind
    }

    pub(crate) fn is_sparse(&self) -> bool {
        self.allocated < self.size
    }
}
