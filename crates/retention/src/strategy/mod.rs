//! What goes, and why: pure functions from a policy, the catalogue's facts and a threshold.

mod ahead;
mod archive;
mod delete;
mod downsample;
mod drop;
mod keep_last;
mod partman;
mod reallocate;
mod snapshot;
mod tablespace;
mod unknown;

use jiff::tz::TimeZone;
use ostler_api::document::{PartitionVerdict, RetentionProblem};
use ostler_api::retention::{PartitionRule, Policy, Strategy, TableName, TimeUnit};
use ostler_vocabulary::{ErrorKind, Timestamp};
use serde::{Deserialize, Serialize};

use crate::column::TimeColumn;
use crate::facts::{Shape, Table, Values};

/// What is removed. Everything that a run needs, and nothing that is counted: the digest covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Target {
    /// A whole partition.
    Partition {
        /// What the server knows it by.
        id: u32,
        /// The table that it is attached to.
        parent: TableName,
        /// What the server knows that one by.
        parent_id: u32,
        /// Its bounds.
        bounds: String,
        /// The column that tells the time.
        column: String,
        /// Its type.
        type_name: String,
    },
    /// A whole partition that is no table of its own.
    Values {
        /// The table that it belongs to.
        table: TableName,
        /// What the server knows it by.
        partition: Values,
        /// The column that tells the time.
        column: String,
        /// Its type.
        type_name: String,
    },
    /// A partition that is not there.
    Room {
        /// The table that it is to be attached to.
        parent: TableName,
        /// What the server knows that one by.
        parent_id: u32,
        /// The first value that is in it.
        from: String,
        /// The first value after it.
        to: String,
        /// The column that tells the time.
        column: String,
        /// The type that both are text of.
        type_name: String,
        /// The partition that has its rows until then.
        default: Option<TableName>,
    },
    /// Rows.
    Rows {
        /// The column that tells the time.
        column: String,
        /// The type that the boundary is text of.
        type_name: String,
        /// The first value that stays; `None` when no row is too young.
        boundary: Option<String>,
        /// What else a value has to be, to tell a time at all.
        form: Option<Form>,
        /// Of each key so many of the newest stay.
        last: Option<u32>,
        /// The columns of the key.
        by: Vec<String>,
    },
}

impl Target {
    /// The column that tells the time, and its type.
    #[must_use]
    pub fn column(&self) -> (&str, &str) {
        match self {
            Self::Partition {
                column, type_name, ..
            }
            | Self::Values {
                column, type_name, ..
            }
            | Self::Room {
                column, type_name, ..
            }
            | Self::Rows {
                column, type_name, ..
            } => (column, type_name),
        }
    }
}

/// What is done: everything that a run needs to know of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What is removed.
    #[serde(flatten)]
    pub target: Target,
    /// Where it is kept first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelf: Option<Shelf>,
    /// What has to have its sums first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Proven>,
    /// What else is done to it than that it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub besides: Option<Besides>,
}

/// What a server does by itself with a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "besides", rename_all = "snake_case")]
pub enum Besides {
    /// It is moved, and stays.
    Reallocate {
        /// The attribute that its nodes have to have.
        attribute: String,
        /// With this value.
        value: String,
    },
    /// Its files are moved, and it stays.
    Tablespace {
        /// Where to.
        tablespace: String,
    },
    /// It is kept in a snapshot before it goes.
    Snapshot {
        /// In which repository.
        repository: String,
    },
}

/// The rollup whose next level has to have the sums of what goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// Its name.
    pub rollup: String,
    /// The level of what goes, 0 for raw rows.
    pub level: u32,
}

/// Where and as what rows are kept before they go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    /// The store, as the policy calls it.
    pub to: String,
    /// The table that they belong to.
    pub table: TableName,
    /// What the column of the time counts, where its type does not say.
    pub unit: Option<TimeUnit>,
    /// The zone of times that name none.
    pub zone: String,
}

/// What a value has to be, to tell a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A UUID of version 7.
    Uuidv7,
    /// A ULID.
    Ulid,
}

/// Something that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The partition, or the table of the rows.
    pub table: TableName,
    /// Such as `drop partition` or `delete rows`.
    pub action: &'static str,
    /// Why.
    pub reason: String,
    /// What exactly.
    pub target: Target,
    /// Whether nothing is done when no rows are concerned.
    pub optional: bool,
    /// Where it is kept first.
    pub shelf: Option<Shelf>,
    /// What has to have its sums first.
    pub proven: Option<Proven>,
    /// What else is done to it than that it is removed.
    pub besides: Option<Besides>,
    /// Bytes, where the catalogue knows.
    pub bytes: Option<u64>,
    /// Rows by the server's statistics.
    pub rows: Option<u64>,
}

impl Item {
    /// What a run needs to know of it.
    #[must_use]
    pub fn task(&self) -> Task {
        Task {
            target: self.target.clone(),
            shelf: self.shelf.clone(),
            proven: self.proven.clone(),
            besides: self.besides.clone(),
        }
    }
}

/// What a policy does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// What goes, oldest first.
    pub items: Vec<Item>,
    /// Every partition that was looked at.
    pub partitions: Vec<PartitionVerdict>,
    /// What somebody should know.
    pub notes: Vec<String>,
}

