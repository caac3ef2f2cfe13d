//! What a file is beside its content: mode, owner, times, extended attributes; read and restored.
//!
//! Owners are restored by number. Where we are not root, the owner, privileged attributes and device nodes cannot
//! be restored and are left as they are without a problem, as with every other tool. Entries with another owner are
//! counted, and set-user-ID and set-group-ID bits are only given to what has its owner and group.

pub(crate) mod names;
pub(crate) mod xattr;

use std::io;
use std::os::fd::AsRawFd as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ostler_api::document::OtherOwners;
use ostler_vault::list::{FileTime, Metadata};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid};

use crate::path::shown;
use crate::stat::{Kind, Stat};
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

/// Set-user-ID and set-group-ID.
const SET_ID: u32 = 0o6000;

/// What a restore left out for lack of rights, counted.
#[derive(Debug, Default)]
pub(crate) struct Omitted {
    owners: AtomicU64,
    set_id: AtomicU64,
}

impl Omitted {
    pub(crate) fn counted(&self) -> OtherOwners {
        OtherOwners {
            entries: self.owners.load(Ordering::Relaxed),
            set_id: self.set_id.load(Ordering::Relaxed),
        }
    }
}

/// Opens an entry of a directory only to name it: it may be of any kind, and no link is followed.
pub(crate) fn handle(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(directory, name, flags, Mode::empty())?)
}

/// Sets the mode of what a [`handle`] names. `fchmod` refuses such descriptors, and not every kernel has `fchmodat2`.
pub(crate) fn set_mode(handle: BorrowedFd<'_>, mode: Mode) -> io::Result<()> {
    if Stat::of(handle)?.kind == Kind::Symlink {
        return Err(rustix::io::Errno::LOOP.into());
    }
    let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
    Ok(rustix::fs::chmod(path, mode)?)
}

impl Subject<'_> {
    fn set_owner(self, owner: Option<Uid>, group: Option<Gid>) -> io::Result<()> {
        Ok(match self {
            Self::Open(fd) => rustix::fs::fchown(fd, owner, group),
            Self::Entry { directory, name, .. } => {
                rustix::fs::chownat(directory, name, owner, group, AtFlags::SYMLINK_NOFOLLOW)
            }
        }?)
    }

    fn set_mode(self, mode: Mode) -> io::Result<()> {
        match self {
            Self::Open(fd) => Ok(rustix::fs::fchmod(fd, mode)?),
            Self::Entry { link: true, .. } => Ok(()),
            Self::Entry { directory, name, .. } => set_mode(handle(directory, name)?.as_fd(), mode),
        }
    }

    fn stat(self) -> io::Result<Stat> {
        match self {
            Self::Open(fd) => Stat::of(fd),
            Self::Entry { directory, name, .. } => Stat::at(directory, name),
        }
    }
}

/// Sets everything; goes on where one thing fails and tells all that failed as one sentence.
///
/// The order matters: a new owner clears set-uid bits and capabilities, a mode changes an access list's mask, and
/// everything changes times.
pub(crate) fn restore(
    subject: Subject<'_>,
    metadata: &Metadata,
    now: Option<There>,
    omitted: &Omitted,
) -> Result<(), String> {
    let root = is_root();
    let mut failures = Vec::new();
    let is_right = |uid, gid| uid == metadata.uid && gid == metadata.gid;
    let mut owned = now.is_some_and(|now| is_right(now.uid, now.gid));
    let chowned = !owned;
    if chowned {
        // -1 means "leave it" to the kernel and is never a real owner.
        let owner = (metadata.uid != u32::MAX).then(|| Uid::from_raw(metadata.uid));
        let group = (metadata.gid != u32::MAX).then(|| Gid::from_raw(metadata.gid));
        if let Err(error) = subject.set_owner(owner, group)
            && root
        {
            failures.push(format!("owner: {error}"));
        }
    }
    // Read back: a file system may take a new owner and keep the old one.
    if chowned || metadata.mode & SET_ID != 0 {
        owned = subject.stat().is_ok_and(|stat| is_right(stat.uid, stat.gid));
    }
    let mut mode = metadata.mode & 0o7777;
    if !owned {
        omitted.owners.fetch_add(1, Ordering::Relaxed);
        if mode & SET_ID != 0 {
            omitted.set_id.fetch_add(1, Ordering::Relaxed);
            mode &= !SET_ID;
        }
    }
    if (chowned || now.is_none_or(|now| now.mode != mode))
        && let Err(error) = subject.set_mode(Mode::from_raw_mode(mode))
    {
        failures.push(format!("mode: {error}"));
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

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use rustix::fd::AsFd as _;

    use super::{Mode, Subject, handle, set_mode};

    /// What replaces a FIFO by a link, between its making and its mode, changes nothing elsewhere.
    #[test]
    fn a_mode_is_not_set_through_a_link() {
        let top = tempfile::tempdir().unwrap();
        let file = top.path().join("file");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        symlink("file", top.path().join("fifo")).unwrap();
        let directory = fs::File::open(top.path()).unwrap();
        let subject = Subject::Entry {
            directory: directory.as_fd(),
            name: b"fifo",
            link: false,
        };
        assert!(subject.set_mode(Mode::from_raw_mode(0o666)).is_err());
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
        let named = handle(directory.as_fd(), b"file").unwrap();
        set_mode(named.as_fd(), Mode::from_raw_mode(0o4711)).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o4711);
    }
}
