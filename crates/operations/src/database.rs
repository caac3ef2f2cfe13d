//! SQLite files of the state directory: made, opened by any number of processes, migrated.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};

use crate::error::Error;
use crate::file_system;
use crate::journal::queries;

/// A kind of SQLite file that Ostler keeps.
#[derive(Debug, Clone, Copy)]
pub struct Database {
    /// The file in the state directory.
    pub file_name: &'static str,
    /// What it is called in messages, such as `operations journal`.
    pub what: &'static str,
    /// The application's number in the file's header, so that another program's database is not taken for this one.
    pub application: i32,
    /// SQL that brings the schema from each version to the next; the first makes the table `schema_history`. In order;
    /// what is released is never changed.
    pub migrations: &'static [&'static str],
    /// The version of the program, recorded with each migration.
    pub program: &'static str,
}

/// How long a call waits for another process's write.
const PATIENCE: Duration = Duration::from_secs(20);

impl Database {
    /// The schema that this program writes: the number of its newest migration.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.migrations.len() as u32
    }

    /// Opens or makes the file in a directory, which is made too (mode 0700), and migrates it. Write-ahead log, foreign
    /// keys, and `synchronous` as given: `FULL` for what must survive the machine, `NORMAL` for what need not.
    ///
    /// # Errors
    /// `Unsupported` on a network file system or when a newer program wrote it; else what opening a file gives.
    pub fn open(&self, directory: &Path, synchronous: &str) -> Result<Connection, Error> {
        make(directory)?;
        file_system::refuse_network(directory)?;
        let path = directory.join(self.file_name);
        let opening = |source| self.opening(&path, source);
        let mut db = Connection::open(&path).map_err(opening)?;
        db.busy_timeout(PATIENCE).map_err(opening)?;
        write_ahead(&db).map_err(opening)?;
        db.pragma_update(None, "synchronous", synchronous)
            .map_err(opening)?;
        db.pragma_update(None, "foreign_keys", true).map_err(opening)?;
        db.set_prepared_statement_cache_capacity(64);
        self.migrate(&mut db, &path)?;
        Ok(db)
    }

    fn opening(&self, path: &Path, source: rusqlite::Error) -> Error {
        Error::Open {
            what: self.what,
            path: path.to_owned(),
            source,
        }
    }

    fn migrate(&self, db: &mut Connection, path: &Path) -> Result<(), Error> {
        let opening = |source| self.opening(path, source);
        let current = i64::from(self.version());
        if number(db, "user_version").map_err(opening)? == current
            && number(db, "application_id").map_err(opening)? == i64::from(self.application)
        {
            return Ok(());
        }
        let transaction = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(opening)?;
        let tables: i64 = transaction
            .query_row(queries::COUNT_SCHEMA, [], |row| row.get(0))
            .map_err(opening)?;
        let ours = number(&transaction, "application_id").map_err(opening)? == i64::from(self.application);
        if tables > 0 && !ours {
            return Err(Error::Foreign {
                what: self.what,
                path: path.to_owned(),
            });
        }
        let found = number(&transaction, "user_version").map_err(opening)?;
        if found > current {
            return Err(Error::NewerSchema {
                what: self.what,
                path: path.to_owned(),
                found: u32::try_from(found).unwrap_or(u32::MAX),
                known: self.version(),
                written_by: writer(&transaction),
            });
        }
        let done = usize::try_from(found).unwrap_or(0);
        for (index, sql) in self.migrations.iter().enumerate().skip(done) {
            transaction.execute_batch(sql).map_err(opening)?;
            transaction
                .execute(
                    queries::RECORD_MIGRATION,
                    rusqlite::params![index as i64 + 1, self.program],
                )
                .map_err(opening)?;
        }
        transaction
            .pragma_update(None, "application_id", self.application)
            .map_err(opening)?;
        transaction
            .pragma_update(None, "user_version", current)
            .map_err(opening)?;
        transaction.commit().map_err(opening)
    }
}

fn make(path: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| Error::Directory {
            path: path.to_owned(),
            source,
        })
}

/// Changing to the write-ahead log needs the file alone, and SQLite does not wait for that: the first openers of a
/// new file meet here.
fn write_ahead(db: &Connection) -> Result<(), rusqlite::Error> {
    let begun = Instant::now();
    loop {
        match db.query_row(queries::WRITE_AHEAD_LOG, [], |row| row.get::<_, String>(0)) {
            Err(e)
                if matches!(
                    e.sqlite_error_code(),
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
                ) && begun.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other.map(drop),
        }
    }
}

fn number(db: &Connection, pragma: &str) -> Result<i64, rusqlite::Error> {
    db.pragma_query_value(None, pragma, |row| row.get(0))
}

/// The program that wrote a newer schema, as far as that schema can be read.
fn writer(db: &Connection) -> String {
    db.query_row(queries::NEWEST_WRITER, [], |row| row.get(0))
        .optional()
        .ok()
        .flatten()
        .unwrap_or_else(|| "of a newer version".to_owned())
}
