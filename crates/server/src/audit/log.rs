//! The audit log in an SQLite file of the state directory.
//!
//! Contract: what is recorded survives a crash, and is never changed; triggers of the file see to it. What is older than its
//! rule keeps is removed, and that is recorded first. A change that cannot be written down is not made.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ostler_api::audit::{Actor, AuditQuery, AuditState, AuditedChange, By};
use ostler_operations::Database;
use ostler_vocabulary::{Clock, Failure, Timestamp};
use rusqlite::{Row, params};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::state_file::{StateFile, unreadable};

const DATABASE: Database = Database {
    file_name: "audit.db",
    what: "audit log",
    // `OSTA`
    application: 0x4F53_5441,
    migrations: &[include_str!("log/migrations/0001_log.sql")],
    program: env!("CARGO_PKG_VERSION"),
};

const ASK: &str = include_str!("log/queries/ask.sql");
const END: &str = include_str!("log/queries/end.sql");
const NEWEST: &str = include_str!("log/queries/newest.sql");
const IS_OLDER: &str = include_str!("log/queries/is_older.sql");
const SHORTEN: &str = include_str!("log/queries/shorten.sql");
const FORGET_ENDINGS: &str = include_str!("log/queries/forget_endings.sql");
const FORGET: &str = include_str!("log/queries/forget.sql");

/// Bytes of what was there before or after at most; of more only the size is kept.
const LONGEST: usize = 64 << 10;

/// The log. Any number of threads and processes may have it open.
#[derive(Debug)]
pub struct Log {
    file: StateFile,
    clock: Arc<dyn Clock>,
}

impl Log {
    /// Opens or makes `audit.db` in a directory.
    ///
    /// # Errors
    /// When it cannot be opened, or a newer program wrote it.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let file = StateFile::open(&DATABASE, directory, "FULL")?;
        Ok(Self { file, clock })
    }

    /// Writes down that a change was asked for; its number.
    ///
    /// # Errors
    /// When it cannot be written; the change is then not to be made.
    pub fn ask(
        &self,
        by: &Actor,
        action: &str,
        object: &str,
        before: Option<&Value>,
    ) -> Result<u64, Failure> {
        let number: i64 = self.file.write(|db| {
            let values = params![
                self.clock.now().as_millisecond(),
                by.who,
                by.by.as_str(),
                by.address.map(|address| address.to_string()),
                action,
                object,
                before.map(text),
            ];
            db.query_row(ASK, values, |row| row.get(0))
        })?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    /// Writes down how it went: what there is now, or why it was not done.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(&self, number: u64, went: Result<Option<&Value>, &str>) -> Result<(), Failure> {
        let (state, after, failure) = match went {
            Ok(after) => (AuditState::Done, after.map(text), None),
            Err(failure) => (AuditState::Refused, None, Some(failure)),
        };
        let now = self.clock.now().as_millisecond();
        self.file.write(|db| {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            db.execute(END, params![number, now, state.as_str(), after, failure])
        })?;
        Ok(())
    }

    /// Writes down what is over already, such as that somebody came in, or was refused.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&self, by: &Actor, action: &str, object: &str, failure: Option<&str>) -> Result<(), Failure> {
        let now = self.clock.now().as_millisecond();
        let state = failure.map_or(AuditState::Done, |_| AuditState::Refused);
        self.file.write(|db| {
            let address = by.address.map(|address| address.to_string());
            let values = params![
                now,
                by.who,
                by.by.as_str(),
                address,
                action,
                object,
                None::<String>
            ];
            let number: i64 = db.query_row(ASK, values, |row| row.get(0))?;
            db.execute(END, params![number, now, state.as_str(), None::<String>, failure])
        })?;
        Ok(())
    }

    /// The newest changes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn newest(&self, query: &AuditQuery) -> Result<Vec<AuditedChange>, Failure> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let changes = self.file.read(|db| {
            let mut statement = db.prepare_cached(NEWEST)?;
            let values = params![
                query.below.map_or(i64::MAX, number),
                number(query.limit as u64),
                query.since.map(Timestamp::as_millisecond),
                query.who,
                query.what,
            ];
            statement.query_map(values, change)?.collect()
        })?;
        Ok(changes)
    }

    /// Removes what was asked for longer ago than this; how many.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn shorten(&self, keep: Duration) -> Result<usize, Failure> {
        let now = self.clock.now().as_millisecond();
        let before = now.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX));
        if !self
            .file
            .read(|db| db.query_row(IS_OLDER, [before], |row| row.get(0)))?
        {
            return Ok(0);
        }
        let gone = self.file.write(|db| {
            db.execute(SHORTEN, [now, before])?;
            db.execute(FORGET_ENDINGS, [before])?;
            db.execute(FORGET, [before])
        })?;
        Ok(gone)
    }
}

fn text(value: &Value) -> String {
    let text = value.to_string();
    match text.len() {
        0..=LONGEST => text,
        long => json!({ "left_out_bytes": long }).to_string(),
    }
}

fn change(row: &Row<'_>) -> rusqlite::Result<AuditedChange> {
    let time = |index| -> rusqlite::Result<Option<Timestamp>> {
        row.get::<_, Option<i64>>(index)?
            .map(Timestamp::from_millisecond)
            .transpose()
            .map_err(|error| unreadable(index, error))
    };
    Ok(AuditedChange {
        number: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
        at: time(1)?.unwrap_or_default(),
        by: Actor {
            who: row.get(2)?,
            by: word::<By>(row, 3)?.unwrap_or(By::Command),
            address: word(row, 4)?,
        },
        action: row.get(5)?,
        object: row.get(6)?,
        before: json(row, 7)?,
        state: word(row, 8)?.unwrap_or(AuditState::Asked),
        after: json(row, 9)?,
        ended: time(10)?,
        failure: row.get(11)?,
    })
}

fn word<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<String>>(index)?
        .map(|text| serde_json::from_value(text.into()))
        .transpose()
        .map_err(|error| unreadable(index, error))
}

fn json(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Value>> {
    row.get::<_, Option<String>>(index)?
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| unreadable(index, error))
}

#[cfg(test)]
mod tests;
