//! Looks and totals in a database of the state.
//!
//! Contract: every method is one transaction; what returned `Ok` survives a crash. Each change of the journal is in the
//! totals once, however many processes count at once.

use std::collections::BTreeMap;

use ostler_state::{Database, Error, Kind, Place, Row, Transaction, values};
use ostler_vocabulary::Timestamp;

use super::observation::{self, Observation};
use super::totals::Addition;

mod queries;

const KIND: Kind = Kind {
    file_name: "metrics.db",
    schema: "metrics",
    what: "record of metrics",
    // `OSTM`
    application: 0x4F53_544D,
    sqlite: &[include_str!("record/migrations/0001_observations.sql")],
    postgres: &[include_str!("record/migrations/postgres/0001_observations.sql")],
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

/// The record, open. What is lost of it with the machine is seen again: nothing waits for the disk.
#[derive(Debug)]
pub(crate) struct Record {
    db: Database,
}

impl Record {
    /// Opens or makes it where the state is.
    pub fn open(place: &Place) -> Result<Self, Error> {
        Ok(Self {
            db: Database::open(&KIND, place)?,
        })
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
        self.db.write_lightly(|db| {
            let values = values![
                observation.kind.as_str(),
                observation.name,
                observation.at.as_millisecond(),
                i64::try_from(observation.took_ms).unwrap_or(i64::MAX),
                observation.failure,
                seen
            ];
            db.execute(queries::ADD_OBSERVATION, &values).map(drop)
        })
    }

    /// The newest look at each thing, with what was seen last.
    pub fn observations(&self) -> Result<Vec<Observation>, Error> {
        self.db.read(|db| {
            let rows = db.query(queries::OBSERVATIONS, &[])?;
            rows.iter().map(observation).collect()
        })
    }

    /// Leaves one look of each day that is over, and none from before `before`.
    pub fn forget(&self, before: Timestamp, now: Timestamp) -> Result<usize, Error> {
        let today = now.as_millisecond().div_euclid(DAY_MS) * DAY_MS;
        self.db.write_lightly(|db| {
            let thinned = db.execute(queries::THIN, &values![today])?;
            let forgotten = db.execute(queries::FORGET, &values![before.as_millisecond()])?;
            Ok(thinned + forgotten)
        })
    }

    /// Up to which change of the journal operations are in the totals.
    pub fn cursor(&self) -> Result<u64, Error> {
        self.db.read(cursor)
    }

    /// Adds what happened between two changes, unless somebody else did.
    pub fn count(&self, after: u64, up_to: u64, additions: &[Addition]) -> Result<(), Error> {
        self.db.write_lightly(|db| {
            if cursor(db)? != after {
                return Ok(());
            }
            for addition in additions {
                let labels = serde_json::to_string(&addition.labels).unwrap_or_default();
                db.execute(
                    queries::ADD_TOTAL,
                    &values![addition.name, labels, addition.value],
                )?;
            }
            let number = i64::try_from(up_to).unwrap_or(i64::MAX);
            db.execute(queries::ADVANCE, &values![number]).map(drop)
        })
    }

    /// All totals.
    pub fn totals(&self) -> Result<Vec<Total>, Error> {
        self.db.read(|db| {
            let total = |row: &Row| {
                Ok(Total {
                    name: row.get(0)?,
                    labels: parsed(row, 1)?.unwrap_or_default(),
                    value: row.get(2)?,
                })
            };
            db.query(queries::TOTALS, &[])?.iter().map(total).collect()
        })
    }
}

fn cursor(db: &Transaction<'_>) -> Result<u64, Error> {
    let number: i64 = db.one(queries::CURSOR, &[])?.get(0)?;
    Ok(u64::try_from(number).unwrap_or(0))
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row, index: usize) -> Result<Option<T>, Error> {
    row.get::<Option<String>>(index)?
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| row.unreadable(index, error))
}

fn observation(row: &Row) -> Result<Observation, Error> {
    let time = |index: usize| -> Result<Option<Timestamp>, Error> {
        let ms: Option<i64> = row.get(index)?;
        Ok(ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    };
    Ok(Observation {
        kind: match row.get::<String>(0)?.as_str() {
            "vault" => observation::Kind::Vault,
            _ => observation::Kind::Database,
        },
        name: row.get(1)?,
        at: time(2)?.unwrap_or_default(),
        took_ms: u64::try_from(row.get::<i64>(3)?).unwrap_or(0),
        failure: row.get(4)?,
        seen: parsed(row, 5)?,
        seen_at: time(6)?,
    })
}

#[cfg(test)]
mod tests;
