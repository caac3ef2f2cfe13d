//! Looks and totals in an SQLite file of the state directory.
//!
//! Contract: every method is one transaction; what returned `Ok` survives a crash. Each change of the journal is in the
//! totals once, however many processes count at once.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_operations::Database;
use ostler_vocabulary::Timestamp;
use rusqlite::{Row, Transaction, params};

use super::observation::{Kind, Observation};
use super::totals::Addition;
use crate::Error;
use crate::state_file::{StateFile, unreadable};

mod queries;

const DATABASE: Database = Database {
    file_name: "metrics.db",
    what: "record of metrics",
    // `OSTM`
    application: 0x4F53_544D,
    migrations: &[include_str!("record/migrations/0001_observations.sql")],
    program: env!("CARGO_PKG_VERSION"),
};

const DAY_MS: i64 = 86_400_000;

/// The sum of something over all operations that ever ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Total {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// The record in its file.
#[derive(Debug)]
pub(crate) struct Record {
    file: StateFile,
}

impl Record {
    /// Opens or makes `metrics.db` in a directory.
    pub fn open(directory: &Path) -> Result<Self, ostler_operations::Error> {
        // What is lost with the machine is seen again.
        let file = StateFile::open(&DATABASE, directory, "NORMAL")?;
        Ok(Self { file })
    }

    /// Records a look.
    pub fn add(&self, observation: &Observation) -> Result<(), Error> {
        let seen = match observation.failure {
            None => observation
                .seen
                .as_ref()
                .and_then(|seen| serde_json::to_string(seen).ok()),
            Some(_) => None,
        };
        self.file.write(|db| {
            let values = params![
                observation.kind.as_str(),
                observation.name,
                observation.at.as_millisecond(),
                i64::try_from(observation.took_ms).unwrap_or(i64::MAX),
                observation.failure,
                seen
            ];
            db.execute(queries::ADD_OBSERVATION, values).map(drop)
        })
    }

    /// The newest look at each thing, with what was seen last.
    pub fn observations(&self) -> Result<Vec<Observation>, Error> {
        self.file.read(|db| {
            let mut statement = db.prepare_cached(queries::OBSERVATIONS)?;
            statement.query_map([], observation)?.collect()
        })
    }

    /// Leaves one look of each day that is over, and none from before `before`.
    pub fn forget(&self, before: Timestamp, now: Timestamp) -> Result<usize, Error> {
        let today = now.as_millisecond().div_euclid(DAY_MS) * DAY_MS;
        self.file.write(|db| {
            let thinned = db.execute(queries::THIN, [today])?;
            let forgotten = db.execute(queries::FORGET, [before.as_millisecond()])?;
            Ok(thinned + forgotten)
        })
    }

    /// Up to which change of the journal operations are in the totals.
    pub fn cursor(&self) -> Result<u64, Error> {
        self.file.read(cursor)
    }

    /// Adds what happened between two changes, unless somebody else did.
    pub fn count(&self, after: u64, up_to: u64, additions: &[Addition]) -> Result<(), Error> {
        self.file.write(|db| {
            if cursor(db)? != after {
                return Ok(());
            }
            for addition in additions {
                let labels = serde_json::to_string(&addition.labels).unwrap_or_default();
                db.prepare_cached(queries::ADD_TOTAL)?.execute(params![
                    addition.name,
                    labels,
                    addition.value
                ])?;
            }
            let number = i64::try_from(up_to).unwrap_or(i64::MAX);
            db.execute(queries::ADVANCE, [number]).map(drop)
        })
    }

    /// All totals.
    pub fn totals(&self) -> Result<Vec<Total>, Error> {
        self.file.read(|db| {
            let mut statement = db.prepare_cached(queries::TOTALS)?;
            let rows = statement.query_map([], |row| {
                Ok(Total {
                    name: row.get(0)?,
                    labels: parsed(row, 1)?.unwrap_or_default(),
                    value: row.get(2)?,
                })
            })?;
            rows.collect()
        })
    }
}

fn cursor(db: &Transaction<'_>) -> rusqlite::Result<u64> {
    let number: i64 = db.query_row(queries::CURSOR, [], |row| row.get(0))?;
    Ok(u64::try_from(number).unwrap_or(0))
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<String>>(index)?
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| unreadable(index, error))
}

fn observation(row: &Row<'_>) -> rusqlite::Result<Observation> {
    let time = |index: usize| -> rusqlite::Result<Option<Timestamp>> {
        let ms: Option<i64> = row.get(index)?;
        Ok(ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    };
    Ok(Observation {
        kind: match row.get::<_, String>(0)?.as_str() {
            "vault" => Kind::Vault,
            _ => Kind::Database,
        },
        name: row.get(1)?,
        at: time(2)?.unwrap_or_default(),
        took_ms: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
        failure: row.get(4)?,
        seen: parsed(row, 5)?,
        seen_at: time(6)?,
    })
}

#[cfg(test)]
mod tests;
