//! What the server answers.

use serde::Deserialize;
use serde_json::Value;

/// The answer to a statement.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Answer {
    /// Names of columns.
    #[serde(default)]
    pub cols: Vec<String>,
    /// Types of columns by their number, an array as a pair; empty unless asked for.
    #[serde(default)]
    pub col_types: Vec<Value>,
    /// Rows; moments are milliseconds since 1970.
    #[serde(default)]
    pub rows: Vec<Vec<Value>>,
    /// How many rows it concerned; -1 when the server does not know, as when partitions were dropped.
    #[serde(default)]
    pub rowcount: i64,
}

/// What became of one list of parameters in a bulk request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Outcome {
    /// How many rows it concerned; -2 for a failure.
    pub rowcount: i64,
    /// Why it failed. The server gives no more than ten of a shard.
    #[serde(default)]
    pub error: Option<Trouble>,
}

/// Why a list of parameters failed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Trouble {
    /// The server's code.
    pub code: i64,
    /// Its message.
    pub message: String,
}

impl Outcome {
    /// Whether it failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.rowcount == -2
    }
}

/// The answer to a bulk request.
#[derive(Debug, Deserialize)]
pub(crate) struct Bulk {
    pub results: Vec<Outcome>,
}

/// The answer to what failed.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    pub error: Trouble,
}
