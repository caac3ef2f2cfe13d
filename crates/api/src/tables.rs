//! Work on tables besides ageing by policy: what is defined by name (rollups, materialised tables, statements), and what is
//! run as an operation. Every kind of work has the same plan, items and proofs, so that a new one is a file with what it is
//! asked by, and a line in [`TableTask`].

mod erase;
mod materialized;
mod query;
mod rollup;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::retention::{Pace, PolicyPlace};
pub use erase::{Erase, SubjectColumn};
pub use materialized::{Materialized, RefreshMaterialized};
pub use query::{Query, RunQuery};
pub use rollup::{RefreshRollup, Rollup, RollupLevel, RollupState, RollupValue, ValueKind};
pub use work::{Evidence, TableItem, TableProof, TablesReport, TablesWork};

/// Work on tables of a database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum TableTask {
    /// `rollup refresh`
    RefreshRollup(RefreshRollup),
    /// `materialize refresh`
    RefreshMaterialized(RefreshMaterialized),
    /// `query run`
    RunQuery(RunQuery),
    /// `retention erase`
    Erase(Erase),
}

impl TableTask {
    /// The kind of `retention erase`.
    pub const ERASE: &'static str = "erase";

    /// The kind's name in the journal.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RefreshRollup(_) => "rollup-refresh",
            Self::RefreshMaterialized(_) => "materialize-refresh",
            Self::RunQuery(_) => "query-run",
            Self::Erase(_) => Self::ERASE,
        }
    }

    /// What it is about, as it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::RefreshRollup(task) => &task.name,
            Self::RefreshMaterialized(task) => &task.name,
            Self::RunQuery(task) => &task.query,
            // Whose they are is not written down wherever work is.
            Self::Erase(_) => Self::ERASE,
        }
    }

    /// Whether schedules may run it.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        match self {
            Self::RefreshRollup(_) | Self::RefreshMaterialized(_) | Self::RunQuery(_) => true,
            Self::Erase(_) => false,
        }
    }

    /// Whether it does what whoever asks says, whatever that is.
    #[must_use]
    pub fn is_free(&self) -> bool {
        matches!(self, Self::RunQuery(_) | Self::Erase(_))
    }
}

/// What is called by a name in a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Definition {
    /// Sums of a table by time.
    Rollup(Rollup),
    /// A table that has the rows of a query.
    Materialized(Materialized),
    /// A statement.
    Query(Query),
}

/// Its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DefinitionKind {
    /// A rollup.
    Rollup,
    /// A materialised table.
    Materialized,
    /// A statement.
    Query,
}

impl DefinitionKind {
    /// The noun of its commands.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Materialized => "materialize",
            other => other.as_str(),
        }
    }

    /// As it is said, and stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rollup => "rollup",
            Self::Materialized => "materialized",
            Self::Query => "query",
        }
    }
}

impl Definition {
    /// The rollup that it is.
    #[must_use]
    pub fn rollup(&self) -> Option<&Rollup> {
        match self {
            Self::Rollup(rollup) => Some(rollup),
            _ => None,
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> DefinitionKind {
        match self {
            Self::Rollup(_) => DefinitionKind::Rollup,
            Self::Materialized(_) => DefinitionKind::Materialized,
            Self::Query(_) => DefinitionKind::Query,
        }
    }
}

/// A definition with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Defined {
    /// Its name; no other of its kind has it.
    pub name: String,
    /// What it is.
    pub definition: Definition,
    /// Of a rollup, how far its levels are, the raw table first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<RollupState>,
}

/// `rollup list` and `show`, and those of `materialize` and `query`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DefinitionList {
    /// The database.
    pub database: String,
    /// Those that were asked for, by name.
    pub definitions: Vec<Defined>,
}

/// `rollup add` and `remove`, and those of `materialize` and `query`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
