//! A store of state, open.

use std::path::Path;

use ostler_vocabulary::Timestamp;

use crate::postgres::Schema;
use crate::sqlite::Files;
use crate::{Error, Kind, Place, Transaction};

/// A store of state, open. Any number of threads, processes and, in PostgreSQL, servers may have it open at once.
///
/// Calls wait for a disk, a lock or a server: up to 20 s for other writers, and in PostgreSQL also for a server that is being
/// started again. Async code calls them on a blocking thread where that matters; on a thread of a runtime of several threads,
/// others take over its tasks meanwhile.
///
/// What a transaction does may be done again from its beginning, with the connection lost before it was final: it must have no
/// effect but on the database.
#[derive(Debug)]
pub struct Database(Store);

#[derive(Debug)]
enum Store {
    Files(Box<Files>),
    Schema(Schema),
}

impl Database {
    /// Opens or makes it, and migrates it.
    ///
    /// # Errors
    /// `Unsupported` on a network file system, with a server that is too old, or when a newer program wrote it; else what
    /// opening a file or a session gives.
    pub fn open(kind: &Kind, place: &Place) -> Result<Self, Error> {
        Ok(Self(match place {
            Place::Directory(directory) => Store::Files(Box::new(Files::open(kind, directory)?)),
            Place::Shared(server) => Store::Schema(Schema::open(kind, server)?),
        }))
    }

    /// The file, where it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Store::Files(files) => Some(files.path()),
            Store::Schema(_) => None,
        }
    }

    /// Writes all or nothing, alone among the writers of this store. What returned `Ok` survives the machine.
    ///
    /// # Errors
    /// What `work` gives; what the database refuses. Nothing is changed then, unless the error is [`Error::Unknown`].
    pub fn write<T, E: From<Error>>(&self, work: impl Fn(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        match &self.0 {
            Store::Files(files) => files.write(false, work),
            Store::Schema(schema) => schema.write(false, work),
        }
    }

    /// The same for what may be lost with the machine: it does not wait for the disk.
    ///
    /// # Errors
    /// As with [`Self::write`].
    pub fn write_lightly<T, E: From<Error>>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.0 {
            Store::Files(files) => files.write(true, work),
            Store::Schema(schema) => schema.write(true, work),
        }
    }

    /// Reads, all of it as it was at one moment.
    ///
    /// # Errors
    /// What `work` gives; what the database refuses.
    pub fn read<T, E: From<Error>>(&self, work: impl Fn(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        match &self.0 {
            Store::Files(files) => files.read(work),
            Store::Schema(schema) => schema.read(work),
        }
    }

    /// Reads the clock that all who share the database have in common, by which [`Self::time`] goes from then on.
    ///
    /// # Errors
    /// As with [`Self::write`].
    pub fn read_clock(&self) -> Result<(), Error> {
        match &self.0 {
            Store::Files(_) => Ok(()),
            // The clock is read where a write begins.
            Store::Schema(schema) => schema.write(true, |_| Ok(())),
        }
    }

    /// A time of this machine's clock by the clock that all who share the database have in common, as far as that is known:
    /// see [`Transaction::time`].
    #[must_use]
    pub fn time(&self, here: Timestamp) -> Timestamp {
        match &self.0 {
            Store::Files(_) => here,
            Store::Schema(schema) => schema.time(here),
        }
    }
}
