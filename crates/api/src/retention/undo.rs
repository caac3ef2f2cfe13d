//! Archived rows brought back.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Pace, PolicyPlace, TableName};
use crate::document::RetentionProblem;

/// Brings archived rows of a table back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// Where the table and its policies are.
    pub place: PolicyPlace,
    /// The table.
    pub table: TableName,
    /// Where its archives are, as a policy calls it; what the only policy of the table says when not given.
    #[serde(default)]
    pub from: Option<String>,
    /// Only rows of this moment or later, as people write it.
    #[serde(default)]
    pub since: Option<String>,
    /// Only rows before this moment.
    #[serde(default)]
    pub until: Option<String>,
    /// Only of this archive.
    #[serde(default)]
    pub archive: Option<String>,
    /// The zone of moments that name none.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// How long it waits for locks.
    #[serde(default)]
    pub pace: Pace,
}

/// What would be brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndoWork {
    /// The database.
    pub database: String,
    /// The table.
    pub table: TableName,
    /// Where its archives are.
    pub from: String,
    /// The first moment that comes back.
    pub since: Option<Timestamp>,
    /// The first one after it.
    pub until: Option<Timestamp>,
    /// Files, by archive and in ascending order of time.
    pub items: Vec<UndoItem>,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndoItem {
    /// The archive.
    pub archive: String,
    /// When it was made.
    pub made: Timestamp,
    /// Its manifest's name.
    pub manifest: String,
    /// The file's name.
    pub file: String,
    /// The file's checksum.
    pub blake3: String,
    /// Its rows; fewer come back when only a part of their time is asked for.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The least of its rows' times.
    pub min: String,
    /// The greatest.
    pub max: String,
    /// The partition that the rows were in.
    pub partition: Option<TableName>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndoProof {
    /// The archive.
    pub archive: String,
    /// The file.
    pub file: String,
    /// Rows that were asked for.
    pub wanted: u64,
    /// Those of them that were in the table already.
    pub there: u64,
    /// Rows that were added, each read back from the table.
    pub added: u64,
    /// Why not.
    pub problem: Option<RetentionProblem>,
    /// What somebody should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `retention undo`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndoReport {
    /// The database.
    pub database: String,
    /// The table.
    pub table: TableName,
    /// Where its archives are.
    pub from: String,
    /// Rows that were added.
    pub rows_added: u64,
    /// Each file.
    pub items: Vec<UndoProof>,
}
