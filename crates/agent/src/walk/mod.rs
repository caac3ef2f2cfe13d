//! Walks directories depth first in path order, by directory descriptors, with memory for the names of the
//! directories on the way down only.
//!
//! What is there is told as it is found. What vanishes between being listed and being looked at was deleted before
//! the backup and is only counted; a directory that cannot be read is a problem.

pub(crate) mod class;
pub(crate) mod frozen;
pub(crate) mod globs;
pub(crate) mod handle;
pub(crate) mod listing;
mod settle;

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, OFlags};

use crate::Error;
use crate::path::{absolute, listed, push, shown, split};
use crate::snapshot::{self, Held};
use crate::stat::{Kind, Stat};
use crate::stop::Stop;
use class::Class;
use frozen::{Frozen, Place};
use globs::Globs;
use handle::{Handle, open_directory, open_quietly};
use listing::{DIRECTORY, Lister, Names};

/// Directories on the way down that stay open; those above are opened again on the way back.
const OPEN_DEPTH: usize = 64;
/// Directories that finds may hold open beside those; further finds are opened by their path.
const OPEN_FINDS: usize = 200;

/// Something the walker came to.
#[derive(Debug)]
pub(crate) struct Found {
    /// Absolute, without the leading `/`.
    pub(crate) path: Vec<u8>,
    /// Its path in the list, where that is another.
    pub(crate) listed: Option<Vec<u8>>,
    pub(crate) stat: Stat,
    /// A directory's own descriptor, otherwise that of the directory it is in.
    pub(crate) handle: Option<Arc<Handle>>,
    /// How it may change.
    pub(crate) class: Class,
    /// Where it is read, if that is not where it was found.
    pub(crate) held: Option<Box<Held>>,
}

impl Found {
    pub(crate) fn new(
        path: Vec<u8>,
        listed: Option<Vec<u8>>,
        stat: Stat,
        handle: Option<Arc<Handle>>,
    ) -> Self {
        Self {
            path,
            listed,
            stat,
            handle,
            class: Class::default(),
            held: None,
        }
    }

    /// The same, to be opened by its path.
    pub(crate) fn without_handle(&self) -> Self {
        Self {
            class: self.class,
            held: self.held.clone(),
            ..Self::new(self.path.clone(), self.listed.clone(), self.stat, None)
        }
    }

    pub(crate) fn name(&self) -> &[u8] {
        split(&self.path).1
    }

    /// Its path in the list.
    pub(crate) fn listed(&self) -> &[u8] {
        self.listed.as_deref().unwrap_or(&self.path)
    }
}

/// Who is told what the walker comes to.
pub(crate) trait Visit {
    fn found(&mut self, found: Found) -> Result<(), Error>;
    fn problem(&mut self, path: &[u8], reason: String);
}

/// What to walk, and what not.
#[derive(Debug)]
pub(crate) struct Walker<'a> {
    exclude: &'a Globs,
    /// Device and inode of directories that are always left out.
    left_out: HashSet<(u64, u64)>,
    one_file_system: bool,
    frozen: Option<&'a Frozen>,
    stop: &'a Stop,
    open: Arc<AtomicUsize>,
    /// Entries that were gone when they were looked at.
    pub(crate) vanished: u64,
}

struct Frame {
    names: Names,
    next: usize,
    handle: Option<Arc<Handle>>,
    stat: Stat,
    length: usize,
}

impl<'a> Walker<'a> {
    pub(crate) fn new(
        exclude: &'a Globs,
        left_out: &[PathBuf],
        one_file_system: bool,
        stop: &'a Stop,
    ) -> Self {
        Self {
            exclude,
            left_out: left_out
                .iter()
                .filter_map(|path| listed(path))
                .filter_map(|path| Stat::followed(CWD, &with_slash(&path)).ok())
                .map(|stat| (stat.device, stat.inode))
                .collect(),
            one_file_system,
            frozen: None,
            stop,
            open: Arc::default(),
            vanished: 0,
        }
    }

    /// Takes only this snapshot.
    pub(crate) fn frozen(self, frozen: Option<&'a Frozen>) -> Self {
        Self { frozen, ..self }
    }

