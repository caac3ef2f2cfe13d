//! Turns what the walker found into entries: opens, reads, and makes sure that what was read is one version.
//!
//! Regular files of at most one chunk are read by one worker (`file`), larger ones in pieces by several (`large`);
//! everything else is only looked at.

mod file;
mod large;

use std::io;

use ostler_vault::list::{Entry, EntryKind};
use ostler_vocabulary::Clock;
use rustix::fd::AsFd;

use super::content::Chunker;
use super::work::{Item, Outcome};
use crate::Error;
use crate::metadata;
use crate::metadata::names::Names;
use crate::metadata::xattr::{self, Place};
use crate::problems::Problems;
use crate::stat::{Kind, Stat};
use crate::walk::{Found, open_parent};

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
                    path: found.listed().to_vec(),
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
}
