//! Files that the agent holds still itself: clones where the file system can make them, and other names of files that are
//! known not to change.
//!
//! They are in a scratch directory of their own below the path that is backed up. It is locked by whoever uses it, so what a
//! kill left is known by being unlocked, and removed by the next backup of the path or the next start of its agent. Walks
//! leave such directories out.

mod roll;
mod take;

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_api::node::{SCRATCH_MARKER, SCRATCH_TREE};
use ostler_vault::list::FileTime;
use ostler_vocabulary::{Clock, Timestamp};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, IFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use crate::metadata::xattr::{self, Place, Xattrs};
use crate::stat::{Kind, Stat};
use crate::walk::handle::open_quietly;
use crate::walk::listing::DIRECTORY;
use crate::walk::{Found, handle, in_its_directory, open_found};
use crate::{Error, scratch};
pub(crate) use take::{Asked, take};

/// What snapshots are called, with a number after it: several backups may read the same directory at a time.
const NAME: &[u8] = b".ostler-snapshot-";
/// How many of them.
const MOST: u32 = 64;
/// How often a file that is written to is cloned before it is left to be read where it is.
const ATTEMPTS: u32 = 3;

/// A directory for what is held still, as long as it is wanted.
#[derive(Debug)]
pub(crate) struct Snapshot {
    directory: PathBuf,
    tree: OwnedFd,
    above: Above,
    /// Nobody else removes the directory as long as this is open.
    _lock: File,
}

/// How a file is held still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It shares its blocks until one of the two is written to.
    Clone,
    /// It has another name.
    Link,
}

/// A file that is held still.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    snapshot: Arc<Snapshot>,
    number: u64,
    pub(crate) way: Way,
    /// Since when.
    pub(crate) at: Timestamp,
    /// Its extended attributes then, where what is read has none.
    pub(crate) xattrs: Option<Xattrs>,
}

impl Held {
    /// Opens it for reading; `owner` is the file's.
    pub(crate) fn open(&self, owner: u32) -> io::Result<OwnedFd> {
        open_quietly(
            self.snapshot.tree.as_fd(),
            &name(self.number),
            handle::FILE,
            owner,
        )
    }
}

fn name(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// Whether an entry of a directory is such a directory, of this or another process.
pub(crate) fn is_one(directory: impl AsFd, entry: &[u8]) -> bool {
    entry.starts_with(NAME) && {
        let marker = [entry, b"/", SCRATCH_MARKER.as_bytes()].concat();
        Stat::at(directory, &marker).is_ok_and(|stat| stat.kind == Kind::File)
    }
}

/// Removes snapshots directly in this directory that nobody uses any more. What cannot be removed stays until the next time.
/// Blocks.
pub(crate) fn clear(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else {
        return;
    };
    let ours = entries
        .flatten()
        .filter(|entry| entry.file_name().as_bytes().starts_with(NAME));
    for directory in ours.map(|entry| entry.path()) {
        let shown = directory.display();
        match lock(&directory) {
            Ok(Some(_lock)) => match scratch::remove(&directory) {
                Ok(()) => tracing::info!(directory = %shown, "what an interrupted backup left was removed"),
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(directory = %shown, error, "an old snapshot cannot be removed");
                }
            },
            // Somebody uses it.
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(directory = %shown, %error, "not known as a snapshot");
                // One that was left while it was made or removed is empty.
                let _ = fs::remove_dir(&directory);
            }
        }
    }
}

/// Locks a snapshot by its marker; `None` when somebody else has, or has removed it.
fn lock(directory: &Path) -> io::Result<Option<File>> {
    let marker = directory.join(SCRATCH_MARKER);
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(CWD, &marker, flags, Mode::empty())?);
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Whoever removed it in between had it locked, and this is of no name any more.
    let there = Stat::at(CWD, marker.as_os_str().as_bytes())
        .is_ok_and(|there| Stat::of(&file).is_ok_and(|locked| locked.same_file(&there)));
    Ok(there.then_some(file))
}

/// Whether a name cannot be used because somebody else uses it, or cleared it away before it was locked.
fn is_of_others(error: &Error, directory: &Path) -> bool {
    match error {
        Error::NotScratch { .. } => true,
        Error::Io { source, .. } => match source.kind() {
            io::ErrorKind::NotFound => true,
            io::ErrorKind::PermissionDenied => directory.exists(),
            _ => false,
        },
        _ => false,
    }
}

impl Snapshot {
    /// Makes one in this directory; `None` when all its names are in use. Blocks.
    fn make(root: &Path) -> Result<Option<Self>, Error> {
        let above = Above::open(root)?;
        for number in 1..=MOST {
            let name = [NAME, number.to_string().as_bytes()].concat();
            let directory = root.join(OsStr::from_bytes(&name));
            let wrong = |error| Error::io("lock", &directory, error);
            let lock = match scratch::make(&directory).and_then(|()| lock(&directory).map_err(wrong)) {
                Ok(Some(lock)) => lock,
                Ok(None) => continue,
                Err(error) => {
                    // Of one that could not be finished nothing stays.
                    let _ = fs::remove_dir(&directory);
                    if !is_of_others(&error, &directory) {
                        return Err(error);
                    }
                    continue;
                }
            };
            let tree = rustix::fs::openat(CWD, directory.join(SCRATCH_TREE), DIRECTORY, Mode::empty());
            return Ok(Some(Self {
                above: above.changed_by_us(),
                tree: tree.map_err(|error| Error::io("open", &directory, error))?,
                directory,
                _lock: lock,
            }));
        }
        Ok(None)
    }

