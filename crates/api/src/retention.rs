//! What is asked of a database's retention policies, and what it answers.

mod name;
mod policy;
mod strategy;
mod undo;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{
    PolicyChanges, PolicyCheckList, PolicyList, PolicyTags, RetentionHistory, RetentionItem, RetentionVerdict,
};
use crate::queue::DatabaseChoice;
use crate::tables::{Definition, DefinitionChange, DefinitionKind, DefinitionList};
pub use name::{NameError, TableColumn, TableName};
pub use policy::{Policy, PolicyChange, PolicyWish};
pub use strategy::Strategy;
pub use undo::{Undo, UndoItem, UndoProof, UndoReport, UndoWork};

/// The schema of policies where nobody says another.
pub const DEFAULT_SCHEMA: &str = "ext";

/// Where policies are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyPlace {
    /// The database that they govern, and that holds them.
    #[serde(default)]
    pub database: DatabaseChoice,
    /// The schema of their tables.
    pub schema: String,
}

/// Which end of a partition has to be older than the threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionRule {
    /// Its end: no row in it is younger.
    #[default]
    End,
    /// Its start, as CrateDB Toolkit does: rows in it may be younger by nearly a whole partition.
    Start,
}

/// How a number, a UUID or a text tells a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimeUnit {
    /// Seconds since 1970.
    S,
    /// Milliseconds since 1970.
    Ms,
    /// Microseconds since 1970.
    Us,
    /// Nanoseconds since 1970.
    Ns,
    /// The first 48 bits of a UUID of version 7.
    Uuidv7,
    /// The first ten characters of a ULID, or its first 48 bits in a UUID.
    Ulid,
}

/// What a policy may not do, whatever its plan says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Floors {
    /// Refuse a plan that removes more rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<u64>,
    /// Refuse a plan that removes more than this share (0 to 1) of the table's rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delete_ratio: Option<f64>,
    /// So many of the newest partitions always stay (1 unless given); of rows, refuse a plan that leaves fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_keep: Option<u64>,
}

impl Floors {
    /// These, and others where these say nothing.
    #[must_use]
    pub fn over(self, others: Self) -> Self {
        Self {
            max_rows: self.max_rows.or(others.max_rows),
            max_delete_ratio: self.max_delete_ratio.or(others.max_delete_ratio),
            min_keep: self.min_keep.or(others.min_keep),
        }
    }
}

/// Which policies are meant: those of all these names, or with all these tags; all of them when neither is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyChoice {
    /// By name; each has to be there.
    pub names: Vec<String>,
    /// By tags; each has to be known.
    pub tags: BTreeSet<String>,
}

/// Everything about policies that is done at once rather than as an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum RetentionCall {
    /// `retention policy list`, `export`
    List {
        /// Which.
        choice: PolicyChoice,
    },
    /// `retention policy tags`
    Tags,
    /// `retention policy check`
    Check {
        /// Which.
        choice: PolicyChoice,
    },
    /// `retention policy add`, `retention add`, `retention ttl`
    Add {
        /// The policy.
        wish: PolicyWish,
        /// Whether one of that name is replaced.
        replace: bool,
    },
    /// `retention policy import`
    Import {
        /// The policies.
        policies: Vec<Policy>,
        /// Whether those of the same names are replaced.
        replace: bool,
    },
    /// `retention policy edit`
    Edit {
        /// Its name.
        policy: String,
        /// Only if this is still its version.
        version: Option<i64>,
        /// What is to be different.
        change: PolicyChange,
    },
    /// `retention policy remove`
    Remove {
        /// Which; names or tags are needed.
        choice: PolicyChoice,
    },
    /// `retention history`
    History {
        /// At most so many entries, newest first.
        limit: i64,
    },
    /// `rollup list` and `show`
    Definitions {
        /// Of this kind.
        kind: DefinitionKind,
        /// Only the one of this name.
        name: Option<String>,
    },
    /// `rollup add`
    Define {
        /// Its name.
        name: String,
        /// What it is.
        definition: Definition,
    },
    /// `rollup remove`
    Undefine {
        /// Its kind.
        kind: DefinitionKind,
        /// Its name.
        name: String,
        /// Whether the data that were made by it are removed too; without, it is refused where there are any.
        with_data: bool,
    },
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum RetentionAnswer {
    /// Policies.
    Policies(PolicyList),
    /// Tags.
    Tags(PolicyTags),
    /// What is wrong with policies.
    Checked(PolicyCheckList),
    /// What was changed.
    Changes(PolicyChanges),
    /// Who changed and ran what.
    History(RetentionHistory),
    /// What is defined by name.
    Definitions(DefinitionList),
    /// What was defined, or is not any more.
    Defined(DefinitionChange),
}

/// Removes what policies say is too old.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Where the policies are.
    pub place: PolicyPlace,
    /// Which of them.
    #[serde(default)]
    pub choice: PolicyChoice,
    /// Only those of this strategy.
    #[serde(default)]
    pub strategy: Option<Strategy>,
    /// From when ages are counted back, as people write it; now when not given. A plan has the moment.
    #[serde(default)]
    pub cutoff: Option<String>,
    /// The zone of a cutoff that names none.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Instead of the policies' own.
    #[serde(default)]
    pub partition_rule: Option<PartitionRule>,
    /// Floors instead of the policies' own.
    #[serde(default)]
    pub floors: Floors,
    /// Whether rows are taken from the server's statistics rather than counted.
    #[serde(default)]
    pub estimate: bool,
    /// Whether the plan also tells why each partition stays.
    #[serde(default)]
    pub explain: bool,
    /// How hard it works.
    #[serde(default)]
    pub pace: Pace,
}

/// How hard a run works, and how long it waits for locks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// How long a batch of deletions is to take, in milliseconds. The number of its rows follows from that.
    pub batch_ms: u64,
    /// How long it rests after each batch, as a multiple of what the batch took.
    pub rest: f64,
    /// How long it goes on trying to get a lock, in milliseconds. Each try takes 300 ms at most.
    pub lock_wait_ms: u64,
    /// How long others may have to wait while rows are moved out of a default partition, in milliseconds.
    pub move_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch_ms: 100,
            rest: 0.5,
            lock_wait_ms: 60_000,
            move_ms: 300,
        }
    }
}

/// What a plan of retention would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionWork {
    /// The database.
    pub database: String,
    /// The moment from which ages are counted back.
    pub cutoff: ostler_vocabulary::Timestamp,
    /// Each policy with what it would do, by name.
    pub policies: Vec<RetentionVerdict>,
    /// What would go, in the order in which it goes.
    pub items: Vec<RetentionItem>,
}
