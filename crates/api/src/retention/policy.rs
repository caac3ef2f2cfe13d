//! A policy, one that is wished for, and a change to one.

use std::collections::BTreeSet;

use ostler_vocabulary::Period;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Floors, PartitionRule, Strategy, TableName, TimeUnit};

/// For how long the data of one table is kept, and what is done with what is older.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Where what goes is kept. For `archive` an address, or a class of storage of the configuration; for `downsample` a rollup.
    /// For `reallocate` an attribute of nodes, such as `storage=warm`; for `snapshot` a repository.
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

    /// Where what goes is archived.
    #[must_use]
    pub fn shelf(&self) -> Option<&String> {
        self.target
            .as_ref()
            .filter(|_| self.strategy == Strategy::Archive)
    }

    /// The rollup that has to have the sums of what goes.
    #[must_use]
    pub fn rollup(&self) -> Option<&String> {
        self.target
            .as_ref()
            .filter(|_| self.strategy == Strategy::Downsample)
    }
}

/// A policy that somebody wants, with what can be found out left open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
        if !policy.strategy.has_target() && !asked {
            policy.target = None;
        }
        policy
    }
}
