//! What is asked of a database's retention policies, and what it answers.

mod name;
mod undo;

use std::collections::BTreeSet;

use ostler_vocabulary::Period;
use serde::{Deserialize, Serialize};

use crate::document::{
    PolicyChanges, PolicyCheckList, PolicyList, PolicyTags, RetentionHistory, RetentionItem, RetentionVerdict,
};
use crate::queue::DatabaseChoice;
pub use name::{NameError, TableColumn, TableName};
pub use undo::{Undo, UndoItem, UndoProof, UndoReport, UndoWork};

/// The schema of policies where nobody says another.
pub const DEFAULT_SCHEMA: &str = "ext";

/// Where policies are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyPlace {
    /// The database that they govern, and that holds them.
    #[serde(default)]
    pub database: DatabaseChoice,
    /// The schema of their tables.
    pub schema: String,
}

/// What is done with what is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Whole partitions are dropped.
    Drop,
    /// Rows are deleted.
    Delete,
    /// All rows but the newest of each key are deleted.
    KeepLast,
    /// Partitions or rows are kept in Parquet files of an object store, and removed then.
    Archive,
    /// Partitions are made before their rows come.
    Ahead,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Drop,
        Self::Delete,
        Self::KeepLast,
        Self::Archive,
        Self::Ahead,
    ];

    /// What it does, in a few words.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Drop => "Drop whole partitions",
            Self::Delete => "Delete rows",
            Self::KeepLast => "Delete all rows but the newest of each key",
            Self::Archive => {
                "Keep partitions or rows in Parquet files of an object store, and remove them then"
            }
            Self::Ahead => "Make partitions that long before their rows come",
        }
    }

    /// By its word, in letters of any case.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.as_str().eq_ignore_ascii_case(word))
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Delete => "delete",
            Self::KeepLast => "keep-last",
            Self::Archive => "archive",
            Self::Ahead => "ahead",
        }
    }
}

/// Which end of a partition has to be older than the threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionRule {
    /// Its end: no row in it is younger.
    #[default]
    End,
    /// Its start, as CrateDB Toolkit does: rows in it may be younger by nearly a whole partition.
    Start,
}

/// How a number, a UUID or a text tells a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
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

/// For how long the data of one table is kept, and what is done with what is older.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name; no other has it.
    pub name: String,
    /// The table.
    pub table: TableName,
    /// The column that tells the time.
    pub column: String,
    /// What is done.
    pub strategy: Strategy,
    /// Where what goes is kept: an address, or a class of storage of the configuration. For `archive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// For how long rows are kept; for `ahead`, how long before their rows partitions are made.
    pub keep: Period,
    /// For `ahead`: how long a partition is; as long as the newest one when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Period>,
    /// By which policies are chosen.
    #[serde(default)]
    pub tags: BTreeSet<String>,
    /// The zone in which days and months are counted, and of times that name none.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// How the column tells a time, where its type does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
    /// When a partition is expired.
    #[serde(default)]
    pub partition_rule: PartitionRule,
    /// For `keep-last`: rows that are kept of each key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// For `keep-last`: the columns of the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// What it may not do.
    #[serde(default)]
    pub floors: Floors,
    /// Raised by each change.
    #[serde(default)]
    pub version: i64,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Policy {
    /// A policy with nothing but what it needs.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        table: TableName,
        column: impl Into<String>,
        strategy: Strategy,
        keep: Period,
    ) -> Self {
        Self {
            name: name.into(),
            table,
            column: column.into(),
            strategy,
            target: None,
            keep,
            step: None,
            tags: BTreeSet::new(),
            time_zone: utc(),
            unit: None,
            partition_rule: PartitionRule::End,
            last: None,
            by: Vec::new(),
            floors: Floors::default(),
            version: 0,
        }
    }
}

/// A policy that somebody wants, with what can be found out left open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyWish {
    /// Its name; that of the table unless given.
    pub name: Option<String>,
    /// The table.
    pub table: TableName,
    /// The column; the only one of the table that tells a time unless given.
    pub column: Option<String>,
    /// What is done; `drop` for a table partitioned by the column and `delete` for others unless given.
    pub strategy: Option<Strategy>,
    /// For how long.
    pub keep: Period,
    /// What else is said.
    #[serde(default)]
    pub change: PolicyChange,
}

/// What is to be different about a policy; what is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyChange {
    /// For how long rows are kept.
    pub keep: Option<Period>,
    /// The column.
    pub column: Option<String>,
    /// What is done.
    pub strategy: Option<Strategy>,
    /// Where what goes is kept.
    pub target: Option<String>,
    /// How long a partition is.
    pub step: Option<Period>,
    /// Tags instead of those it has; empty leaves them.
    pub tags: BTreeSet<String>,
    /// The zone.
    pub time_zone: Option<String>,
    /// How the column tells a time.
    pub unit: Option<TimeUnit>,
    /// When a partition is expired.
    pub partition_rule: Option<PartitionRule>,
    /// Rows that are kept of each key.
    pub last: Option<u32>,
    /// The columns of the key; empty leaves them.
    pub by: Vec<String>,
    /// Floors; each one that is given.
    pub floors: Floors,
}

impl PolicyChange {
    /// The policy with the change made.
    #[must_use]
    pub fn applied(self, mut policy: Policy) -> Policy {
        fn put<T>(slot: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *slot = value;
            }
        }
        let asked = self.target.is_some();
        put(&mut policy.keep, self.keep);
        put(&mut policy.column, self.column);
        put(&mut policy.strategy, self.strategy);
        put(&mut policy.time_zone, self.time_zone);
        put(&mut policy.partition_rule, self.partition_rule);
        policy.unit = self.unit.or(policy.unit);
        policy.target = self.target.or(policy.target);
        policy.step = self.step.or(policy.step);
        policy.last = self.last.or(policy.last);
        if !self.tags.is_empty() {
            policy.tags = self.tags;
        }
        if !self.by.is_empty() {
            policy.by = self.by;
        }
        policy.floors = self.floors.over(policy.floors);
        if policy.strategy != Strategy::Archive && !asked {
            policy.target = None;
        }
        policy
    }
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyChoice {
    /// By name; each has to be there.
    pub names: Vec<String>,
    /// By tags; each has to be known.
    pub tags: BTreeSet<String>,
}

/// Everything about policies that is done at once rather than as an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}

/// Removes what policies say is too old.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// How long a batch of deletions is to take, in milliseconds. The number of its rows follows from that.
    pub batch_ms: u64,
    /// How long it rests after each batch, as a multiple of what the batch took.
    pub rest: f64,
    /// How long it goes on trying to get a lock, in milliseconds. Each try takes 300 ms at most.
    pub lock_wait_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch_ms: 100,
            rest: 0.5,
            lock_wait_ms: 60_000,
        }
    }
}

/// What a plan of retention would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
