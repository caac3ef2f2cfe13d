//! Rows of the SQLite journal as documents. Stored text that cannot be read is an error, never a panic.

use ostler_vocabulary::{OperationId, ProcessIdentity, Timestamp, Unit};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::rules::Head;
use super::sqlite::queries;
use crate::error::Error;
use crate::record::{AuditRecord, ChangeRecord, MessageRecord, OperationRecord, State, StepRecord};

pub(super) fn reading(source: rusqlite::Error) -> Error {
    Error::Journal {
        attempted: "read",
        source,
    }
}

pub(super) fn writing(source: rusqlite::Error) -> Error {
    Error::Journal {
        attempted: "write",
        source,
    }
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::Damaged {
        what: what.to_string(),
    }
}

pub(super) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| damaged(format_args!("a value cannot be written as JSON ({e})")))
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn field<T: rusqlite::types::FromSql>(row: &Row<'_>, index: usize) -> Result<T, Error> {
    row.get(index).map_err(reading)
}

fn parsed<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|e| damaged(format_args!("{what} is not what was written ({e})")))
}

fn parsed_option<T: DeserializeOwned>(what: &str, text: Option<String>) -> Result<Option<T>, Error> {
    text.map(|text| parsed(what, &text)).transpose()
}

fn time(what: &str, ms: i64) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(ms).map_err(|e| damaged(format_args!("{what} is not a time ({e})")))
}

fn unsigned(what: &str, number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| damaged(format_args!("{what} is negative")))
}

fn small(what: &str, number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| damaged(format_args!("{what} is out of range")))
}

fn operation_id(text: &str) -> Result<OperationId, Error> {
    text.parse()
        .map_err(|_| damaged(format_args!("`{text}` is not an operation id")))
}

fn state(word: &str) -> Result<State, Error> {
    State::ALL
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or_else(|| damaged(format_args!("`{word}` is not a state")))
}

/// What decides over an operation, inside a transaction.
pub(super) fn head(db: &Connection, id: OperationId) -> Result<Head, Error> {
    let row = db
        .prepare_cached(queries::OPERATION_HEAD)
        .and_then(|mut statement| {
            statement
                .query_row([id.to_string()], |row| {
                    Ok((
                        row.get::<_, String>(0)?,
                        row.get::<_, bool>(1)?,
                        row.get::<_, bool>(2)?,
                        row.get::<_, Option<String>>(3)?,
                        row.get::<_, i64>(4)?,
                        row.get::<_, i64>(5)?,
                    ))
                })
                .optional()
        })
        .map_err(reading)?;
    let (word, committed, cancel_requested, owner, epoch, heartbeat) =
        row.ok_or_else(|| Error::NotFound(id.to_string()))?;
    Ok(Head {
        id,
        state: state(&word)?,
        committed,
        cancel_requested,
        owner: parsed_option::<ProcessIdentity>("an owner", owner)?,
        epoch: unsigned("an epoch", epoch)?,
        heartbeat: time("a heartbeat", heartbeat)?,
    })
}

pub(super) fn changes(db: &Connection, after: u64, limit: usize) -> Result<Vec<ChangeRecord>, Error> {
    let mut statement = db.prepare_cached(queries::CHANGES).map_err(reading)?;
    let mut rows = statement
        .query(params![signed(after), signed(limit as u64)])
        .map_err(reading)?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next().map_err(reading)? {
        let word: String = field(row, 3)?;
        changes.push(ChangeRecord {
            number: unsigned("a change's number", field(row, 0)?)?,
            operation: operation_id(&field::<String>(row, 1)?)?,
            epoch: unsigned("an epoch", field(row, 2)?)?,
            state: state(&word)?,
            at: time("a change's time", field(row, 4)?)?,
        });
    }
    Ok(changes)
}

pub(super) fn newest_change(db: &Connection) -> Result<u64, Error> {
    let number = db
        .query_row(queries::NEWEST_CHANGE, [], |row| row.get(0))
        .map_err(reading)?;
    unsigned("a change's number", number)
}

pub(super) fn one(db: &Connection, id: OperationId) -> Result<OperationRecord, Error> {
    let mut statement = db.prepare_cached(queries::OPERATION).map_err(reading)?;
    let mut rows = statement.query([id.to_string()]).map_err(reading)?;
    let row = rows
        .next()
        .map_err(reading)?
        .ok_or_else(|| Error::NotFound(id.to_string()))?;
    with_parts(db, record(row)?)
}

pub(super) fn newest(db: &Connection, limit: usize) -> Result<Vec<OperationRecord>, Error> {
    let mut statement = db.prepare_cached(queries::NEWEST_OPERATIONS).map_err(reading)?;
    let mut rows = statement.query([signed(limit as u64)]).map_err(reading)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(reading)? {
        found.push(with_parts(db, record(row)?)?);
    }
    Ok(found)
}

pub(super) fn ids(db: &Connection, prefix: &str, limit: usize) -> Result<Vec<OperationId>, Error> {
    let mut statement = db.prepare_cached(queries::OPERATION_IDS).map_err(reading)?;
    let mut rows = statement
        .query(params![prefix, signed(limit as u64)])
        .map_err(reading)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(reading)? {
        found.push(operation_id(&field::<String>(row, 0)?)?);
    }
    Ok(found)
}

