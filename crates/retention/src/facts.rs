//! What a database's catalogue says of a table, as values that decisions are made from.

use std::collections::BTreeMap;

use ostler_api::retention::TableName;
use ostler_api::tables::Defined;
use serde::{Deserialize, Serialize};

use crate::obstacle::Obstacles;

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub table: TableName,
    /// What it is.
    pub shape: Shape,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// Columns that it is known to be partitioned by, even while it has no partition.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Everything below it that a partitioned table, however deep, holds directly.
    pub partitions: Vec<Partition>,
    /// Whether partitions can be detached while others work.
    pub detaches_concurrently: bool,
    /// Whether rows can be taken away together with a proof of what they were: nobody writes between the two.
    #[serde(default)]
    pub rows_go_proven: bool,
    /// What is in the default partition, where that was asked for.
    #[serde(default)]
    pub stray: Stray,
    /// The rollup that the policy names, where it names one.
    #[serde(default)]
    pub rollup: Option<Defined>,
    /// Where its partitions are, where that was asked for.
    #[serde(default)]
    pub whereabouts: Whereabouts,
    /// What pg_partman does with it, where it does.
    #[serde(default)]
    pub partman: Option<Partman>,
    /// Repositories of the server's own snapshots, where that was asked for.
    #[serde(default)]
    pub repositories: Vec<String>,
    /// What stands in the way of it and of tables below it.
    #[serde(default)]
    pub obstacles: Obstacles,
}

/// What pg_partman is told to do with a table. We change nothing of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partman {
    /// How many partitions it makes ahead.
    pub premake: i32,
    /// After how long it removes or detaches partitions by itself.
    pub retention: Option<String>,
}

/// Where partitions are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    /// The attributes of each node, by its id.
    pub nodes: BTreeMap<String, Attributes>,
    /// Each partition, by what the server calls it.
    pub partitions: BTreeMap<String, Place>,
    /// Where files are, of a server that has them in tablespaces.
    #[serde(default)]
    pub files: Option<Files>,
}

/// Where a server has files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// Its tablespaces, and whether we may put files there.
    pub tablespaces: BTreeMap<String, bool>,
    /// What partitions have in files, by the partition's id.
    pub pieces: BTreeMap<u32, Vec<Piece>>,
}

/// A table or an index, with files of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Its name.
    pub name: TableName,
    /// What it is.
    pub kind: PieceKind,
    /// Where its files are.
    pub tablespace: String,
}

/// What has files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PieceKind {
    /// A table.
    Table,
    /// An index of one.
    Index,
    /// What is kept apart for a table, and moves with it.
    Apart,
}

/// Attributes of a node, or such as are required of it.
pub type Attributes = BTreeMap<String, String>;

/// Where a partition is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What its nodes have to have.
    pub required: Attributes,
    /// The node of each of its shards; `None` for one that is on its way, or nowhere.
    pub shards: Vec<Option<String>>,
}

impl Whereabouts {
    /// How many shards of a partition are, settled, on nodes with an attribute, and how many there are.
    #[must_use]
    pub fn settled(&self, ident: &str, attribute: &str, value: &str) -> (usize, usize) {
        let shards = self
            .partitions
            .get(ident)
            .map(|it| it.shards.as_slice())
            .unwrap_or_default();
        let right = |shard: &&Option<String>| {
            let node = shard.as_ref().and_then(|node| self.nodes.get(node));
            node.is_some_and(|node| node.get(attribute).is_some_and(|has| has == value))
        };
        (shards.iter().filter(right).count(), shards.len())
    }
}

/// Rows in a default partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stray {
    /// The oldest of their times, as the server writes it.
    pub oldest: Option<String>,
    /// The newest.
    pub newest: Option<String>,
}

/// What a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A table with rows of its own.
    Plain,
    /// One whose rows are in partitions.
    Partitioned,
    /// A view, a foreign table, or whatever else has no rows that we could remove.
    Other,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The name of its type; of a domain, that of the type below.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The column that its values are cut down from, such as a month from a moment.
    #[serde(default)]
    pub made_from: Option<String>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its name; of one that has none, the table's with its values in brackets.
    pub table: TableName,
    /// The table that it belongs to.
    pub parent: TableName,
    /// What the server knows it by.
    pub known: Known,
    /// From when to when its rows are, for each column that tells.
    pub ranges: Vec<(String, Range)>,
    /// Bytes with indexes and all that belongs to it.
    pub bytes: u64,
    /// Rows by the server's statistics; `None` when there are none yet.
    pub rows: Option<u64>,
}

/// Values of a column as text of its type, as PostgreSQL writes them: rows of a partition have them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first one; `None` for no limit, or when it cannot be told.
    pub from: Option<String>,
    /// The first one that is not in it any more.
    pub to: Option<String>,
    /// Whether `to` is the last one that is in it instead: the key has more columns, which go on from there.
    #[serde(default)]
    pub to_is_in: bool,
}

/// What a server knows a partition by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Known {
    /// A table of its own, attached to another one: PostgreSQL.
    Attached(Attached),
    /// Values of the table's partition columns: CrateDB.
    Values(Values),
}

/// A table that is attached to another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Its number: another of the same name has another one.
    pub id: u32,
    /// The number of the one that it is attached to.
    pub parent_id: u32,
    /// How that one is partitioned: `range`, `list` or `hash`.
    pub method: String,
    /// Its key: columns by name, `None` for an expression.
    pub key: Vec<Option<String>>,
    /// The bounds, as the server writes them.
    pub bounds: String,
    /// Whether somebody began to detach it and did not end.
    pub detaching: bool,
}

/// The rows of a table that have certain values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    /// What the server calls it, which follows from the values.
    pub ident: String,
    /// What it calls this one of them: another one that comes after it has another. Empty where the server tells none.
    pub uuid: String,
    /// The partition columns with their values, in the table's order.
    pub values: Vec<(String, serde_json::Value)>,
}

impl Table {
    /// Whether a level of the table is partitioned by the column, or by one that is made from it.
    #[must_use]
    pub fn partitioned_by(&self, column: &str) -> bool {
        self.keys.iter().any(|key| key == column)
            || self
                .partitions
                .iter()
                .any(|partition| partition.range(column).is_some())
    }
}

impl Partition {
    /// From when to when its rows are, by a column; `None` when it has nothing to do with that column.
    #[must_use]
    pub fn range(&self, column: &str) -> Option<&Range> {
        let found = self.ranges.iter().find(|(name, _)| name == column);
        found.map(|(_, range)| range)
    }

    /// As a table that is attached to another one.
    #[must_use]
    pub fn attached(&self) -> Option<&Attached> {
        match &self.known {
            Known::Attached(attached) => Some(attached),
            Known::Values(_) => None,
        }
    }

    /// Whether it takes what no other one does.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.attached().is_some_and(|it| it.bounds == "DEFAULT")
    }

    /// What it is told from others by, for people.
    #[must_use]
    pub fn bounds(&self) -> String {
        match &self.known {
            Known::Attached(attached) => attached.bounds.clone(),
            Known::Values(values) => {
                let pairs = values.values.iter();
                pairs
                    .map(|(column, value)| format!("{column} = {value}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            }
        }
    }
}
