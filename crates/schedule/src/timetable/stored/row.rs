//! Rows of the timetable as documents. Stored text that cannot be read is an error, never a panic.

use ostler_api::document::Firing;
use ostler_api::schedule::Schedule;
use ostler_state::{FromCell, Row, Transaction, Value, values};
use ostler_vocabulary::{OperationId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::{Entry, Run, Stage};
use super::queries;
use crate::decision::Running;
use crate::error::Error;

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::Damaged(what.to_string())
}

pub(super) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| damaged("a number is negative"))
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(damaged)
}

pub(super) fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(damaged)
}

pub(super) fn time(ms: i64) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(ms).map_err(damaged)
}

/// The word of a value that is one word in JSON.
pub(super) fn word<T: Serialize>(value: &T) -> Result<String, Error> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        other => Err(damaged(format_args!("{other:?} is not a word"))),
    }
}

fn of_word<T: DeserializeOwned>(word: String) -> Result<T, Error> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(damaged)
}

fn field<T: FromCell>(row: &Row, index: usize) -> Result<T, Error> {
    Ok(row.get(index)?)
}

fn id(text: Option<String>) -> Result<Option<OperationId>, Error> {
    text.map(|text| text.parse().map_err(damaged)).transpose()
}

pub(super) fn entry(db: &Transaction<'_>, name: &str) -> Result<Entry, Error> {
    entries(db, Some(name))?
        .pop()
        .ok_or_else(|| Error::NotFound(name.to_owned()))
}

pub(super) fn entries(db: &Transaction<'_>, name: Option<&str>) -> Result<Vec<Entry>, Error> {
    let mut found = Vec::new();
    for row in &db.query(queries::SCHEDULES, &values![name])? {
        let optional_time = |index| field::<Option<i64>>(row, index)?.map(time).transpose();
        let pause: Option<String> = field(row, 4)?;
        let newest: Option<i64> = field(row, 9)?;
        let running = optional_time(6)?.zip(optional_time(7)?);
        found.push(Entry {
            schedule: Schedule {
                name: field(row, 0)?,
                version: unsigned(field(row, 1)?)?,
                created: time(field(row, 2)?)?,
                pause: pause.as_deref().map(parsed).transpose()?,
                definition: parsed(&field::<String>(row, 5)?)?,
            },
            decided: time(field(row, 3)?)?,
            running: running.map(|(due, began)| Running { due, began }),
            last_good: optional_time(8)?,
            last: match newest {
                Some(number) => Some(run(db, unsigned(number)?)?.firing),
                None => None,
            },
        });
    }
    Ok(found)
}

pub(super) fn run(db: &Transaction<'_>, number: u64) -> Result<Run, Error> {
    runs(db, queries::FIRING, &values![signed(number)])?
        .pop()
        .ok_or(Error::NoFiring(number))
}

pub(super) fn runs(db: &Transaction<'_>, sql: &str, values: &[Value]) -> Result<Vec<Run>, Error> {
    let mut found = Vec::new();
    for row in &db.query(sql, values)? {
        let stage: String = field(row, 4)?;
        let owner: Option<String> = field(row, 12)?;
        found.push(Run {
            firing: Firing {
                number: unsigned(field(row, 0)?)?,
                schedule: field(row, 1)?,
                cause: of_word(field(row, 2)?)?,
                due: time(field(row, 3)?)?,
                state: of_word(field(row, 5)?)?,
                began: time(field(row, 6)?)?,
                ended: field::<Option<i64>>(row, 7)?.map(time).transpose()?,
                operation: id(field(row, 8)?)?,
                keep_operation: id(field(row, 9)?)?,
                missed: unsigned(field(row, 10)?)?,
                reasons: parsed(&field::<String>(row, 11)?)?,
                failure: field::<Option<String>>(row, 14)?.map(of_word).transpose()?,
            },
            stage: Stage::ALL
                .into_iter()
                .find(|known| known.as_str() == stage)
                .ok_or_else(|| damaged(format_args!("`{stage}` is not a stage")))?,
            owner: owner.as_deref().map(parsed).transpose()?,
            epoch: unsigned(field(row, 13)?)?,
            heard: field::<Option<i64>>(row, 15)?.map(time).transpose()?,
        });
    }
    Ok(found)
}
