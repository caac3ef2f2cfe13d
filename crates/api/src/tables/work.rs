//! Plans and reports of work on tables: the same for every kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::RetentionProblem;

/// What would be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TablesWork {
    /// The database.
    pub database: String,
    /// In the order in which they are done.
    pub items: Vec<TableItem>,
    /// What somebody should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableItem {
    /// The table that is changed, or the name of a statement.
    pub object: String,
    /// Such as `roll up` or `erase rows`.
    pub action: String,
    /// Why, and how much of it.
    pub reason: String,
    /// Rows that are concerned, where they were counted.
    pub rows: Option<u64>,
    /// What would be sent to the server, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<String>,
    /// What a run needs to know; the digest covers it.
    pub detail: Value,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TablesReport {
    /// The database.
    pub database: String,
    /// The kind of the work.
    pub work: String,
    /// What it was about.
    pub subject: String,
    /// Rows that were written or removed.
    pub rows: u64,
    /// Each item.
    pub items: Vec<TableProof>,
    /// What its plan said somebody should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableProof {
    /// The table, or the name of a statement.
    pub object: String,
    /// What was done.
    pub action: String,
    /// Rows that were written or removed.
    pub rows: u64,
    /// What was compared, after it was done.
    pub evidence: Vec<Evidence>,
    /// Why not.
    pub problem: Option<RetentionProblem>,
    /// What somebody should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was compared.
    pub what: String,
    /// What had to be.
    pub expected: String,
    /// What is.
    pub found: String,
    /// Whether that is the same, or near enough where `what` says so.
    pub holds: bool,
}

impl Evidence {
    /// A comparison of two numbers that have to be equal.
    #[must_use]
    pub fn equal(what: impl Into<String>, expected: u64, found: u64) -> Self {
        Self {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
            holds: expected == found,
        }
    }
}
