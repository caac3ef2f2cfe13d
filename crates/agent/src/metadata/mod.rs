//! What a file is beside its content: mode, owner, times, extended attributes; read and restored.
//!
//! Owners are restored by number. Where we are not root, the owner, privileged attributes and device nodes cannot
//! be restored and are left as they are without a problem, as with every other tool.

pub(crate) mod names;
pub(crate) mod xattr;

use std::io;
use std::sync::OnceLock;

use ostler_vault::list::{FileTime, Metadata};
use rustix::fd::BorrowedFd;
use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid};

use crate::path::shown;
use crate::stat::Stat;
use names::Names;
use xattr::{Place, Xattrs};

/// The user we act as. It never changes, and asking costs a system call a file.
pub(crate) fn user() -> u32 {
    static USER: OnceLock<u32> = OnceLock::new();
    *USER.get_or_init(|| rustix::process::geteuid().as_raw())
}

/// Whether we may do what only root may.
pub(crate) fn is_root() -> bool {
    user() == 0
}

pub(crate) fn of(stat: &Stat, xattrs: Xattrs, names: &Names) -> Metadata {
    Metadata {
        mode: stat.mode,
        uid: stat.uid,
        gid: stat.gid,
        user: names.user(stat.uid),
        group: names.group(stat.gid),
        modified: stat.modified,
        changed: stat.changed,
        device: stat.device,
        inode: stat.inode,
        links: stat.links,
        xattrs,
    }
}

fn times(modified: FileTime) -> Timestamps {
    let time = Timespec {
        tv_sec: modified.seconds,
        tv_nsec: i64::from(modified.nanoseconds.min(999_999_999)),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

/// What is restored: an open file or directory, or an entry (link, FIFO, device) below an open directory.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    Open(BorrowedFd<'a>),
    Entry {
        directory: BorrowedFd<'a>,
        name: &'a [u8],
        link: bool,
    },
}

/// What is there already, so that nothing is set that is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct There {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Permission bits with set-uid, set-gid and sticky.
    pub(crate) mode: u32,
    /// Whether it is known to have no extended attributes.
    pub(crate) bare: bool,
}

impl From<&Stat> for There {
    fn from(stat: &Stat) -> Self {
        Self {
            uid: stat.uid,
            gid: stat.gid,
            mode: stat.mode,
            bare: false,
        }
    }
}

/// Sets everything; goes on where one thing fails and tells all that failed as one sentence.
///
/// The order matters: a new owner clears set-uid bits and capabilities, a mode changes an access list's mask, and
/// everything changes times.
pub(crate) fn restore(subject: Subject<'_>, metadata: &Metadata, now: Option<There>) -> Result<(), String> {
    let root = is_root();
    let mut failures = Vec::new();
    let owned = now.is_some_and(|now| now.uid == metadata.uid && now.gid == metadata.gid);
    let mut chowned = false;
    if !owned {
        chowned = true;
        // -1 means "leave it" to the kernel and is never a real owner.
        let owner = (metadata.uid != u32::MAX).then(|| Uid::from_raw(metadata.uid));
        let group = (metadata.gid != u32::MAX).then(|| Gid::from_raw(metadata.gid));
        let set = match subject {
            Subject::Open(fd) => rustix::fs::fchown(fd, owner, group),
            Subject::Entry { directory, name, .. } => {
                rustix::fs::chownat(directory, name, owner, group, AtFlags::SYMLINK_NOFOLLOW)
            }
        };
        if let Err(error) = set
            && root
        {
            failures.push(format!("owner: {}", io::Error::from(error)));
        }
    }
    let mode = Mode::from_raw_mode(metadata.mode & 0o7777);
    if chowned || now.is_none_or(|now| now.mode != metadata.mode & 0o7777) {
        let set = match subject {
            Subject::Open(fd) => rustix::fs::fchmod(fd, mode),
            Subject::Entry { link: true, .. } => Ok(()),
            Subject::Entry { directory, name, .. } => {
                rustix::fs::chmodat(directory, name, mode, AtFlags::empty())
            }
        };
        if let Err(error) = set {
            failures.push(format!("mode: {}", io::Error::from(error)));
        }
    }
    let place = match subject {
        Subject::Open(fd) => Place::Open(fd),
        Subject::Entry { directory, name, .. } => Place::Entry(directory, name),
    };
    let bare = now.is_some_and(|now| now.bare) && metadata.xattrs.is_empty();
    if !bare && let Err((name, error)) = xattr::restore(place, &metadata.xattrs, root) {
        failures.push(format!("extended attribute {}: {error}", shown(&name)));
    }
    let times = times(metadata.modified);
    let set = match subject {
        Subject::Open(fd) => rustix::fs::futimens(fd, &times),
        Subject::Entry { directory, name, .. } => {
            rustix::fs::utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW)
        }
    };
    if let Err(error) = set {
        failures.push(format!("time: {}", io::Error::from(error)));
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("cannot restore {}", failures.join("; ")))
    }
}
