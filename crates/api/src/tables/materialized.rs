//! Materialised tables: what a query says, kept as a table.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::retention::TableName;

/// A table that has the rows of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Materialized {
    /// The table.
    pub table: TableName,
    /// The query.
    pub query: String,
    /// A column of its rows that tells the time, by which a part of it can be made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

/// Makes the rows of a materialised table anew, and swaps them in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshMaterialized {
    /// Its name.
    pub name: String,
    /// Only rows of this moment or later, as people write it.
    #[serde(default)]
    pub since: Option<String>,
    /// Only rows before this moment.
    #[serde(default)]
    pub until: Option<String>,
}
