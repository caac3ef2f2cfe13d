//! An event as PgQ gives it. The fields keep PgQ's own names.

use ostler_vocabulary::Timestamp;
use serde::{Deserialize, Serialize};

use super::row::{Row, RowError};

/// One event of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Number within the queue. Ascending within a batch; a later batch may hold smaller ones.
    pub ev_id: i64,
    /// When its transaction began, or what a retried or copied event brought along.
    pub ev_time: Timestamp,
    /// The transaction that inserted it; after a retry the one that inserted it again.
    pub ev_txid: i64,
    /// How often it was retried; `None` the first time.
    pub ev_retry: Option<i32>,
    /// What kind of event it is; for triggers the operation, such as `I:id` or `{"op":"INSERT",…}`.
    pub ev_type: Option<String>,
    /// The payload.
    pub ev_data: Option<String>,
    /// For triggers the table, as `schema.name`.
    pub ev_extra1: Option<String>,
    /// For triggers with `backup` the row before the change.
    pub ev_extra2: Option<String>,
    /// Free for producers.
    pub ev_extra3: Option<String>,
    /// Free for producers.
    pub ev_extra4: Option<String>,
}

/// An event that holds bytes which are no text. Only a database in `SQL_ASCII` has such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable {
    /// Number within the queue.
    pub ev_id: i64,
    /// The field.
    pub field: &'static str,
}

impl Event {
    /// The payload, read as JSON.
    ///
    /// # Errors
    /// When there is none or it is not of this shape.
    pub fn json<'e, T: Deserialize<'e>>(&'e self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.ev_data.as_deref().unwrap_or("null"))
    }

    /// The change of a row that `pgq.logutriga` or `pgq.jsontriga` wrote.
    ///
    /// # Errors
    /// When it is no such event, or a damaged one.
    pub fn row(&self) -> Result<Row, RowError> {
        Row::of(self)
    }

    /// One of the fields a rule may name: `ev_type`, `ev_data`, `ev_extra1` to `ev_extra4`. `None` for another name or
    /// an empty field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        match name {
            "ev_type" => self.ev_type.as_deref(),
            "ev_data" => self.ev_data.as_deref(),
            "ev_extra1" => self.ev_extra1.as_deref(),
            "ev_extra2" => self.ev_extra2.as_deref(),
            "ev_extra3" => self.ev_extra3.as_deref(),
            "ev_extra4" => self.ev_extra4.as_deref(),
            _ => None,
        }
    }

    /// About how many bytes it takes in memory.
    #[must_use]
    pub fn size(&self) -> usize {
        let texts = [
            &self.ev_type,
            &self.ev_data,
            &self.ev_extra1,
            &self.ev_extra2,
            &self.ev_extra3,
            &self.ev_extra4,
        ];
        let text: usize = texts.into_iter().flatten().map(String::len).sum();
        size_of::<Self>() + text
    }
}
