//! An SQLite file of the state directory with what this crate records: opened, read, written.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ostler_operations::Database;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::Error;

/// Such a file. Any number of threads and processes may have it open.
#[derive(Debug)]
pub(crate) struct StateFile {
    what: &'static str,
    db: Mutex<Connection>,
}

impl StateFile {
    /// Opens or makes it in a directory. `synchronous` as SQLite has it: `FULL` for what must survive the machine.
    pub fn open(
        database: &Database,
        directory: &Path,
        synchronous: &str,
    ) -> Result<Self, ostler_operations::Error> {
        Ok(Self {
            what: database.what,
            db: Mutex::new(database.open(directory, synchronous)?),
        })
    }

    /// Reads, all of it as it was at one moment.
    pub fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.transaction("read", TransactionBehavior::Deferred, work)
    }

    /// Writes all or nothing.
    pub fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.transaction("write", TransactionBehavior::Immediate, work)
    }

    fn transaction<T>(
        &self,
        attempted: &'static str,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let mut db = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        let done = db.transaction_with_behavior(behavior).and_then(|transaction| {
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        done.map_err(|source| Error::Record {
            attempted,
            what: self.what,
            source,
        })
    }
}

/// An SQLite column that holds something else than was written.
pub(crate) fn unreadable(
    index: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
}
