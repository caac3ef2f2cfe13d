//! A rollup with the types of its columns, as the catalogue has them: what every database looks at alike.

use std::collections::BTreeMap;

use ostler_api::retention::TimeUnit;
use ostler_api::tables::Rollup;
use ostler_vocabulary::{ErrorKind, Failure};

use super::{valid, widths};
use crate::column::TimeColumn;
use crate::facts::Shape;
use crate::{Database, Error};

/// A rollup with the types of its columns, if all of it can be in a database that sums up columns of these types.
///
/// # Errors
/// [`Error::Definition`], [`Error::NoTable`]; failures of the database.
pub(crate) async fn resolved(
    database: &dyn Database,
    name: &str,
    mut rollup: Rollup,
    numbers: &[&str],
) -> Result<Rollup, Failure> {
    valid(name, &rollup)?;
    let wrong = |reason: String| {
        Failure::from(Error::Definition {
            what: "rollup",
            name: name.to_owned(),
            reason,
        })
    };
    let facts = database
        .facts(&rollup.table)
        .await?
        .ok_or_else(|| Error::NoTable {
            table: rollup.table.clone(),
            database: database.name(),
        })?;
    if facts.shape == Shape::Other {
        return Err(wrong(format!(
            "{} is no table with rows of its own",
            rollup.table
        )));
    }
    let values = rollup.values.iter().map(|value| &value.column);
    let named = std::iter::once(&rollup.column).chain(&rollup.by).chain(values);
    let mut types = BTreeMap::new();
    for column in named {
        let found = facts.columns.iter().find(|known| known.name == *column);
        let found = found.ok_or_else(|| wrong(format!("{} has no column {column}", rollup.table)))?;
        types.insert(column.clone(), found.type_name.clone());
    }
    let time = types.get(&rollup.column).map_or("", String::as_str);
    time_of(time, rollup.unit).map_err(|reason| wrong(format!("column {}: {reason}", rollup.column)))?;
    for value in &rollup.values {
        let of = types.get(&value.column).map_or("", String::as_str);
        if !numbers.contains(&of) {
            return Err(wrong(not_summed(&value.column, of)));
        }
    }
    rollup.types = types;
    Ok(rollup)
}

/// Why a column cannot be summed up, and what to do where something can be done.
fn not_summed(column: &str, of: &str) -> String {
    match of.starts_with("numeric") {
        true => format!(
            "column {column} is of type {of}, which is not summed up here: sum up a generated column that is made from it, of whole numbers or DOUBLE PRECISION"
        ),
        false => format!("column {column} is of type {of}, which is no number"),
    }
}

/// How long the buckets of a rollup with types are, the finest first, and how its raw column tells the time.
///
/// # Errors
/// [`Error::Definition`]; `Invalid` for a column that tells no time.
pub(crate) fn lengths_and_time(name: &str, rollup: &Rollup) -> Result<(Vec<i64>, TimeColumn), Failure> {
    let of = rollup.types.get(&rollup.column).map_or("", String::as_str);
    let time = time_of(of, rollup.unit)
        .map_err(|reason| Failure::new(ErrorKind::Invalid, format!("column {}: {reason}", rollup.column)))?;
    Ok((widths(name, rollup)?, time))
}

/// How the raw column tells the time.
///
/// # Errors
/// Why it tells none that buckets can be made of, as a sentence.
fn time_of(type_name: &str, unit: Option<TimeUnit>) -> Result<TimeColumn, String> {
    match TimeColumn::of(type_name, unit)? {
        TimeColumn::Epoch(_) if !matches!(type_name, "bigint" | "integer") => Err(format!(
            "it is of type {type_name}: times of rollups are whole numbers"
        )),
        time @ (TimeColumn::Moment | TimeColumn::Civil | TimeColumn::Epoch(_)) => Ok(time),
        _ => Err(format!(
            "it is of type {type_name}, which tells no time to the second"
        )),
    }
}
