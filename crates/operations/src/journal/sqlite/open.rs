//! Opening and migrating the file.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};

use super::queries;
use crate::error::Error;

/// The journal's file in the state directory.
pub const FILE_NAME: &str = "operations.db";

/// The schema that this program writes: the number of its newest migration.
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// In order; what is released is never changed.
const MIGRATIONS: [&str; 2] = [
    include_str!("../migrations/0001_journal.sql"),
    include_str!("../migrations/0002_messages.sql"),
];

/// `OSTJ`, in the file's header, so that another program's database is not taken for a journal.
const APPLICATION: i32 = 0x4F53_544A;

/// How long a call waits for another process's write.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn directory(path: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| Error::Directory {
            path: path.to_owned(),
            source,
        })
}

pub(super) fn connect(path: &Path, synchronous: &str) -> Result<Connection, Error> {
    let opening = |source| Error::Open {
        path: path.to_owned(),
        source,
    };
    let mut db = Connection::open(path).map_err(opening)?;
    db.busy_timeout(PATIENCE).map_err(opening)?;
    write_ahead(&db).map_err(opening)?;
    db.pragma_update(None, "synchronous", synchronous)
        .map_err(opening)?;
    db.pragma_update(None, "foreign_keys", true).map_err(opening)?;
    db.set_prepared_statement_cache_capacity(64);
    migrate(&mut db, path)?;
    Ok(db)
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

fn migrate(db: &mut Connection, path: &Path) -> Result<(), Error> {
    let opening = |source| Error::Open {
        path: path.to_owned(),
        source,
    };
    let current = i64::from(SCHEMA_VERSION);
    if number(db, "user_version").map_err(opening)? == current
        && number(db, "application_id").map_err(opening)? == i64::from(APPLICATION)
    {
        return Ok(());
    }
    let transaction = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(opening)?;
    let tables: i64 = transaction
        .query_row(queries::COUNT_SCHEMA, [], |row| row.get(0))
        .map_err(opening)?;
    let ours = number(&transaction, "application_id").map_err(opening)? == i64::from(APPLICATION);
    if tables > 0 && !ours {
        return Err(Error::Foreign {
            path: path.to_owned(),
        });
    }
    let found = number(&transaction, "user_version").map_err(opening)?;
    if found > current {
        return Err(Error::NewerSchema {
            path: path.to_owned(),
            found: u32::try_from(found).unwrap_or(u32::MAX),
            known: SCHEMA_VERSION,
            written_by: writer(&transaction),
        });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(done) {
        transaction.execute_batch(sql).map_err(opening)?;
        transaction
            .execute(
                queries::RECORD_MIGRATION,
                rusqlite::params![index as i64 + 1, env!("CARGO_PKG_VERSION")],
            )
            .map_err(opening)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION)
        .map_err(opening)?;
    transaction
        .pragma_update(None, "user_version", current)
        .map_err(opening)?;
    transaction.commit().map_err(opening)
}

/// The program that wrote a newer schema, as far as that schema can be read.
fn writer(db: &Connection) -> String {
    db.query_row(queries::NEWEST_WRITER, [], |row| row.get(0))
        .optional()
        .ok()
        .flatten()
        .unwrap_or_else(|| "of a newer version".to_owned())
}