    /// Clones a file; gives what it was when that was done. One that is written to all the time is an error.
    fn clone_of(
        &self,
        number: u64,
        found: &Found,
        clock: &dyn Clock,
    ) -> io::Result<(Stat, Timestamp, Xattrs)> {
        let source = open_found(found)?;
        let name = name(number);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let target = rustix::fs::openat(&self.tree, &name, flags, Mode::RUSR | Mode::WUSR)?;
        let cloned = (|| {
            for _ in 0..ATTEMPTS {
                let at = clock.now();
                let before = Stat::of(&source)?;
                if before.kind != Kind::File {
                    break;
                }
                rustix::fs::ftruncate(&target, 0)?;
                duplicate(target.as_fd(), source.as_fd())?;
                let xattrs = xattr::read(Place::Open(source.as_fd()))?;
                if Stat::of(&source)?.same_version(&before) && Stat::of(&target)?.size == before.size {
                    return Ok((before, at, xattrs));
                }
            }
            Err(io::ErrorKind::ResourceBusy.into())
        })();
        if cloned.is_err() {
            self.drop_one(&name);
        }
        cloned
    }

    /// Gives a file another name; says what it was before that.
    fn link_to(&self, number: u64, found: &Found) -> io::Result<Stat> {
        let name = name(number);
        let before = in_its_directory(found, |directory, original| {
            let before = Stat::at(directory, original)?;
            rustix::fs::linkat(directory, original, &self.tree, &name, AtFlags::empty())?;
            Ok(before)
        })?;
        match Stat::at(&self.tree, &name) {
            Ok(after) if after.same_file(&before) && after.kind == Kind::File => Ok(before),
            _ => {
                self.drop_one(&name);
                Err(io::ErrorKind::ResourceBusy.into())
            }
        }
    }

    fn drop_one(&self, name: &[u8]) {
        // What stays goes with the directory.
        let _ = rustix::fs::unlinkat(&self.tree, name, AtFlags::empty());
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let is_ours = self.above.is_ours();
        match scratch::remove(&self.directory) {
            Ok(()) if is_ours => self.above.put_back(),
            Ok(()) => {}
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(directory = %self.directory.display(), error, "the snapshot stays until the next backup");
            }
        }
    }
}

/// The directory that a snapshot is made in, which gets its time back when nobody else changed it meanwhile: a backup leaves
/// nothing behind that the next one would see.
#[derive(Debug)]
struct Above {
    directory: OwnedFd,
    before: FileTime,
    /// What its time became by us.
    ours: FileTime,
}

impl Above {
    fn open(root: &Path) -> Result<Self, Error> {
        let opened = || {
            // The path that was asked for may be a link.
            let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
            let directory = rustix::fs::openat(CWD, root, flags, Mode::empty())?;
            let before = Stat::of(&directory)?.modified;
            Ok(Self {
                directory,
                before,
                ours: before,
            })
        };
        opened().map_err(|error: io::Error| Error::io("open", root, error))
    }

    /// Once our own directory is in it.
    fn changed_by_us(mut self) -> Self {
        self.ours = Stat::of(&self.directory).map_or(self.before, |now| now.modified);
        self
    }

    fn is_ours(&self) -> bool {
        Stat::of(&self.directory).is_ok_and(|now| now.modified == self.ours)
    }

    fn put_back(&self) {
        let omit = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        };
        let times = Timestamps {
            last_access: omit,
            last_modification: Timespec {
                tv_sec: self.before.seconds,
                tv_nsec: self.before.nanoseconds.into(),
            },
        };
        // Only its owner may.
        let _ = rustix::fs::futimens(&self.directory, &times);
    }
}

/// Makes an empty file share all blocks of another.
fn duplicate(target: BorrowedFd<'_>, source: BorrowedFd<'_>) -> rustix::io::Result<()> {
    match rustix::fs::ioctl_ficlone(target, source) {
        // btrfs: a file without copies on write, as databases like it, shares blocks only with another such one.
        Err(Errno::INVAL) => {
            let (wanted, now) = (
                rustix::fs::ioctl_getflags(source)?,
                rustix::fs::ioctl_getflags(target)?,
            );
            let other = (wanted ^ now) & IFlags::NOCOW;
            if other.is_empty() {
                return Err(Errno::INVAL);
            }
            rustix::fs::ioctl_setflags(target, now ^ other)?;
            rustix::fs::ioctl_ficlone(target, source)
        }
        done => done,
    }
}

/// A file of no name in a directory.
fn nameless(directory: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, directory, flags, Mode::RUSR | Mode::WUSR)
}

/// Whether the file system of a directory makes clones. Leaves nothing there.
fn makes_clones(directory: &Path) -> bool {
    let tried = || duplicate(nameless(directory)?.as_fd(), nameless(directory)?.as_fd());
    tried().is_ok()
}
