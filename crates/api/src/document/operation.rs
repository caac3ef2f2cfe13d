//! Operations as documents: where they stand, their steps, and what they deleted.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ostler_vocabulary::{ErrorKind, OperationCursor, OperationId, ProgressValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::traffic::Traffic;

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Its owner is alive and working.
    Running,
    /// Its owner is gone; it can be resumed.
    Interrupted,
    /// It is being undone.
    Cancelling,
    /// It was undone.
    Cancelled,
    /// It failed; what it left is named.
    Failed,
    /// It ended with a part not done.
    Partial,
    /// It ended, with its proof.
    Succeeded,
}

impl OperationSummary {
    /// Its place in lists: what comes after it was begun before it.
    #[must_use]
    pub fn cursor(&self) -> OperationCursor {
        OperationCursor {
            started: self.started,
            id: self.id,
        }
    }
}

impl OperationState {
    /// The word in tables and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Partial => "partial",
            Self::Succeeded => "succeeded",
        }
    }

    /// Whether nothing will happen to it any more unless somebody resumes it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Failed | Self::Partial | Self::Succeeded
        )
    }
}

/// One row of `operation list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperationSummary {
    /// The operation's id.
    pub id: OperationId,
    /// Its kind, such as `create_backup`.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// Where it stands.
    pub state: OperationState,
    /// When it was first started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Time its owners worked on it, in milliseconds.
    pub duration_ms: u64,
    /// Bytes it moved, as its progress counted them.
    pub bytes: u64,
    /// Why it is not a success, the outermost message first.
    pub reasons: Vec<String>,
    /// The clusters that all of it is about; none where it is about anything else.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub clusters: BTreeSet<String>,
}

/// `operation list`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperationList {
    /// Newest first.
    pub operations: Vec<OperationSummary>,
}

/// One step of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepSummary {
    /// The step's name, with its key where it has one.
    pub name: String,
    /// `running`, `done`, `failed`, `undone`.
    pub state: String,
    /// When it was last started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How often it was started.
    pub attempts: u32,
    /// Its last progress.
    pub progress: Option<ProgressValue>,
    /// Why it failed.
    pub reasons: Vec<String>,
}

/// One line of the audit record: something that was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// What was done, such as `delete backup`.
    pub action: String,
    /// To what.
    pub item: String,
    /// Bytes it had.
    pub bytes: u64,
    /// By which rule or request.
    pub reason: String,
}

/// A sentence that an operation had to say while it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// When.
    pub at: Timestamp,
    /// The sentence.
    pub text: String,
}

/// `operation show`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: OperationSummary,
    /// Who works on it, as `host (process N)`.
    pub owner: Option<String>,
    /// How often it changed hands.
    pub epoch: u64,
    /// Its steps in order.
    pub steps: Vec<StepSummary>,
    /// What it deleted.
    pub audit: Vec<AuditEntry>,
    /// What it had to say while it ran.
    #[serde(default)]
    pub messages: Vec<Message>,
    /// What it says of itself, once it has ended well or in part.
    pub outcome: Option<Outcome>,
    /// What it asked of the store, once it has ended well or in part; its plan included, where one process did both.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// What it left behind and what to do next, when it did not end well.
    pub advice: Option<String>,
    /// What the failure means, when it failed; the exit code of whoever waited for it is derived from this.
    #[serde(default)]
    pub failure: Option<ErrorKind>,
}
