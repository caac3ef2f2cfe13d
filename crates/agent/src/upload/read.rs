//! Turns what the walker found into entries: opens, reads, and makes sure that what was read is one version.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use ostler_vault::list::{Entry, EntryKind, Extent};
use ostler_vocabulary::{Clock, Timestamp};
use rustix::fd::{AsFd, BorrowedFd};

use super::content::{Chunker, ReadError};
use super::racy::is_racy;
use super::work::{Item, LargeFile, Opened, Outcome};
use crate::Error;
use crate::metadata;
use crate::metadata::names::Names;
use crate::metadata::xattr::{self, Place};
use crate::problems::Problems;
use crate::stat::{Kind, Stat};
use crate::walk::{Found, open_found, open_parent};

/// How often a file is read before what was read is taken as it is.
const ATTEMPTS: usize = 3;

/// What every worker needs.
#[derive(Debug)]
pub(crate) struct Shared<'a> {
    pub(crate) names: Names,
    pub(crate) problems: &'a Problems,
    pub(crate) clock: &'a dyn Clock,
    /// Counts files whose content was opened; for reports and tests.
    pub(crate) opened: std::sync::atomic::AtomicU64,
}

/// One worker.
#[derive(Debug)]
pub(crate) struct Worker<'a> {
    pub(crate) shared: &'a Shared<'a>,
    pub(crate) chunker: Chunker<'a>,
}

/// A file as it was read.
struct Content {
    stat: Stat,
    extents: Vec<Extent>,
    size: u64,
    /// Whether every attempt met a change.
    torn: bool,
    opened: Timestamp,
}

