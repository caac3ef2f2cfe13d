//! Making and removing files so that a power failure cannot undo it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};
use std::time::SystemTime;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::{Inner, unfinished};
use crate::{Attempt, Error, Key};

/// How often a directory is made again that others remove because it is empty.
const TRIES: usize = 100;

/// One directory from its making to its removal. Inode numbers alone are used again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Incarnation {
    inode: u64,
    created: Option<SystemTime>,
}

impl Incarnation {
    fn of(found: &fs::Metadata) -> Self {
        Self {
            inode: found.ino(),
            created: found.created().ok(),
        }
    }
}

impl Inner {
    pub(super) fn place(&self, attempt: &Attempt, key: &Key, body: &[u8]) -> Result<(), Error> {
        self.try_place(key, body).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::AlreadyExists(attempt.clone()),
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Error::Unsupported {
                attempt: attempt.clone(),
                reason: "in a directory no key can go on behind another one".to_owned(),
            },
            _ => self.explain(attempt, error),
        })
    }

    fn try_place(&self, key: &Key, body: &[u8]) -> io::Result<()> {
        let path = self.path(key.as_str());
        let directory = path.parent().unwrap_or(&self.root);
        if let Ok(found) = fs::symlink_metadata(&path) {
            return Err(taken(&found, directory));
        }
        if self.is_gone() {
            // Not to be made again: what comes next would fill the disk below the mount point.
            return Err(io::ErrorKind::NotFound.into());
        }
        self.make_durable(directory)?;
        self.make_durable(&self.root.join(unfinished::DIRECTORY))?;
        self.remember_root();

        let unfinished = unfinished::Unfinished::create(&self.root)?;
        unfinished.file().write_all(body)?;
        // Sizes and blocks are what reading needs; the entry itself is synced with its directory.
        unfinished.file().sync_data()?;

        let mut tries = 0;
        loop {
            match name_without_replacing(unfinished.path(), &path) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES && !self.is_gone() => {
                    // Its directory was empty and somebody who deletes removed it.
                    tries += 1;
                    self.forget(directory);
                    self.make_durable(directory)?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(match fs::symlink_metadata(&path) {
                        Ok(found) => taken(&found, directory),
                        Err(_) => error,
                    });
                }
                Err(error) => return Err(error),
            }
        }
        // The unfinished name goes only after this: while it is there, whoever opens the store after a crash knows that
        // there may be an object whose entry is not synced.
        match self.sync_around_object(directory) {
            // It was created, and somebody deleted it and its directory already.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_gone() => Ok(()),
            done => done.inspect_err(|_| {
                // Nobody may find an object of which it is not known whether it lasts.
                let _ = fs::remove_file(&path);
            }),
        }
    }

    pub(super) fn remove(&self, attempt: &Attempt, key: &Key) -> Result<(), Error> {
        self.try_remove(key).or_else(|error| match error.kind() {
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Ok(()),
            io::ErrorKind::NotFound if !self.is_gone() => Ok(()),
            _ => Err(self.explain(attempt, error)),
        })
    }

    fn try_remove(&self, key: &Key) -> io::Result<()> {
        let path = self.path(key.as_str());
        let mut directory = path.parent().unwrap_or(&self.root);
        match fs::remove_file(&path) {
            Ok(()) => {}
            // It may have been removed by somebody who was killed before the directory was synced.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_gone() => {}
            Err(error) if error.raw_os_error() == Some(Errno::ISDIR.raw_os_error()) => return Ok(()),
            Err(error) => return Err(error),
        }
        // So may the directory that it was in.
        let mut synced = directory;
        while let Err(error) = sync_directory(synced) {
            match synced.parent() {
                Some(above) if error.kind() == io::ErrorKind::NotFound && synced != self.root => {
                    synced = above
                }
                _ => return Err(error),
            }
        }
        while directory != self.root && directory.starts_with(&self.root) {
            self.forget(directory);
            if fs::remove_dir(directory).is_err() {
                break;
            }
            let Some(parent) = directory.parent() else { break };
            directory = parent;
        }
        Ok(())
    }

    /// Makes a directory and those above it, as far as they are missing, and syncs the entry of each. Each process
    /// syncs those that it finds too, once: who made them may have been killed before it did.
    fn make_durable(&self, directory: &Path) -> io::Result<()> {
        let mut tries = 0;
        loop {
            match self.try_make_durable(directory) {
                // Somebody removed one of them, empty as it was, before the one below it was made.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES && !self.is_gone() => {
                    tries += 1;
                    self.forget(&self.root);
                }
                done => return done,
            }
        }
    }

    fn try_make_durable(&self, directory: &Path) -> io::Result<()> {
        let mut levels = Vec::new();
        {
            let durable = self.durable();
            for level in directory.ancestors() {
                // What exists above the root is not ours to sync.
                let settled = if level.starts_with(&self.root) {
                    durable.contains_key(level)
                } else {
                    level.as_os_str().is_empty() || level.exists()
                };
                if settled {
                    break;
                }
                levels.push(level);
            }
        }
        for level in levels.into_iter().rev() {
            match fs::DirBuilder::new().mode(0o700).create(level) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            let found = fs::metadata(level)?;
            if !found.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            if let Some(above) = level.parent() {
                sync_entry_of(above)?;
            }
            self.durable().insert(level.to_owned(), Incarnation::of(&found));
        }
        Ok(())
    }

    /// Syncs the directory that an object was just named in, which may be another one than that which was made
    /// durable: removed as empty and made again by other processes meanwhile.
    fn sync_around_object(&self, directory: &Path) -> io::Result<()> {
        let file = File::open(directory)?;
        let found = Incarnation::of(&file.metadata()?);
        if self.durable().get(directory) != Some(&found) {
            self.forget(directory);
            self.make_durable(directory)?;
        }
        file.sync_all()
    }

    fn durable(&self) -> MutexGuard<'_, HashMap<PathBuf, Incarnation>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, directory: &Path) {
        self.durable().retain(|known, _| !known.starts_with(directory));
    }

    fn remember_root(&self) {
        let mut identity = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        if identity.is_none() {
            *identity = fs::metadata(&self.root)
                .ok()
                .map(|found| (found.dev(), found.ino()));
        }
    }
}

/// The name is taken. By an object: what is said of it must last, so the directory is synced. By a directory: no.
fn taken(found: &fs::Metadata, directory: &Path) -> io::Error {
    if found.is_dir() {
        return io::ErrorKind::IsADirectory.into();
    }
    match sync_directory(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => error,
        _ => io::ErrorKind::AlreadyExists.into(),
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Syncs a directory above a new one. One that may be entered but not read (`/home` of others) cannot be opened for
/// that; the file system's own order of changes has to do there.
fn sync_entry_of(above: &Path) -> io::Result<()> {
    match sync_directory(above) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}

/// Gives a file its name unless the name is taken, in one step. Where links are known it keeps its old name too.
fn name_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::link(from, to) {
        Ok(()) => Ok(()),
        // File systems without links.
        Err(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP | Errno::MLINK) => Ok(rustix::fs::renameat_with(
            CWD,
            from,
            CWD,
            to,
            RenameFlags::NOREPLACE,
        )?),
        Err(error) => Err(error.into()),
    }
}
