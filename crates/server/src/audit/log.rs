//! The audit log in a database of the state.
//!
//! Contract: what is recorded survives a crash, and is never changed; triggers of the database see to it. What is older than its
//! rule keeps is removed, and that is recorded first. A change that cannot be written down is not made.

use std::sync::Arc;
use std::time::Duration;

use ostler_api::audit::{Actor, AuditQuery, AuditState, AuditedChange, By};
use ostler_state::{Database, Error, Kind, Place, Row, Transaction, values};
use ostler_vocabulary::{Clock, Failure, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const KIND: Kind = Kind {
    file_name: "audit.db",
    schema: "audit",
    what: "audit log",
    // `OSTA`
    application: 0x4F53_5441,
    sqlite: &[include_str!("log/migrations/0001_log.sql")],
    postgres: &[include_str!("log/migrations/postgres/0001_log.sql")],
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
    db: Database,
    clock: Arc<dyn Clock>,
}

impl Log {
    /// Opens or makes it where the state is.
    ///
    /// # Errors
    /// When it cannot be opened, or a newer program wrote it.
    pub fn open(place: &Place, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let db = Database::open(&KIND, place)?;
        Ok(Self { db, clock })
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
        let number: i64 = self.db.write(|db| -> Result<_, Error> {
            let values = values![
                self.clock.now().as_millisecond(),
                by.who,
                by.by.as_str(),
                by.address.map(|address| address.to_string()),
                action,
                object,
                before.map(text),
            ];
            db.one(ASK, &values)?.get(0)
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
        self.db.write(|db| -> Result<_, Error> {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            db.execute(END, &values![number, now, state.as_str(), after, failure])
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
        self.db.write(|db| -> Result<_, Error> {
            let address = by.address.map(|address| address.to_string());
            let values = values![
                now,
                by.who,
                by.by.as_str(),
                address,
                action,
                object,
                None::<String>
            ];
            let number: i64 = db.one(ASK, &values)?.get(0)?;
            db.execute(
                END,
                &values![number, now, state.as_str(), None::<String>, failure],
            )
        })?;
        Ok(())
    }

    /// The newest changes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn newest(&self, query: &AuditQuery) -> Result<Vec<AuditedChange>, Failure> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let changes = self.db.read(|db| -> Result<_, Error> {
            let values = values![
                query.below.map_or(i64::MAX, number),
                number(query.limit as u64),
                query.since.map(Timestamp::as_millisecond),
                query.who,
                query.what,
            ];
            db.query(NEWEST, &values)?
                .iter()
                .map(change)
                .collect::<Result<Vec<_>, _>>()
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
        let is_older = |db: &Transaction<'_>| db.one(IS_OLDER, &values![before])?.get(0);
        if !self.db.read::<bool, Error>(is_older)? {
            return Ok(0);
        }
        let gone = self.db.write(|db| -> Result<_, Error> {
            db.execute(SHORTEN, &values![now, before])?;
            db.execute(FORGET_ENDINGS, &values![before])?;
            db.execute(FORGET, &values![before])
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

fn change(row: &Row) -> Result<AuditedChange, Error> {
    let time = |index| -> Result<Option<Timestamp>, Error> {
        row.get::<Option<i64>>(index)?
            .map(Timestamp::from_millisecond)
            .transpose()
            .map_err(|error| row.unreadable(index, error))
    };
    Ok(AuditedChange {
        number: u64::try_from(row.get::<i64>(0)?).unwrap_or(0),
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

fn word<T: DeserializeOwned>(row: &Row, index: usize) -> Result<Option<T>, Error> {
    row.get::<Option<String>>(index)?
        .map(|text| serde_json::from_value(text.into()))
        .transpose()
        .map_err(|error| row.unreadable(index, error))
}

fn json(row: &Row, index: usize) -> Result<Option<Value>, Error> {
    row.get::<Option<String>>(index)?
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| row.unreadable(index, error))
}

#[cfg(test)]
mod tests;