impl Worker<'_> {
    pub(crate) fn batch(&mut self, items: Vec<Item>) -> Result<Vec<Outcome>, Error> {
        let mut outcomes = Vec::with_capacity(items.len());
        // One reading of the clock for all: earlier than the opening only makes more files racy, never fewer.
        let now = self.shared.clock.now();
        for item in items {
            match item {
                Item::Ready(entry) => outcomes.push(Outcome::Entry {
                    entry,
                    changed: false,
                }),
                Item::Link(found) => outcomes.push(Outcome::Link(found)),
                Item::Read(found, before) if found.stat.kind == Kind::File => {
                    outcomes.extend(self.file(found, before.as_deref(), now)?);
                }
                Item::Read(found, _) => outcomes.extend(self.other(found)),
            }
        }
        Ok(outcomes)
    }

    /// Anything but a regular file.
    fn other(&mut self, found: Found) -> Option<Outcome> {
        let stat = found.stat;
        let mut parent = None;
        let result = (|| -> io::Result<(EntryKind, xattr::Xattrs)> {
            let name = found.name();
            // A directory's handle is its own; everything else is looked at from the directory it is in.
            let place = match (&found.handle, stat.kind) {
                (Some(handle), Kind::Directory) => Place::Open(handle.as_fd()),
                (Some(handle), _) => Place::Entry(handle.as_fd(), name),
                (None, _) => {
                    let parent = parent.insert(open_parent(&found)?);
                    Place::Entry((*parent).as_fd(), name)
                }
            };
            let (major, minor) = (stat.major, stat.minor);
            let kind = match stat.kind {
                Kind::Directory => EntryKind::Directory,
                Kind::Symlink => {
                    let (Place::Open(directory) | Place::Entry(directory, _)) = place;
                    let target = rustix::fs::readlinkat(directory, name, Vec::new())?;
                    EntryKind::Symlink {
                        target: target.into_bytes(),
                    }
                }
                Kind::Fifo => EntryKind::Fifo,
                Kind::CharDevice => EntryKind::CharDevice { major, minor },
                Kind::BlockDevice => EntryKind::BlockDevice { major, minor },
                Kind::Socket | Kind::File => EntryKind::Socket,
            };
            // An unreadable directory that was asked for itself has no place to look from.
            let xattrs = if name.is_empty() && found.handle.is_none() {
                Vec::new()
            } else {
                self.attributes(place, &found.path)?
            };
            Ok((kind, xattrs))
        })();
        match result {
            Ok((kind, xattrs)) => Some(Outcome::Entry {
                entry: Entry {
                    metadata: metadata::of(&stat, xattrs, &self.shared.names),
                    path: found.path,
                    kind,
                },
                changed: false,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::debug!(
                    path = crate::path::shown(&found.path),
                    "vanished before it was read"
                );
                None
            }
            Err(error) => {
                self.shared
                    .problems
                    .add(&found.path, format!("cannot read it: {error}"));
                None
            }
        }
    }

    /// The extended attributes of something that is not opened. Only what is gone itself counts as vanished: they are
    /// reached through `/proc`, which may be missing.
    fn attributes(&self, place: Place<'_>, path: &[u8]) -> io::Result<xattr::Xattrs> {
        match xattr::read(place) {
            Ok(xattrs) => Ok(xattrs),
            Err(error) => {
                if let Place::Entry(directory, name) = place {
                    Stat::at(directory, name)?;
                }
                self.shared
                    .problems
                    .add(path, format!("cannot read its extended attributes: {error}"));
                Ok(Vec::new())
            }
        }
    }

    /// A regular file of at most one chunk.
    fn file(
        &mut self,
        found: Found,
        before: Option<&[Extent]>,
        now: Timestamp,
    ) -> Result<Option<Outcome>, Error> {
        let fd = match open_found(&found) {
            Ok(fd) => fd,
            Err(error) => {
                self.cannot_open(&found, &error);
                return Ok(None);
            }
        };
        self.shared.opened.fetch_add(1, Ordering::Relaxed);
        let size = usize::try_from(found.stat.size).unwrap_or(usize::MAX);
        // The usual case: it still is what the walker saw, after the reading too; no look before it is needed.
        if size <= self.chunker.chunk {
            match self.chunker.small(fd.as_fd(), size) {
                Ok(Some(extents)) => match Stat::of(&fd) {
                    Ok(stat) if stat.same_version(&found.stat) => {
                        let content = Content {
                            stat,
                            extents,
                            size: stat.size,
                            torn: false,
                            opened: now,
                        };
                        return Ok(self.entry(found, fd.as_fd(), content, before));
                    }
                    _ => {}
                },
                Ok(None) | Err(ReadError::File(_)) => {}
                Err(ReadError::Request(error)) => return Err(error),
            }
        }
        self.settled(found, fd.as_fd(), before)
    }

    /// Reads a file until it holds still, at most [`ATTEMPTS`] times.
    fn settled(
        &mut self,
        found: Found,
        fd: BorrowedFd<'_>,
        before: Option<&[Extent]>,
    ) -> Result<Option<Outcome>, Error> {
        match self.whole(fd) {
            Ok(content) if content.stat.kind == Kind::File => Ok(self.entry(found, fd, content, before)),
            Ok(_) => {
                self.shared
                    .problems
                    .add(&found.path, "became something else than a file while it was read");
                Ok(None)
            }
            Err(ReadError::File(error)) => {
                self.shared
                    .problems
                    .add(&found.path, format!("cannot read it: {error}"));
                Ok(None)
            }
            Err(ReadError::Request(error)) => Err(error),
        }
    }

    fn whole(&mut self, fd: BorrowedFd<'_>) -> Result<Content, ReadError> {
        let mut attempt = 1;
        loop {
            let opened = self.shared.clock.now();
            let stat = Stat::of(fd).map_err(ReadError::File)?;
            let mut extents = Vec::new();
            let mut size = 0;
            if stat.kind == Kind::File {
                size = self
                    .chunker
                    .range(fd, 0, stat.size, stat.is_sparse(), &mut extents)?;
            }
            let after = Stat::of(fd).map_err(ReadError::File)?;
            let torn = is_torn(&stat, &after, size);
            if !torn || attempt == ATTEMPTS || stat.kind != Kind::File {
                return Ok(Content {
                    stat,
                    extents,
                    size,
                    torn,
                    opened,
                });
            }
            attempt += 1;
        }
    }

    fn cannot_open(&self, found: &Found, error: &io::Error) {
        if error.kind() == io::ErrorKind::NotFound {
            // Deleted before anything of it was read: as if it had been deleted before the backup.
            tracing::debug!(
                path = crate::path::shown(&found.path),
                "vanished before it was opened"
            );
            return;
        }
        self.shared
            .problems
            .add(&found.path, format!("cannot open it: {error}"));
    }

    fn entry(
        &self,
        found: Found,
        fd: BorrowedFd<'_>,
        content: Content,
        before: Option<&[Extent]>,
    ) -> Option<Outcome> {
        let problems = self.shared.problems;
        if content.torn {
            problems.add(&found.path, "changed while it was read");
        }
        let xattrs = match xattr::read(Place::Open(fd)) {
            Ok(xattrs) => xattrs,
            Err(error) => {
                problems.add(
                    &found.path,
                    format!("cannot read its extended attributes: {error}"),
                );
                Vec::new()
            }
        };
        let stat = content.stat;
        let racy = content.torn || is_racy(stat.modified, stat.changed, content.opened);
        Some(Outcome::Entry {
            changed: before != Some(&content.extents[..]),
            entry: Entry {
                path: found.path,
                metadata: metadata::of(&stat, xattrs, &self.shared.names),
                kind: EntryKind::File {
                    size: content.size,
                    content: content.extents,
                    sparse: stat.is_sparse(),
                    racy,
                },
            },
        })
    }

    /// One piece of a large file. Whoever reads the last one puts the file together.
    pub(crate) fn piece(&mut self, file: &Arc<LargeFile>, index: usize) -> Result<(), Error> {
        let opened = file.opened.get_or_init(|| {
            let at = self.shared.clock.now();
            match open_found(&file.found).and_then(|fd| Ok((Stat::of(&fd)?, fd))) {
                Ok((before, fd)) => {
                    self.shared.opened.fetch_add(1, Ordering::Relaxed);
                    let _ = rustix::fs::fadvise(&fd, 0, None, rustix::fs::Advice::Sequential);
                    Some(Opened { fd, before, at })
                }
                Err(error) => {
                    self.cannot_open(&file.found, &error);
                    None
                }
            }
        });
        let mut extents = Vec::new();
        let mut failed = None;
        if let Some(opened) = opened {
            let start = file.piece * index as u64;
            // The last piece also takes what was added between the walker and the opening.
            let end = if index + 1 == file.pieces {
                opened.before.size
            } else {
                opened.before.size.min(start + file.piece)
            };
            if start < end && opened.before.kind == Kind::File {
                let sparse = opened.before.is_sparse();
                match self
                    .chunker
                    .range(opened.fd.as_fd(), start, end, sparse, &mut extents)
                {
                    Ok(_) => {}
                    Err(ReadError::Request(error)) => return Err(error),
                    Err(ReadError::File(error)) => failed = Some(error),
                }
            }
        }
        if let Some(error) = &failed {
            self.shared
                .problems
                .add(&file.found.path, format!("cannot read it: {error}"));
        }
        let mut parts = file.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts[index] = extents;
        // Under the lock, so that the last one sees every part and every failure before it.
        if failed.is_some() {
            parts.clear();
            parts.resize(file.pieces, Vec::new());
            file.failed.store(true, Ordering::Relaxed);
        }
        let last = file.left.fetch_sub(1, Ordering::AcqRel) == 1;
        let parts = if last {
            std::mem::take(&mut *parts)
        } else {
            Vec::new()
        };
        if last
            && let Some(opened) = opened
            && !file.failed.load(Ordering::Relaxed)
        {
            let outcome = self.joined(file, opened, parts)?;
            *file.outcome.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
        }
        Ok(())
    }

    fn joined(
        &mut self,
        file: &LargeFile,
        opened: &Opened,
        parts: Vec<Vec<Extent>>,
    ) -> Result<Option<Outcome>, Error> {
        let found = Found {
            path: file.found.path.clone(),
            stat: file.found.stat,
            handle: None,
        };
        let before = file.before.as_deref();
        let mut extents: Vec<Extent> = Vec::with_capacity(parts.iter().map(Vec::len).sum());
        let mut size = 0;
        for extent in parts.into_iter().flatten() {
            match extent {
                Extent::Zeros { length } => {
                    size += length;
                    super::content::zeros(&mut extents, length);
                }
                Extent::Chunk { length, .. } => {
                    size += u64::from(length);
                    extents.push(extent);
                }
            }
        }
        let fd = opened.fd.as_fd();
        match Stat::of(fd) {
            Ok(after) if !is_torn(&opened.before, &after, size) && opened.before.kind == Kind::File => {
                let content = Content {
                    stat: opened.before,
                    extents,
                    size,
                    torn: false,
                    opened: opened.at,
                };
                Ok(self.entry(found, fd, content, before))
            }
            _ => self.settled(found, fd, before),
        }
    }
}

/// Whether what was read may be of two versions. A file that only grew is taken as it was when it was opened: logs
/// and write-ahead files always grow.
fn is_torn(before: &Stat, after: &Stat, read: u64) -> bool {
    if read != before.size {
        return true;
    }
    !(before.same_version(after) || (before.same_file(after) && after.size > before.size))
}
