//! Policies, what they would remove and what they removed, as documents.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ostler_vocabulary::ErrorKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::retention::{Policy, Strategy, TableName};

/// `retention policy list` and `export`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyList {
    /// The database.
    #[serde(default)]
    pub database: String,
    /// By name.
    pub policies: Vec<Policy>,
}

/// `retention policy tags`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyTags {
    /// The database.
    pub database: String,
    /// How many policies have each tag.
    pub tags: BTreeMap<String, u64>,
}

/// One policy that was added, changed or removed, or was so already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyChanged {
    /// Its name.
    pub policy: String,
    /// `added`, `changed`, `unchanged` or `removed`.
    pub action: String,
    /// What it was.
    pub before: Option<Policy>,
    /// What it is now.
    pub after: Option<Policy>,
}

/// What verbs print that change policies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyChanges {
    /// The database.
    pub database: String,
    /// In the order they were made.
    pub changes: Vec<PolicyChanged>,
}

/// What is wrong with a policy, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyFinding {
    /// The policy.
    pub policy: String,
    /// Whether it cannot work so.
    pub fatal: bool,
    /// What it is.
    pub text: String,
}

/// `retention policy check`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyCheckList {
    /// The database.
    pub database: String,
    /// How many policies were looked at.
    pub policies: u64,
    /// What was found.
    pub findings: Vec<PolicyFinding>,
}

/// An entry of the audit in the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionEntry {
    /// Its number.
    pub entry: i64,
    /// When.
    pub at: Timestamp,
    /// The database's user.
    pub who: String,
    /// `added`, `changed`, `removed`, or what a run did.
    pub action: String,
    /// The policy.
    pub policy: String,
    /// What it was done to, for runs.
    pub item: Option<String>,
    /// Rows that went.
    pub rows: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The operation.
    pub operation: Option<String>,
    /// The policy before, for changes.
    pub before: Option<serde_json::Value>,
    /// The policy after, for changes.
    pub after: Option<serde_json::Value>,
}

/// `retention history`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionHistory {
    /// The database.
    pub database: String,
    /// Newest first.
    pub entries: Vec<RetentionEntry>,
}

/// What stands in the way of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionProblem {
    /// What it means.
    pub kind: ErrorKind,
    /// A sentence.
    pub reason: String,
}

/// What a policy would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionVerdict {
    /// Its name.
    pub policy: String,
    /// The table.
    pub table: TableName,
    /// What is done.
    pub strategy: Strategy,
    /// What is older goes; `None` when everything is kept for ever.
    pub threshold: Option<Timestamp>,
    /// How many items go by it; 0 with no problem means that no data is old enough.
    pub items: u64,
    /// Why nothing goes by it, or not all that is old enough.
    pub problem: Option<RetentionProblem>,
    /// What somebody should know.
    pub notes: Vec<String>,
    /// Each partition with its verdict, oldest first, when it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<PartitionVerdict>,
}

/// Whether a partition goes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartitionVerdict {
    /// The partition.
    pub partition: TableName,
    /// Its first moment.
    pub start: Option<Timestamp>,
    /// The first moment after it.
    pub end: Option<Timestamp>,
    /// Whether it goes.
    pub goes: bool,
    /// Why.
    pub reason: String,
}

/// One thing that goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionItem {
    /// By which policy.
    pub policy: String,
    /// The partition, or the table of the rows.
    pub table: TableName,
    /// What is done to it, such as `drop partition`.
    pub action: String,
    /// Why.
    pub reason: String,
    /// Rows that go.
    pub rows: Option<u64>,
    /// Whether that is the server's estimate.
    pub estimated: bool,
    /// Bytes that it takes, where all of it goes.
    pub bytes: Option<u64>,
    /// The oldest of its times.
    pub oldest: Option<String>,
    /// The newest of its times.
    pub newest: Option<String>,
    /// It is refused when more rows would go by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<u64>,
    /// What is sent to the server, in order; batches are repeated.
    pub statements: Vec<String>,
    /// What the run needs to know, by the kind of the database.
    pub detail: serde_json::Value,
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionProof {
    /// By which policy.
    pub policy: String,
    /// The partition or table.
    pub table: TableName,
    /// What was done.
    pub action: String,
    /// Rows that the plan named.
    pub planned: Option<u64>,
    /// Expired rows that were there before.
    pub before: u64,
    /// Rows that were removed.
    pub removed: u64,
    /// Expired rows that are left.
    pub after: u64,
    /// Why it was not done, or not wholly.
    pub problem: Option<RetentionProblem>,
    /// What somebody should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where it is kept, where it was read back from before anything was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveProof>,
}

/// An archive that was read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArchiveProof {
    /// The store, as the policy calls it.
    pub to: String,
    /// The manifest's name there.
    pub manifest: String,
    /// The manifest's checksum.
    pub blake3: String,
    /// Rows, and the sum of their hashes, as they were read back.
    pub tally: String,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// `retention run`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionReport {
    /// The database.
    pub database: String,
    /// Rows that were removed.
    pub rows_removed: u64,
    /// Each item.
    pub items: Vec<RetentionProof>,
    /// Policies by which nothing could be done, with the reason.
    pub refused: Vec<PolicyFinding>,
}