    /// Looks at a path that was asked for. A link to a directory is followed, for it is the directory that is meant.
    pub(crate) fn root(path: &[u8]) -> Result<Stat, Error> {
        let place = absolute(path);
        let look = || -> io::Result<Stat> {
            let stat = Stat::at(CWD, &with_slash(path))?;
            if stat.kind == Kind::Symlink
                && let Ok(there) = Stat::followed(CWD, &with_slash(path))
                && there.kind == Kind::Directory
            {
                return Ok(there);
            }
            Ok(stat)
        };
        look().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::Missing {
                path: shown(&with_slash(path)),
            },
            _ => Error::io("look at", &place, source),
        })
    }

    /// Walks one path that was asked for; `path` is listed (absolute, without the leading `/`).
    pub(crate) fn walk(&mut self, path: &[u8], visit: &mut dyn Visit) -> Result<(), Error> {
        let stat = Self::root(path)?;
        if stat.kind != Kind::Directory {
            let parent = open_directory(split(path).0, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC);
            let handle = parent.ok().map(|fd| Handle::new(fd, &self.open));
            return visit.found(Found::new(path.to_vec(), None, stat, handle));
        }
        // Followed on purpose, see `root`.
        let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
        match open_directory(path, flags) {
            Ok(fd) => {
                let handle = Handle::new(fd, &self.open);
                let stat = Stat::of(&*handle).unwrap_or(stat);
                self.tree(handle, stat, path, visit)
            }
            Err(source) => {
                visit.problem(path, format!("cannot open the directory: {source}"));
                visit.found(Found::new(path.to_vec(), None, stat, None))
            }
        }
    }

    /// Walks the tree below an open directory, that directory itself first. `prefix` is where it is, listed.
    pub(crate) fn tree(
        &mut self,
        top: Arc<Handle>,
        stat: Stat,
        prefix: &[u8],
        visit: &mut dyn Visit,
    ) -> Result<(), Error> {
        let mut path = prefix.to_vec();
        let mut lister = Lister::new();
        let mut frames = Vec::new();
        visit.found(Found::new(path.clone(), None, stat, Some(Arc::clone(&top))))?;
        self.enter(&mut frames, &mut lister, (top, stat), &path, false, visit)?;
        let mut steps = 0_u32;
        while let Some(depth) = frames.len().checked_sub(1) {
            steps = steps.wrapping_add(1);
            if steps.is_multiple_of(128) {
                self.stop.check()?;
            }
            let frame: &mut Frame = &mut frames[depth];
            path.truncate(frame.length);
            if frame.next == frame.names.len() {
                frames.pop();
                continue;
            }
            let directory = match &frame.handle {
                Some(handle) => Arc::clone(handle),
                None => match self.reopen(&path, &frame.stat) {
                    Ok(handle) => Arc::clone(frame.handle.insert(handle)),
                    Err(reason) => {
                        visit.problem(&path, reason);
                        frames.pop();
                        continue;
                    }
                },
            };
            let index = frame.next;
            frame.next += 1;
            let device = frame.stat.device;
            push(&mut path, frame.names.get(index));
            let name = frame.names.get(index);
            let stat = match Stat::at(&*directory, name) {
                Ok(stat) => stat,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.vanished += 1;
                    tracing::debug!(path = shown(&path), "vanished before it was looked at");
                    continue;
                }
                Err(error) => {
                    visit.problem(&path, format!("cannot look at it: {error}"));
                    continue;
                }
            };
            let is_directory = stat.kind == Kind::Directory;
            if !self.exclude.is_empty() && self.exclude.matches(&with_slash(&path), name, is_directory) {
                continue;
            }
            let below = path.get(prefix.len() + 1..).unwrap_or_default();
            let place = self
                .frozen
                .map_or(Place::Taken, |frozen| frozen.place(below, is_directory));
            if place == Place::Beside {
                continue;
            }
            let listed = self.frozen.map(|frozen| frozen.listed(&path, prefix.len()));
            if !is_directory {
                let few = self.open.load(Ordering::Relaxed) < OPEN_FINDS + OPEN_DEPTH;
                visit.found(Found::new(path.clone(), listed, stat, few.then_some(directory)))?;
                continue;
            }
            if self.left_out.contains(&(stat.device, stat.inode)) || snapshot::is_one(&*directory, name) {
                continue;
            }
            if self.one_file_system && stat.device != device {
                visit.found(Found::new(path.clone(), listed, stat, None))?;
                continue;
            }
            match open_quietly(directory.as_fd(), name, DIRECTORY, stat.uid) {
                Ok(fd) => {
                    let handle = Handle::new(fd, &self.open);
                    if let Some(above) = frames.len().checked_sub(OPEN_DEPTH) {
                        frames[above].handle = None;
                    }
                    if place == Place::Taken {
                        // Looked at before it is listed: what appears in between changes its time, and is seen the next time.
                        visit.found(Found::new(path.clone(), listed, stat, Some(Arc::clone(&handle))))?;
                    }
                    let grows = self.frozen.is_some_and(|frozen| frozen.grows(below));
                    self.enter(&mut frames, &mut lister, (handle, stat), &path, grows, visit)?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.vanished += 1,
                Err(error) => {
                    visit.problem(&path, format!("cannot open the directory: {error}"));
                    visit.found(Found::new(path.clone(), listed, stat, None))?;
                }
            }
        }
        Ok(())
    }

    fn enter(
        &mut self,
        frames: &mut Vec<Frame>,
        lister: &mut Lister,
        (handle, stat): (Arc<Handle>, Stat),
        path: &[u8],
        grows: bool,
        visit: &mut dyn Visit,
    ) -> Result<(), Error> {
        self.stop.check()?;
        if grows {
            settle::wait(&handle, path, self.stop)?;
        }
        let names = match lister.names(&*handle) {
            Ok(names) => names,
            Err(error) => {
                visit.problem(path, format!("cannot list the directory: {error}"));
                Names::default()
            }
        };
        frames.push(Frame {
            names,
            next: 0,
            handle: Some(handle),
            stat,
            length: path.len(),
        });
        Ok(())
    }

    fn reopen(&self, path: &[u8], before: &Stat) -> Result<Arc<Handle>, String> {
        let fd = open_directory(path, DIRECTORY.difference(OFlags::NOFOLLOW))
            .map_err(|error| format!("cannot open the directory again: {error}"))?;
        match Stat::of(&fd) {
            Ok(now) if now.same_file(before) => Ok(Handle::new(fd, &self.open)),
            _ => Err("the directory was moved while it was read".to_owned()),
        }
    }
}

