//! SQLite files of the state directory: made, opened by any number of processes, migrated.

pub(crate) mod file_system;
mod queries;

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};

use crate::row::Cell;
use crate::transaction::Transaction;
use crate::{Error, Fault, Kind, NoSpace, Row, Value};

/// How long a call waits for another process's write.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file, open twice: write-ahead log, `BEGIN IMMEDIATE` for every write.
#[derive(Debug)]
pub(crate) struct Files {
    what: &'static str,
    path: PathBuf,
    /// `synchronous = FULL`, for what must survive the machine.
    durable: Mutex<Connection>,
    /// `synchronous = NORMAL`, for what need not, and for reads: they wait for no disk.
    light: Mutex<Connection>,
}

impl Files {
    /// Opens or makes the file in a directory, which is made too (mode 0700), and migrates it.
    pub fn open(kind: &Kind, directory: &Path) -> Result<Self, Error> {
        Ok(Self {
            what: kind.what,
            path: directory.join(kind.file_name),
            durable: Mutex::new(open(kind, directory, "FULL")?),
            light: Mutex::new(open(kind, directory, "NORMAL")?),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn write<T, E: From<Error>>(
        &self,
        light: bool,
        work: impl Fn(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = if light { &self.light } else { &self.durable };
        self.transaction(connection, "write", TransactionBehavior::Immediate, work)
    }

    pub fn read<T, E: From<Error>>(&self, work: impl Fn(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        self.transaction(&self.light, "read", TransactionBehavior::Deferred, work)
    }

    fn transaction<T, E: From<Error>>(
        &self,
        connection: &Mutex<Connection>,
        attempted: &'static str,
        behavior: TransactionBehavior,
        work: impl Fn(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let failed = |source: rusqlite::Error| refused(attempted, self.what, &self.path, source);
        let mut db = connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = db.transaction_with_behavior(behavior).map_err(failed)?;
        let value = work(&Transaction::of_sqlite(self.what, attempted, &transaction))?;
        transaction.commit().map_err(failed)?;
        Ok(value)
    }
}

/// Changes rows; how many.
pub(crate) fn execute(db: &Connection, sql: &str, values: &[Value]) -> Result<usize, Fault> {
    let mut statement = db.prepare_cached(sql)?;
    Ok(statement.execute(rusqlite::params_from_iter(values))?)
}

/// All rows.
pub(crate) fn query(
    db: &Connection,
    what: &'static str,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Row>, Fault> {
    let mut statement = db.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = (0..columns)
            .map(|column| cell(row, column))
            .collect::<Result<_, _>>()?;
        found.push(Row { what, cells });
    }
    Ok(found)
}

fn cell(row: &rusqlite::Row<'_>, column: usize) -> Result<Cell, rusqlite::Error> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(text) => Cell::Text(std::str::from_utf8(text)?.to_owned()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    })
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Integer(number) => number.map(ValueRef::Integer),
            Self::Real(number) => number.map(ValueRef::Real),
            Self::Text(text) => text.as_ref().map(|text| ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => bytes.as_deref().map(ValueRef::Blob),
        };
        Ok(ToSqlOutput::Borrowed(value.unwrap_or(ValueRef::Null)))
    }
}

fn open(kind: &Kind, directory: &Path, synchronous: &str) -> Result<Connection, Error> {
    make(directory)?;
    file_system::refuse_network(directory)?;
    let path = directory.join(kind.file_name);
    make_private(&path)?;
    let opening = |source| opening(kind, &path, source);
    let mut db = Connection::open(&path).map_err(opening)?;
    db.busy_timeout(PATIENCE).map_err(opening)?;
    write_ahead(&db).map_err(opening)?;
    db.pragma_update(None, "synchronous", synchronous)
        .map_err(opening)?;
    db.pragma_update(None, "foreign_keys", true).map_err(opening)?;
    db.set_prepared_statement_cache_capacity(64);
    migrate(kind, &mut db, &path)?;
    Ok(db)
}

fn opening(kind: &Kind, path: &Path, source: rusqlite::Error) -> Error {
    if let Some(full) = full("open", kind.what, path, &source) {
        return full;
    }
    Error::Open {
        what: kind.what,
        path: path.to_owned(),
        source,
    }
}

/// A statement that SQLite refused.
pub(crate) fn refused(
    attempted: &'static str,
    what: &'static str,
    path: &Path,
    source: rusqlite::Error,
) -> Error {
    full(attempted, what, path, &source).unwrap_or_else(|| Error::Statement {
        attempted,
        what,
        source: source.into(),
    })
}

/// The failure for want of space that SQLite tells of in other words: it fails where it maps or grows a file.
fn full(attempted: &'static str, what: &'static str, path: &Path, source: &rusqlite::Error) -> Option<Error> {
    let may_be = [
        ErrorCode::DiskFull,
        ErrorCode::SystemIoFailure,
        ErrorCode::CannotOpen,
    ];
    if !source
        .sqlite_error_code()
        .is_some_and(|code| may_be.contains(&code))
    {
        return None;
    }
    let source = file_system::no_space(path.parent()?)?;
    Some(Error::Full {
        attempted,
        what,
        path: path.to_owned(),
        source,
    })
}

fn migrate(kind: &Kind, db: &mut Connection, path: &Path) -> Result<(), Error> {
    let opening = |source| opening(kind, path, source);
    let current = i64::from(kind.version());
    let marked = |db: &Connection| Ok(number(db, "application_id")? == i64::from(kind.application));
    if number(db, "user_version").map_err(opening)? == current && marked(db).map_err(opening)? {
        return Ok(());
    }
    let transaction = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(opening)?;
    let tables: i64 = transaction
        .query_row(queries::COUNT_SCHEMA, [], |row| row.get(0))
        .map_err(opening)?;
    if tables > 0 && !marked(&transaction).map_err(opening)? {
        return Err(Error::Foreign {
            what: kind.what,
            place: path.display().to_string(),
        });
    }
    let found = number(&transaction, "user_version").map_err(opening)?;
    if found > current {
        return Err(Error::NewerSchema {
            what: kind.what,
            place: path.display().to_string(),
            found: u32::try_from(found).unwrap_or(u32::MAX),
            known: kind.version(),
            written_by: writer(&transaction),
        });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for sql in kind.sqlite.iter().skip(done) {
        transaction.execute_batch(sql).map_err(opening)?;
    }
    // After all of them: the table is not in the first one of every kind.
    for version in found + 1..=current {
        transaction
            .execute(
                queries::RECORD_MIGRATION,
                rusqlite::params![version, kind.program],
            )
            .map_err(opening)?;
    }
    transaction
        .pragma_update(None, "application_id", kind.application)
        .map_err(opening)?;
    transaction
        .pragma_update(None, "user_version", current)
        .map_err(opening)?;
    transaction.commit().map_err(opening)
}

fn make(path: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| no_directory(path, source))
}

fn no_directory(path: &Path, source: std::io::Error) -> Error {
    let path = path.to_owned();
    if source.kind() == std::io::ErrorKind::StorageFull {
        return Error::Full {
            attempted: "make",
            what: "state",
            source: NoSpace { path: path.clone() },
            path,
        };
    }
    Error::Directory { path, source }
}

/// Only its owner may read a new file; SQLite gives what it puts beside it the same mode. One that is there is not opened:
/// closing it again would take away the locks that this process's connections have on it (POSIX), and another process, which
/// then thinks itself alone, would delete the write-ahead log under them.
fn make_private(path: &Path) -> Result<(), Error> {
    match OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
    {
        Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => Err(no_directory(path, source)),
        _ => Ok(()),
    }
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
