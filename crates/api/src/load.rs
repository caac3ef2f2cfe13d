//! What a system that runs loads of a backup.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How files that were brought beside a system come into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadWay {
    /// Each node takes the files of the node of the backup that owned what it owns.
    #[default]
    Import,
    /// Rows are sent to whichever nodes own them now.
    Stream,
}

/// Chosen tables of a backup, loaded by a system that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadWork {
    /// How.
    pub way: LoadWay,
    /// Statements that are run first, in this order; what they make and is there already is left as it is.
    pub before: Vec<String>,
    /// Tables that are emptied then: they come back in place.
    pub empties: Vec<String>,
    /// What is loaded.
    pub tables: Vec<LoadTable>,
    /// Statements that are run when everything is loaded.
    pub after: Vec<String>,
}

/// A table that is loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadTable {
    /// Its directory in the backup, below a root.
    pub from: PathBuf,
    /// The keyspace it goes to.
    pub keyspace: String,
    /// The table it goes to.
    pub table: String,
    /// The id of that table: another one of the same name is not loaded into.
    pub id: String,
}
