//! Regular files that one worker reads, and the rules for files that change while they are read.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ostler_vault::list::{Entry, EntryKind, Extent};
use ostler_vocabulary::Timestamp;
use rustix::fd::{AsFd, BorrowedFd};

use super::Worker;
use crate::Error;
use crate::metadata;
use crate::metadata::xattr::{self, Place};
use crate::snapshot::Way;
use crate::stat::{Kind, Stat};
use crate::upload::content::ReadError;
use crate::upload::work::Outcome;
use crate::walk::{Found, open_found};

/// How often a file is read before what was read is taken as it is.
const ATTEMPTS: usize = 3;

/// Between two readings of a file that was written just before.
const PAUSE: Duration = Duration::from_millis(1);

/// A file as it was read.
pub(super) struct Content {
    pub(super) stat: Stat,
    pub(super) extents: Vec<Extent>,
    pub(super) size: u64,
    /// Whether every attempt met a change.
    pub(super) torn: bool,
    pub(super) opened: Timestamp,
}

impl Worker<'_> {
    /// A regular file of at most one chunk.
    pub(super) fn file(
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
        if size <= self.chunker.chunk && found.held.is_none() {
            match self.chunker.small(fd.as_fd(), size) {
                Ok(Some(extents)) => match Stat::of(&fd) {
                    Ok(stat)
                        if found.class.same_content(&found.stat, &stat) && !is_unsure(&found, &stat, now) =>
                    {
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
    pub(super) fn settled(
        &mut self,
        found: Found,
        fd: BorrowedFd<'_>,
        before: Option<&[Extent]>,
    ) -> Result<Option<Outcome>, Error> {
        match self.whole(&found, fd) {
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

    fn whole(&mut self, found: &Found, fd: BorrowedFd<'_>) -> Result<Content, ReadError> {
        let mut attempt = 1;
        loop {
            let opened = found
                .held
                .as_ref()
                .map_or_else(|| self.shared.clock.now(), |held| held.at);
            let stat = version(found, fd).map_err(ReadError::File)?;
            let mut extents = Vec::new();
            let mut size = 0;
            if stat.kind == Kind::File {
                size = self
                    .chunker
                    .range(fd, 0, stat.size, stat.is_sparse(), &mut extents)?;
            }
            let after = Stat::of(fd).map_err(ReadError::File)?;
            let mut torn = is_torn(found, &stat, &after, size);
            if !torn && is_unsure(found, &stat, opened) {
                std::thread::sleep(PAUSE);
                let mut again = Vec::new();
                let read = self
                    .chunker
                    .range(fd, 0, stat.size, stat.is_sparse(), &mut again)?;
                torn = read != size || again != extents;
            }
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

    pub(super) fn cannot_open(&self, found: &Found, error: &io::Error) {
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

    pub(super) fn entry(
        &self,
        mut found: Found,
        fd: BorrowedFd<'_>,
        content: Content,
        before: Option<&[Extent]>,
    ) -> Option<Outcome> {
        let problems = self.shared.problems;
        if content.torn {
            problems.add(&found.path, "changed while it was read");
        }
        let held = found.held.as_mut().and_then(|held| held.xattrs.take());
        let xattrs = match held.map_or_else(|| xattr::read(Place::Open(fd)), Ok) {
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
        let racy = content.torn || found.class.is_racy(&stat, content.opened);
        Some(Outcome::Entry {
            changed: before != Some(&content.extents[..]),
            entry: Entry {
                path: found.listed().to_vec(),
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
}

/// What a file that is open for reading is: what is held still is as it was when it was held.
pub(super) fn version(found: &Found, fd: BorrowedFd<'_>) -> io::Result<Stat> {
    match &found.held {
        Some(_) => Ok(found.stat),
        None => Stat::of(fd),
    }
}

/// Whether only a second reading shows that a file was being written: a write gives the file its time when it begins, so that
/// both looks may see the same time while it goes on.
pub(super) fn is_unsure(found: &Found, stat: &Stat, opened: Timestamp) -> bool {
    found.held.is_none() && stat.kind == Kind::File && found.class.is_racy(stat, opened)
}

/// Whether what was read may be of two versions. A file that only grew is taken as it was when it was opened: logs
/// and write-ahead files always grow. To a clone nobody writes.
pub(super) fn is_torn(found: &Found, before: &Stat, after: &Stat, read: u64) -> bool {
    if read != before.size {
        return true;
    }
    if found.held.as_ref().is_some_and(|held| held.way == Way::Clone) {
        return false;
    }
    !(found.class.same_content(before, after) || (before.same_file(after) && after.size > before.size))
}
