//! Rollups: sums of a table by time, in levels that are made from each other.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ostler_vocabulary::Period;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::retention::{TableName, TimeUnit};

/// Sums of a table by time: raw rows, then buckets of a minute, of an hour, of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollup {
    /// The table of the raw rows.
    pub table: TableName,
    /// Its column that tells the time.
    pub column: String,
    /// How the column tells a time, where its type does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
    /// Columns by which rows are told apart: each combination has its own sums.
    #[serde(default)]
    pub by: Vec<String>,
    /// Columns that are summed up.
    pub values: Vec<RollupValue>,
    /// Its levels, the finest first. The length of each is a multiple of the one before.
    pub levels: Vec<RollupLevel>,
    /// Rows may come so late: each refresh makes buckets of this time anew.
    pub late: Period,
    /// Rows that came later still are looked for so far back, and their buckets made anew; a day when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_back: Option<Period>,
    /// Between two readings of a counter that are further apart nothing is counted; without one there is no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Period>,
    /// The types of the columns, found when it was added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, String>,
}

impl Rollup {
    /// The table of a level, 1 being the finest. The view that joins them all bears the rollup's own name.
    #[must_use]
    pub fn level_table(&self, name: &str, level: usize) -> TableName {
        let every = self
            .levels
            .get(level.saturating_sub(1))
            .map(|level| level.every.to_string());
        TableName {
            schema: self.table.schema.clone(),
            name: format!("{name}_{}", every.unwrap_or_default()),
        }
    }

    /// The view that joins the levels.
    #[must_use]
    pub fn view(&self, name: &str) -> TableName {
        TableName {
            schema: self.table.schema.clone(),
            name: name.to_owned(),
        }
    }
}

/// A column that is summed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollupValue {
    /// Its name.
    pub column: String,
    /// What its numbers are.
    pub kind: ValueKind,
    /// Whether percentiles are wanted, which costs a sketch for every bucket.
    #[serde(default)]
    pub percentiles: bool,
}

/// What the numbers of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// Each stands for itself, as a temperature does: count, sum, least, greatest, first, last.
    Gauge,
    /// Each counts on from the one before and may begin again at zero: first, last, increase, resets.
    Counter,
}

/// A level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollupLevel {
    /// How long a bucket is.
    pub every: Period,
    /// For how long its buckets are kept.
    pub keep: Period,
}

/// How far a level is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RollupState {
    /// 0 for the raw table.
    pub level: u32,
    /// Its table.
    pub table: TableName,
    /// Rows before this moment were removed, the next level being proven; none were when not given.
    pub kept_from: Option<Timestamp>,
    /// Everything before this moment is summed up in it.
    pub watermark: Option<Timestamp>,
}

/// Brings the levels of a rollup up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRollup {
    /// Its name.
    pub name: String,
    /// Make all buckets from this moment on anew, as people write it; from where the last refresh ended when not given.
    #[serde(default)]
    pub since: Option<String>,
    /// Only rows before this moment; now when not given. A plan has the moment.
    #[serde(default)]
    pub until: Option<String>,
}
