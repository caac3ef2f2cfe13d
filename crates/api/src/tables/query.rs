//! Statements that are run as operations.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A statement with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The statement; `:name` is a parameter.
    pub sql: String,
}

/// Runs a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunQuery {
    /// The name of one that is defined, or a statement. One word without blanks is a name.
    pub query: String,
    /// What its parameters are.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}
