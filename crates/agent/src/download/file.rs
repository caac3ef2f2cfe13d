//! One file of the target: made without a name or under one of ours, written, given its metadata, and then its name.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use ostler_api::request::Overwrite;
use ostler_vault::list::Extent;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Advice, AtFlags, CWD, FallocateFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::confine::LastDirectory;
use super::direct::{self, Aligned};
use super::task::Task;
use super::write::Target;
use crate::metadata::{self, Subject, There, xattr};
use crate::stat::Stat;
use crate::upload::content::is_zero;

/// Files from this size on are written to the disk as soon as they are complete, in bytes.
const WRITE_BEHIND: u64 = 1 << 20;
/// Files that may be open between two of their chunks.
const OPEN: usize = 300;

/// A file that does not have its final name yet.
#[derive(Debug, Default)]
pub(crate) struct Temporary {
    /// A name of ours; files of at most one chunk have none where the file system can do without.
    name: Option<Vec<u8>>,
    /// Open while there are not too many.
    fd: Option<Arc<OwnedFd>>,
    /// Whether it is written past the page cache.
    direct: bool,
    /// The mode that a file without a name was made with.
    asked: Option<u32>,
}

/// What one worker keeps from file to file.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    directory: LastDirectory,
}

/// A verified chunk.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bytes<'a> {
    Plain(&'a [u8]),
    Aligned(&'a Aligned),
}

impl Target<'_> {
    /// The open file of a task, made when there is none yet.
    fn opened(
        &self,
        task: &Task,
        file: &mut Temporary,
        directory: &mut LastDirectory,
    ) -> io::Result<Arc<OwnedFd>> {
        if let Some(fd) = &file.fd {
            return Ok(Arc::clone(fd));
        }
        let parent = directory.get(self.bases, task.place.base, task.parent())?;
        let fd = match &file.name {
            Some(name) => open_with(file.direct, |flags| {
                rustix::fs::openat(parent, &name[..], flags, Mode::empty())
            })?,
            None => {
                let fd = self.make(task, file, parent)?;
                make_room(task, file, fd.as_fd())?;
                fd
            }
        };
        let fd = Arc::new(fd);
        self.open.fetch_add(1, Ordering::Relaxed);
        file.fd = Some(Arc::clone(&fd));
        Ok(fd)
    }

    /// Makes it: without a name where it is written in one go, so that nothing has to be renamed or cleaned up.
    fn make(&self, task: &Task, file: &mut Temporary, parent: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        file.direct = task.direct;
        if !task.replaces && task.chunks() <= 1 && self.can_be_nameless(parent) {
            // Nobody can open it before it has its owner, so that it may have its mode at once.
            let asked = task.entry.metadata.mode & 0o777;
            let made = open_with(file.direct, |flags| {
                rustix::fs::openat(parent, ".", flags | OFlags::TMPFILE, Mode::from_raw_mode(asked))
            });
            // Another file system below the base may not be able to.
            if let Ok(fd) = made {
                file.asked = Some(asked);
                return Ok(fd);
            }
        }
        let (name, fd) = self.temporary(|name| {
            open_with(file.direct, |flags| {
                let flags = flags | OFlags::CREATE | OFlags::EXCL;
                rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR)
            })
        })?;
        file.name = Some(name);
        Ok(fd)
    }

    /// Whether files can be made without a name and get one later; tried once.
    fn can_be_nameless(&self, directory: BorrowedFd<'_>) -> bool {
        *self.nameless.get_or_init(|| {
            let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
            let trial = || -> io::Result<()> {
                let fd = rustix::fs::openat(directory, ".", flags, Mode::RUSR | Mode::WUSR)?;
                let (name, ()) = self.temporary(|name| link(fd.as_fd(), directory, name))?;
                Ok(rustix::fs::unlinkat(directory, &name[..], AtFlags::empty())?)
            };
            trial().is_ok()
        })
    }

    /// Makes something under a name that nothing has.
    pub(crate) fn temporary<T>(
        &self,
        make: impl Fn(&[u8]) -> rustix::io::Result<T>,
    ) -> io::Result<(Vec<u8>, T)> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}{number}", self.prefix).into_bytes();
            match make(&name) {
                Ok(made) => return Ok((name, made)),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes one chunk, and completes the file after the last.
    pub(super) fn put(&self, task: &Task, at: u64, bytes: Bytes<'_>, tools: &mut Tools) {
        self.try_on(task, || self.write(task, at, bytes, tools));
        self.one_less(task, tools);
    }

    /// One chunk is written, or cannot be.
    pub(super) fn one_less(&self, task: &Task, tools: &mut Tools) {
        if task.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.finish(task, tools);
        }
    }

    fn write(&self, task: &Task, at: u64, bytes: Bytes<'_>, tools: &mut Tools) -> io::Result<()> {
        let (fd, direct) = {
            let mut file = task.file.lock().unwrap_or_else(PoisonError::into_inner);
            let fd = self.opened(task, &mut file, &mut tools.directory)?;
            (fd, file.direct)
        };
        let data = match bytes {
            Bytes::Plain(data) => data,
            Bytes::Aligned(data) => data.data(),
        };
        match bytes {
            Bytes::Aligned(data) if direct => data.write(fd.as_fd(), at)?,
            _ if task.is_sparse() => write_data(fd.as_fd(), data, at)?,
            _ => write_all(fd.as_fd(), data, at)?,
        }
        self.progress.add_done(data.len() as u64);
        drop(fd);
        if self.open.load(Ordering::Relaxed) > OPEN && task.left.load(Ordering::Relaxed) > 1 {
            self.close(&mut task.file.lock().unwrap_or_else(PoisonError::into_inner));
        }
        Ok(())
    }

    fn close(&self, file: &mut Temporary) {
        if file.fd.take().is_some() {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// All chunks are written, or one could not be.
    pub(super) fn finish(&self, task: &Task, tools: &mut Tools) {
        let directory = &mut tools.directory;
        self.try_on(task, || self.complete(task, directory));
        let mut file = task.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.close(&mut file);
        if task.failed.load(Ordering::Relaxed)
            && let Some(name) = file.name.take()
            && let Ok(parent) = directory.get(self.bases, task.place.base, task.parent())
        {
            let _ = rustix::fs::unlinkat(parent, &name[..], AtFlags::empty());
        }
    }

    fn complete(&self, task: &Task, directory: &mut LastDirectory) -> io::Result<()> {
        let mut file = task.file.lock().unwrap_or_else(PoisonError::into_inner);
        let fd = self.opened(task, &mut file, directory)?;
        if !task.is_sparse() {
            fill(fd.as_fd(), task)?;
        }
        if file.direct {
            if direct::ends_padded(task.size()) {
                rustix::fs::ftruncate(&fd, task.size())?;
            }
        } else if task.size() >= WRITE_BEHIND {
            // The disk begins to write now, so that the sync at the end has little left to wait for. Nobody reads these
            // pages soon. That it is only advice does not matter.
            let _ = rustix::fs::fadvise(&fd, 0, None, Advice::DontNeed);
        } else {
            self.write_back.file(task.size());
        }
        let there = there(&file, fd.as_fd(), directory);
        if let Err(reason) = metadata::restore(
            Subject::Open(fd.as_fd()),
            &task.entry.metadata,
            there,
            &self.omitted,
        ) {
            self.problems.add(&task.entry.path, reason);
        }
        let parent = directory.get(self.bases, task.place.base, task.parent())?;
        if file.name.is_none() {
            match link(fd.as_fd(), parent, task.name()) {
                Err(Errno::EXIST) if self.overwrite != Overwrite::Never => {
                    // A link replaces nothing, a rename does.
                    let (name, ()) = self.temporary(|name| link(fd.as_fd(), parent, name))?;
                    file.name = Some(name);
                }
                linked => linked?,
            }
        }
        drop(fd);
        self.close(&mut file);
        if let Some(name) = &file.name {
            self.rename(parent, name, task.name())?;
            file.name = None;
        }
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(task.size(), Ordering::Relaxed);
        self.progress.add_item();
        Ok(())
    }

    /// Gives something complete its final name.
    pub(crate) fn rename(&self, parent: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> io::Result<()> {
        if self.overwrite == Overwrite::Never {
            // What was not there when we looked must not be replaced either.
            match rustix::fs::renameat_with(parent, from, parent, to, RenameFlags::NOREPLACE) {
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
                other => return Ok(other?),
            }
        }
        match rustix::fs::renameat(parent, from, parent, to) {
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                rustix::fs::unlinkat(parent, to, AtFlags::REMOVEDIR).map_err(|error| match error {
                    Errno::NOTEMPTY | Errno::EXIST => io::Error::other(
                        "a directory with something in it is in its place: move it away and restore again",
                    ),
                    error => error.into(),
                })?;
                Ok(rustix::fs::renameat(parent, from, parent, to)?)
            }
            other => Ok(other?),
        }
    }
}

/// Opens for writing, past the page cache where that is wanted and can be.
fn open_with<T>(direct: bool, open: impl Fn(OFlags) -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if direct {
        match open(flags | OFlags::DIRECT) {
            Err(Errno::INVAL) => {}
            other => return other,
        }
    }
    open(flags)
}

/// Gives a new file its size, unless the one write that it gets does.
fn make_room(task: &Task, file: &Temporary, fd: BorrowedFd<'_>) -> io::Result<()> {
    if file.direct && task.size() > 0 {
        match rustix::fs::fallocate(fd, FallocateFlags::empty(), 0, task.size()) {
            Ok(()) => return Ok(()),
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let one_write = task.content().len() == 1 && task.chunks() == 1;
    if task.size() > 0 && (!one_write || task.is_sparse()) {
        rustix::fs::ftruncate(fd, task.size())?;
    }
    Ok(())
}

/// Gives a file that has no name a name that nothing has.
fn link(fd: BorrowedFd<'_>, parent: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
    let this = format!("/proc/self/fd/{}", fd.as_raw_fd());
    rustix::fs::linkat(CWD, this, parent, name, AtFlags::SYMLINK_FOLLOW)
}

/// What the file is as it was made. Looking is cheaper than setting what is right already, and knowing from the last
/// one that was made in this way is cheaper than looking.
fn there(file: &Temporary, fd: BorrowedFd<'_>, directory: &mut LastDirectory) -> Option<There> {
    if let Some((asked, there)) = directory.fresh
        && file.asked == Some(asked)
    {
        return Some(there);
    }
    let mut there = There::from(&Stat::of(fd).ok()?);
    if let Some(asked) = file.asked {
        there.bare = xattr::read(xattr::Place::Open(fd)).is_ok_and(|xattrs| xattrs.is_empty());
        directory.fresh = Some((asked, there));
    }
    Some(there)
}

pub(super) fn write_all(fd: BorrowedFd<'_>, mut data: &[u8], mut at: u64) -> io::Result<()> {
    while !data.is_empty() {
        match rustix::io::pwrite(fd, data, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                data = &data[written..];
                at += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes all but pages of zeros, which stay holes.
fn write_data(fd: BorrowedFd<'_>, data: &[u8], at: u64) -> io::Result<()> {
    const PAGE: usize = 4096;
    let mut start = 0;
    while start < data.len() {
        let page = |from: usize| &data[from..data.len().min(from + PAGE)];
        if is_zero(page(start)) {
            start += PAGE;
            continue;
        }
        let mut end = start + PAGE;
        while end < data.len() && !is_zero(page(end)) {
            end += PAGE;
        }
        write_all(fd, &data[start..end.min(data.len())], at + start as u64)?;
        start = end;
    }
    Ok(())
}

/// Allocates what is zeros in a file that had no holes.
fn fill(fd: BorrowedFd<'_>, task: &Task) -> io::Result<()> {
    let mut at = 0;
    for extent in task.content() {
        match *extent {
            Extent::Chunk { length, .. } => at += u64::from(length),
            Extent::Zeros { length } => {
                match rustix::fs::fallocate(fd, FallocateFlags::empty(), at, length) {
                    // Where it cannot be allocated it stays a hole: the content is the same.
                    Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
                    Err(error) => return Err(error.into()),
                }
                at += length;
            }
        }
    }
    Ok(())
}