/// A listed path with its leading `/`.
pub(crate) fn with_slash(path: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(path.len() + 1);
    bytes.push(b'/');
    bytes.extend_from_slice(path);
    bytes
}

/// Opens what was found, for reading: what holds it still, or below its directory where that is still open, otherwise by its path.
pub(crate) fn open_found(found: &Found) -> io::Result<OwnedFd> {
    if let Some(held) = &found.held {
        return held.open(found.stat.uid);
    }
    let (parent, name) = split(&found.path);
    match &found.handle {
        Some(handle) => open_quietly(handle.as_fd(), name, handle::FILE, found.stat.uid),
        None => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let directory = open_directory(parent, flags)?;
            open_quietly(directory.as_fd(), name, handle::FILE, found.stat.uid)
        }
    }
}

/// Does something to what was found by its name in its directory.
pub(crate) fn in_its_directory<T>(
    found: &Found,
    work: impl FnOnce(BorrowedFd<'_>, &[u8]) -> io::Result<T>,
) -> io::Result<T> {
    match &found.handle {
        Some(handle) => work(handle.as_fd(), found.name()),
        None => work(open_parent(found)?.as_fd(), found.name()),
    }
}

/// Opens the directory that something found is in, only to name entries of it.
pub(crate) fn open_parent(found: &Found) -> io::Result<OwnedFd> {
    open_directory(
        split(&found.path).0,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
    )
}

#[cfg(test)]
mod tests;
