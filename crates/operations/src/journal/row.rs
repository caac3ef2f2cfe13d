//! Rows of the journal as documents. Stored text that cannot be read is an error, never a panic.

use std::collections::HashMap;

use ostler_state::{FromCell, Row, Transaction, values};
use ostler_vocabulary::{OperationCursor, OperationId, ProcessIdentity, ProgressValue, Timestamp, Unit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::rules::Head;
use super::stored::queries;
use crate::error::Error;
use crate::record::{AuditRecord, ChangeRecord, MessageRecord, OperationRecord, State, StepRecord};

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

fn field<T: FromCell>(row: &Row, index: usize) -> Result<T, Error> {
    Ok(row.get(index)?)
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
pub(super) fn head(db: &Transaction<'_>, id: OperationId) -> Result<Head, Error> {
    let row = db
        .optional(queries::OPERATION_HEAD, &values![id.to_string()])?
        .ok_or_else(|| Error::NotFound(id.to_string()))?;
    Ok(Head {
        id,
        state: state(&field::<String>(&row, 0)?)?,
        committed: field(&row, 1)?,
        cancel_requested: field(&row, 2)?,
        owner: parsed_option::<ProcessIdentity>("an owner", field(&row, 3)?)?,
        epoch: unsigned("an epoch", field(&row, 4)?)?,
        heartbeat: time("a heartbeat", field(&row, 5)?)?,
    })
}

pub(super) fn changes(db: &Transaction<'_>, after: u64, limit: usize) -> Result<Vec<ChangeRecord>, Error> {
    let rows = db.query(queries::CHANGES, &values![signed(after), signed(limit as u64)])?;
    let change = |row: &Row| {
        Ok(ChangeRecord {
            number: unsigned("a change's number", field(row, 0)?)?,
            operation: operation_id(&field::<String>(row, 1)?)?,
            epoch: unsigned("an epoch", field(row, 2)?)?,
            state: state(&field::<String>(row, 3)?)?,
            at: time("a change's time", field(row, 4)?)?,
        })
    };
    rows.iter().map(change).collect()
}

pub(super) fn newest_change(db: &Transaction<'_>) -> Result<u64, Error> {
    let sql = match db.is_postgres() {
        true => queries::NEWEST_CHANGE_POSTGRES,
        false => queries::NEWEST_CHANGE,
    };
    unsigned("a change's number", field(&db.one(sql, &[])?, 0)?)
}

pub(super) fn one(db: &Transaction<'_>, id: OperationId) -> Result<OperationRecord, Error> {
    let row = db
        .optional(queries::OPERATION, &values![id.to_string()])?
        .ok_or_else(|| Error::NotFound(id.to_string()))?;
    with_parts(db, record(&row)?)
}

/// Those of a page, without their parts: two queries, however many there are.
pub(super) fn newest(
    db: &Transaction<'_>,
    limit: usize,
    after: Option<&OperationCursor>,
) -> Result<Vec<OperationRecord>, Error> {
    let below = match after {
        None => i64::MAX,
        Some(after) => {
            let place = values![after.id.to_string(), millis(after.started)];
            field::<Option<i64>>(&db.one(queries::PAGE_BELOW, &place)?, 0)?.unwrap_or(0)
        }
    };
    let page = values![signed(limit as u64), below];
    let mut bytes: HashMap<String, u64> = HashMap::new();
    for row in db.query(queries::NEWEST_PROGRESS, &page)? {
        let progress: ProgressValue = parsed("a step's progress", &field::<String>(&row, 1)?)?;
        let sum = bytes.entry(field(&row, 0)?).or_default();
        *sum = sum.saturating_add(bytes_of(progress));
    }
    let listed = |row: &Row| {
        let mut record = record(row)?;
        record.bytes = bytes.get(&record.id.to_string()).copied().unwrap_or(0);
        Ok(record)
    };
    db.query(queries::NEWEST_OPERATIONS, &page)?
        .iter()
        .map(listed)
        .collect()
}

pub(super) fn ids(db: &Transaction<'_>, prefix: &str, limit: usize) -> Result<Vec<OperationId>, Error> {
    let rows = db.query(queries::OPERATION_IDS, &values![prefix, signed(limit as u64)])?;
    rows.iter()
        .map(|row| operation_id(&field::<String>(row, 0)?))
        .collect()
}

fn record(row: &Row) -> Result<OperationRecord, Error> {
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

fn with_parts(db: &Transaction<'_>, mut record: OperationRecord) -> Result<OperationRecord, Error> {
    let id = values![record.id.to_string()];
    for row in db.query(queries::STEPS, &id)? {
        record.steps.push(step(&row)?);
    }
    for row in db.query(queries::AUDIT, &id)? {
        record.audit.push(AuditRecord {
            at: time("an audit entry's time", field(&row, 0)?)?,
            action: field(&row, 1)?,
            item: field(&row, 2)?,
            bytes: unsigned("an audit entry's size", field(&row, 3)?)?,
            reason: field(&row, 4)?,
        });
    }
    for row in db.query(queries::MESSAGES, &id)? {
        record.messages.push(MessageRecord {
            at: time("a message's time", field(&row, 0)?)?,
            text: field(&row, 1)?,
        });
    }
    record.bytes = bytes(&record.steps);
    Ok(record)
}

fn step(row: &Row) -> Result<StepRecord, Error> {
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
        .fold(0, |sum, progress| sum.saturating_add(bytes_of(progress)))
}

fn bytes_of(progress: ProgressValue) -> u64 {
    match progress.unit {
        Unit::Bytes => progress.done,
        _ => 0,
    }
}

/// The row of a named lease.
pub(super) struct Lease {
    pub(super) purpose: String,
    /// `None` when it is free.
    pub(super) owner: Option<ProcessIdentity>,
    pub(super) epoch: u64,
    pub(super) heartbeat: Timestamp,
}

pub(super) fn lease(db: &Transaction<'_>, name: &str) -> Result<Option<Lease>, Error> {
    let Some(row) = db.optional(queries::LEASE, &values![name])? else {
        return Ok(None);
    };
    Ok(Some(Lease {
        purpose: field(&row, 0)?,
        owner: parsed_option("a lease's holder", field(&row, 1)?)?,
        epoch: unsigned("a lease's epoch", field(&row, 2)?)?,
        heartbeat: time("a lease's heartbeat", field(&row, 3)?)?,
    }))
}
