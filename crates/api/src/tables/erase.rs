//! All rows of one subject.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::retention::TableName;

/// Removes all rows of one subject: a person, a customer, a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// The value by which its rows are known.
    pub subject: String,
    /// Where that value stands.
    pub of: Vec<SubjectColumn>,
}

/// A column that says whose a row is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectColumn {
    /// The table.
    pub table: TableName,
    /// Its column.
    pub column: String,
}
