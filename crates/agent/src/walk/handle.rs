//! Open directories that are shared between the walker and whoever reads their files, and how files are opened.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::path::absolute;
use crate::walk::listing::DIRECTORY;

/// An open directory; counted, because a process may have only so many.
#[derive(Debug)]
pub(crate) struct Handle {
    fd: OwnedFd,
    open: Arc<AtomicUsize>,
}

impl Handle {
    pub(crate) fn new(fd: OwnedFd, open: &Arc<AtomicUsize>) -> Arc<Self> {
        open.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self {
            fd,
            open: Arc::clone(open),
        })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Opens without touching the access time where that is permitted: for the owner and for root.
pub(crate) fn open_quietly(
    directory: BorrowedFd<'_>,
    name: &[u8],
    flags: OFlags,
    owner: u32,
) -> io::Result<OwnedFd> {
    let user = crate::metadata::user();
    if user == 0 || user == owner {
        match rustix::fs::openat(directory, name, flags | OFlags::NOATIME, Mode::empty()) {
            Err(Errno::PERM) => {}
            other => return Ok(other?),
        }
    }
    Ok(rustix::fs::openat(directory, name, flags, Mode::empty())?)
}

/// How regular files are opened: a link or a FIFO that took a file's place must neither be followed nor block.
pub(crate) const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Opens a directory by its absolute path, also one that is too long for one system call.
pub(crate) fn open_directory(listed: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    if listed.len() < 4000 {
        let path = absolute(listed);
        return Ok(rustix::fs::openat(CWD, &path, flags, Mode::empty())?);
    }
    let mut fd = rustix::fs::openat(CWD, "/", DIRECTORY, Mode::empty())?;
    for part in listed.split(|byte| *byte == b'/') {
        fd = rustix::fs::openat(&fd, part, flags, Mode::empty())?;
    }
    Ok(fd)
}