fn record(row: &Row<'_>) -> Result<OperationRecord, Error> {
    let failure: Option<String> = field(row, 14)?;
    Ok(OperationRecord {
        id: operation_id(&field::<String>(row, 0)?)?,
        kind: field(row, 1)?,
        version: small("a version", field(row, 2)?)?,
        subject: field(row, 3)?,
        plan: parsed("a plan", &field::<String>(row, 4)?)?,
        state: state(&field::<String>(row, 5)?)?,
        committed: field(row, 6)?,
        cancel_requested: field(row, 7)?,
        owner: parsed_option("an owner", field(row, 8)?)?,
        epoch: unsigned("an epoch", field(row, 9)?)?,
        heartbeat: time("a heartbeat", field(row, 10)?)?,
        started: time("a start", field(row, 11)?)?,
        ended: field::<Option<i64>>(row, 12)?
            .map(|ms| time("an end", ms))
            .transpose()?,
        worked_ms: unsigned("a duration", field(row, 13)?)?,
        bytes: 0,
        failure: failure
            .map(|word| {
                serde_json::from_value(serde_json::Value::String(word))
                    .map_err(|e| damaged(format_args!("a failure's kind is unknown ({e})")))
            })
            .transpose()?,
        hint: field(row, 15)?,
        reasons: parsed("a list of reasons", &field::<String>(row, 16)?)?,
        outcome: parsed_option("an outcome", field(row, 17)?)?,
        steps: Vec::new(),
        audit: Vec::new(),
        messages: Vec::new(),
    })
}

fn with_parts(db: &Connection, mut record: OperationRecord) -> Result<OperationRecord, Error> {
    let id = record.id.to_string();
    let mut statement = db.prepare_cached(queries::STEPS).map_err(reading)?;
    let mut rows = statement.query([&id]).map_err(reading)?;
    while let Some(row) = rows.next().map_err(reading)? {
        record.steps.push(step(row)?);
    }
    let mut statement = db.prepare_cached(queries::AUDIT).map_err(reading)?;
    let mut rows = statement.query([&id]).map_err(reading)?;
    while let Some(row) = rows.next().map_err(reading)? {
        record.audit.push(AuditRecord {
            at: time("an audit entry's time", field(row, 0)?)?,
            action: field(row, 1)?,
            item: field(row, 2)?,
            bytes: unsigned("an audit entry's size", field(row, 3)?)?,
            reason: field(row, 4)?,
        });
    }
    let mut statement = db.prepare_cached(queries::MESSAGES).map_err(reading)?;
    let mut rows = statement.query([&id]).map_err(reading)?;
    while let Some(row) = rows.next().map_err(reading)? {
        record.messages.push(MessageRecord {
            at: time("a message's time", field(row, 0)?)?,
            text: field(row, 1)?,
        });
    }
    record.bytes = bytes(&record.steps);
    Ok(record)
}

fn step(row: &Row<'_>) -> Result<StepRecord, Error> {
    let key: String = field(row, 2)?;
    Ok(StepRecord {
        position: unsigned("a step's place", field(row, 0)?)?,
        name: field(row, 1)?,
        key: (!key.is_empty()).then_some(key),
        state: field(row, 3)?,
        undoable: field(row, 4)?,
        started: time("a step's start", field(row, 5)?)?,
        ended: field::<Option<i64>>(row, 6)?
            .map(|ms| time("a step's end", ms))
            .transpose()?,
        attempts: small("a step's attempts", field(row, 7)?)?,
        result: parsed_option("a step's result", field(row, 8)?)?,
        progress: parsed_option("a step's progress", field(row, 9)?)?,
        reasons: parsed("a list of reasons", &field::<String>(row, 10)?)?,
    })
}

/// Bytes that the steps counted.
pub(super) fn bytes(steps: &[StepRecord]) -> u64 {
    steps
        .iter()
        .filter_map(|step| step.progress)
        .filter(|progress| progress.unit == Unit::Bytes)
        .fold(0, |sum, progress| sum.saturating_add(progress.done))
}

/// The row of a named lease.
pub(super) struct Lease {
    pub(super) purpose: String,
    /// `None` when it is free.
    pub(super) owner: Option<ProcessIdentity>,
    pub(super) epoch: u64,
    pub(super) heartbeat: Timestamp,
}

pub(super) fn lease(db: &Connection, name: &str) -> Result<Option<Lease>, Error> {
    let mut statement = db.prepare_cached(queries::LEASE).map_err(reading)?;
    let mut rows = statement.query([name]).map_err(reading)?;
    let Some(row) = rows.next().map_err(reading)? else {
        return Ok(None);
    };
    Ok(Some(Lease {
        purpose: field(row, 0)?,
        owner: parsed_option("a lease's holder", field(row, 1)?)?,
        epoch: unsigned("a lease's epoch", field(row, 2)?)?,
        heartbeat: time("a lease's heartbeat", field(row, 3)?)?,
    }))
}