/// What a decision is made by, besides the facts.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The moment from which ages are counted back.
    pub now: Timestamp,
    /// What is older goes, or up to when there are to be partitions; `None` keeps for ever.
    pub threshold: Option<Timestamp>,
    /// The policy's zone.
    pub zone: &'a TimeZone,
    /// When a partition is expired.
    pub rule: PartitionRule,
    /// How many of the newest partitions stay in any case.
    pub min_keep: u64,
}

/// Why a policy cannot be, whatever its table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// A sentence.
    pub reason: &'static str,
    /// What to write instead.
    pub cure: Option<&'static str>,
}

/// A strategy: whether a policy says what it needs, and what goes by it.
struct Entry {
    valid: fn(&Policy) -> Result<(), Fault>,
    decide: fn(&Question<'_>, &Table, TimeColumn) -> Result<Decision, RetentionProblem>,
}

/// Every strategy is a file beside this one and a line here. Its word is in `ostler_api::retention::Strategy`.
fn entry(strategy: Strategy) -> Entry {
    let anything = |_: &Policy| Ok(());
    let entry = |valid, decide| Entry { valid, decide };
    match strategy {
        Strategy::Drop => entry(anything, drop::decide),
        Strategy::Delete => entry(anything, delete::decide),
        Strategy::KeepLast => entry(keep_last::valid, keep_last::decide),
        Strategy::Archive => entry(archive::valid, archive::decide),
        Strategy::Downsample => entry(downsample::valid, downsample::decide),
        Strategy::Ahead => entry(ahead::valid, ahead::decide),
        Strategy::Reallocate => entry(reallocate::valid, reallocate::decide),
        Strategy::Snapshot => entry(snapshot::valid, snapshot::decide),
        Strategy::Unknown => entry(unknown::valid, unknown::decide),
    }
}

/// The moment that a policy is about, when its ages are counted from `now`; `None` for ever.
#[must_use]
pub fn threshold(policy: &Policy, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    match policy.strategy {
        Strategy::Ahead => policy.keep.after(now, zone),
        _ => policy.keep.before(now, zone),
    }
}

/// Whether a policy says what its strategy needs.
///
/// # Errors
/// What is missing.
pub fn valid(policy: &Policy) -> Result<(), Fault> {
    (entry(policy.strategy).valid)(policy)
}

/// Whether there is the place that a policy moves partitions to, as far as the server names places. Nodes come and go: what they
/// are is looked at when partitions are to move.
///
/// # Errors
/// What is wrong with it.
pub fn known_place(policy: &Policy, table: &Table) -> Result<(), RetentionProblem> {
    match (policy.strategy, &policy.target, &table.whereabouts.files) {
        (Strategy::Reallocate, Some(target), Some(files)) => tablespace::usable(files, target),
        (Strategy::Reallocate, _, None) => reallocate::attribute(policy).map(|_| ()),
        _ => Ok(()),
    }
}

/// Decides what goes.
///
/// # Errors
/// What is in the way, by its kind.
pub fn decide(question: &Question<'_>, table: &Table) -> Result<Decision, RetentionProblem> {
    if table.shape == Shape::Other {
        return Err(problem(
            ErrorKind::Invalid,
            format!("{} is no table with rows of its own", table.table),
        ));
    }
    valid(question.policy).map_err(|fault| problem(ErrorKind::Invalid, fault.reason))?;
    let column = time_column(question.policy, table)?;
    let mut decision = (entry(question.policy.strategy).decide)(question, table, column)?;
    decision.notes.extend(partman::note(question.policy, table));
    Ok(decision)
}

/// How the policy's column tells a time.
///
/// # Errors
/// When it is not there, or tells none.
pub fn time_column(policy: &Policy, table: &Table) -> Result<TimeColumn, RetentionProblem> {
    let found = table.columns.iter().find(|column| column.name == policy.column);
    let Some(found) = found else {
        return Err(problem(
            ErrorKind::NotFound,
            format!("{} has no column {}", table.table, policy.column),
        ));
    };
    TimeColumn::of(&found.type_name, policy.unit)
        .map_err(|reason| problem(ErrorKind::Invalid, format!("column {}: {reason}", policy.column)))
}

pub(crate) fn problem(kind: ErrorKind, reason: impl Into<String>) -> RetentionProblem {
    RetentionProblem {
        kind,
        reason: reason.into(),
    }
}

/// The type of the policy's column.
fn type_name(question: &Question<'_>, table: &Table) -> String {
    let mut columns = table.columns.iter();
    let found = columns.find(|column| column.name == question.policy.column);
    found.map(|column| column.type_name.clone()).unwrap_or_default()
}

/// The rows that are older than the threshold; all of them without one.
fn rows(question: &Question<'_>, table: &Table, column: TimeColumn) -> Target {
    let policy = question.policy;
    Target::Rows {
        column: policy.column.clone(),
        type_name: type_name(question, table),
        boundary: question
            .threshold
            .map(|threshold| column.boundary(threshold, question.zone)),
        form: match column {
            TimeColumn::Uuid { ulid: false } => Some(Form::Uuidv7),
            TimeColumn::Ulid => Some(Form::Ulid),
            _ => None,
        },
        last: None,
        by: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
