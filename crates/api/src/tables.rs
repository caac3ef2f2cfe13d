//! Work on tables besides ageing by policy: what is defined by name (rollups, materialised tables, statements), and what is
//! run as an operation. Every kind of work has the same plan, items and proofs, so that a new one is a file with what it is
//! asked by, and a line in [`TableTask`].

mod rollup;
mod work;

use serde::{Deserialize, Serialize};

use crate::retention::{Pace, PolicyPlace};
pub use rollup::{RefreshRollup, Rollup, RollupLevel, RollupState, RollupValue, ValueKind};
pub use work::{Evidence, TableItem, TableProof, TablesReport, TablesWork};

/// Work on tables of a database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// Where tables and definitions are.
    pub place: PolicyPlace,
    /// What is to be done.
    pub task: TableTask,
    /// How hard it works, and how long it waits for locks.
    #[serde(default)]
    pub pace: Pace,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum TableTask {
    /// `rollup refresh`
    RefreshRollup(RefreshRollup),
}

impl TableTask {
    /// The kind's name in the journal.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RefreshRollup(_) => "rollup-refresh",
        }
    }

    /// Whether schedules may run it.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        match self {
            Self::RefreshRollup(_) => true,
        }
    }
}

/// What is called by a name in a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Definition {
    /// Sums of a table by time.
    Rollup(Rollup),
}

/// Its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefinitionKind {
    /// A rollup.
    Rollup,
}

impl DefinitionKind {
    /// As it is said.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rollup => "rollup",
        }
    }
}

impl Definition {
    /// The rollup that it is.
    #[must_use]
    pub fn rollup(&self) -> Option<&Rollup> {
        match self {
            Self::Rollup(rollup) => Some(rollup),
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> DefinitionKind {
        match self {
            Self::Rollup(_) => DefinitionKind::Rollup,
        }
    }
}

/// A definition with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defined {
    /// Its name; no other of its kind has it.
    pub name: String,
    /// What it is.
    pub definition: Definition,
    /// Of a rollup, how far its levels are, the raw table first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<RollupState>,
}

/// `rollup list` and `show`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionList {
    /// The database.
    pub database: String,
    /// Those that were asked for, by name.
    pub definitions: Vec<Defined>,
}

/// `rollup add` and `remove`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionChange {
    /// The database.
    pub database: String,
    /// Its kind.
    pub kind: DefinitionKind,
    /// Its name.
    pub name: String,
    /// `added` or `removed`.
    pub action: String,
    /// Tables, views and the like that were made or removed with it.
    pub objects: Vec<String>,
}
