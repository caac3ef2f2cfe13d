//! Opens what is below a base directory, and never anything else: no link on the way is followed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::metadata::There;

/// A directory that everything stays below.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) fd: OwnedFd,
    pub(crate) path: PathBuf,
}

const NAMING: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Base {
    /// Opens it; `None` where there is none. Links that lead to it are the user's own.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        match rustix::fs::openat(CWD, path, NAMING, Mode::empty()) {
            Ok(fd) => Ok(Some(Self {
                fd,
                path: path.to_owned(),
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens it and makes it, with what leads to it, where there is none.
    pub(crate) fn make(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Self::open(path)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Opens a directory below it only to name entries of it.
    pub(crate) fn directory(&self, relative: &[u8]) -> io::Result<OwnedFd> {
        open(self.fd.as_fd(), relative, NAMING)
    }

    /// Opens a directory below it to list it or to set attributes.
    pub(crate) fn readable(&self, relative: &[u8]) -> io::Result<OwnedFd> {
        open(
            self.fd.as_fd(),
            relative,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        )
    }
}

/// Opens a directory below another. A link on the way is an error ([`Errno::LOOP`] or [`Errno::NOTDIR`]).
fn open(base: BorrowedFd<'_>, relative: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::NOFOLLOW;
    if relative.is_empty() {
        return Ok(rustix::fs::openat(base, ".", flags, Mode::empty())?);
    }
    if relative.len() < 4000 {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(base, relative, flags, Mode::empty(), resolve) {
            // Older kernels and sandboxes: step by step instead.
            Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => {}
            other => return Ok(other?),
        }
    }
    let mut at: Option<OwnedFd> = None;
    let mut parts = relative.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        if matches!(part, b"" | b"." | b"..") {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let flags = if parts.peek().is_some() {
            NAMING | OFlags::NOFOLLOW
        } else {
            flags
        };
        let from = at.as_ref().map_or(base, AsFd::as_fd);
        at = Some(rustix::fs::openat(from, part, flags, Mode::empty())?);
    }
    at.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Remembers the directory it opened last: entries come in path order, so nearly all ask for the same one again.
#[derive(Debug, Default)]
pub(crate) struct LastDirectory {
    last: Option<(usize, Vec<u8>, OwnedFd)>,
    /// What a new file is that was made in it with this mode. All that are made alike there are alike: only the first
    /// has to be looked at.
    pub(crate) fresh: Option<(u32, There)>,
}

impl LastDirectory {
    pub(crate) fn get(&mut self, bases: &[Base], base: usize, path: &[u8]) -> io::Result<BorrowedFd<'_>> {
        let same = matches!(&self.last, Some((of, at, _)) if *of == base && at == path);
        if !same {
            (self.last, self.fresh) = (None, None);
            let fd = bases[base].directory(path)?;
            self.last = Some((base, path.to_vec(), fd));
        }
        match &self.last {
            Some((_, _, fd)) => Ok(fd.as_fd()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Base, open};
    use rustix::fd::AsFd;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_link_leads_out_of_the_base() {
        let directory = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("a/b")).unwrap();
        symlink(outside.path(), directory.path().join("out")).unwrap();
        symlink("a", directory.path().join("in")).unwrap();
        let base = Base::open(directory.path()).unwrap().unwrap();
        assert!(base.directory(b"a/b").is_ok());
        assert!(base.directory(b"").is_ok());
        for path in [&b"out"[..], b"in", b"in/b", b"a/../..", b"..", b"/", b"/etc"] {
            assert!(base.directory(path).is_err(), "{}", crate::path::shown(path));
        }
        let _ = open(base.fd.as_fd(), b"a", super::NAMING).unwrap();
    }

    #[test]
    fn a_path_too_long_for_one_call_is_opened_step_by_step() {
        let directory = tempfile::tempdir().unwrap();
        let base = Base::open(directory.path()).unwrap().unwrap();
        let name = vec![b'd'; 200];
        let mut path = Vec::new();
        for _ in 0..30 {
            let parent = base.directory(&path).unwrap();
            rustix::fs::mkdirat(&parent, &name[..], 0o700.into()).unwrap();
            crate::path::push(&mut path, &name);
        }
        assert!(path.len() > 4096);
        assert!(base.readable(&path).is_ok());
        // `tempfile` cannot remove what it cannot name.
        let mut at = path.clone();
        while !at.is_empty() {
            let (parent, name) = crate::path::split(&at);
            let fd = base.directory(parent).unwrap();
            rustix::fs::unlinkat(&fd, name, rustix::fs::AtFlags::REMOVEDIR).unwrap();
            at = parent.to_vec();
        }
    }
}
