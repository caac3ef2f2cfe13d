//! What is known of an operation: the documents that queries return.

use ostler_vocabulary::{ErrorKind, OperationId, ProcessIdentity, ProgressValue, Timestamp};
use serde::{Deserialize, Serialize};

/// What an operation is, recorded before it runs.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Such as `create_backup`.
    pub kind: &'static str,
    /// Version of this kind's steps.
    pub version: u32,
    /// What it is about, for people.
    pub subject: String,
    /// The serialised plan; the run takes nothing else.
    pub plan: serde_json::Value,
}

/// How a run function ended well.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The outcome document.
    pub outcome: serde_json::Value,
    /// Why it is `partial` rather than `succeeded`; empty means succeeded.
    pub partial: Vec<String>,
}

/// Something that happened to an operation while somebody watched it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A step began (again).
    StepStarted {
        /// The step's name, with its key where it has one.
        step: String,
    },
    /// A step is further than it was.
    Progress {
        /// The step's name, with its key where it has one.
        step: String,
        /// How far.
        progress: ProgressValue,
    },
    /// A step ended.
    StepEnded {
        /// The step's name, with its key where it has one.
        step: String,
        /// Whether it was done rather than failed.
        ok: bool,
    },
    /// Something worth saying.
    Message {
        /// A sentence.
        text: String,
    },
    /// The operation is over, or was left for another to resume; always the last event.
    Ended {
        /// Where it stands.
        state: State,
    },
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its owner is alive and working.
    Running,
    /// Its owner is gone; it can be resumed. Never recorded: derived when the journal is read.
    Interrupted,
    /// A cancel was asked for; it is being undone.
    Cancelling,
    /// It was undone.
    Cancelled,
    /// It failed, or its cancel could not undo everything; it can be resumed.
    Failed,
    /// It ended with a part not done.
    Partial,
    /// It ended, with all it promised.
    Succeeded,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::Interrupted,
        Self::Cancelling,
        Self::Cancelled,
        Self::Failed,
        Self::Partial,
        Self::Succeeded,
    ];

    /// The word in the journal and in documents.
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

    /// Whether `resume` has something to go on with.
    #[must_use]
    pub fn is_resumable(self) -> bool {
        matches!(self, Self::Interrupted | Self::Failed)
    }
}

/// One operation as the journal has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationRecord {
    /// Its id.
    pub id: OperationId,
    /// Its kind, such as `create_backup`.
    pub kind: String,
    /// Version of the kind's steps when it was started.
    pub version: u32,
    /// What it is about.
    pub subject: String,
    /// What it was asked to do.
    pub plan: serde_json::Value,
    /// Where it stands.
    pub state: State,
    /// Whether it went past its commit, after which nothing is undone.
    pub committed: bool,
    /// Whether somebody asked for it to be undone.
    pub cancel_requested: bool,
    /// Who works on it; `None` when nobody does.
    pub owner: Option<ProcessIdentity>,
    /// How often it was taken on: 1 for the first owner.
    pub epoch: u64,
    /// When its owner last said that it was alive.
    pub heartbeat: Timestamp,
    /// When it was first started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Time its owners worked on it, in milliseconds.
    pub worked_ms: u64,
    /// Bytes that its steps counted.
    pub bytes: u64,
    /// Why it is not a success, the outermost message first; then what could not be undone, and what was left.
    pub reasons: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What the failure means.
    pub failure: Option<ErrorKind>,
    /// The outcome document.
    pub outcome: Option<serde_json::Value>,
    /// Its steps in order.
    pub steps: Vec<StepRecord>,
    /// What it destroyed.
    pub audit: Vec<AuditRecord>,
    /// What it had to say, the first few sentences.
    #[serde(default)]
    pub messages: Vec<MessageRecord>,
}

/// A change of an operation's state, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// Its place in the order of all changes, from 1.
    pub number: u64,
    /// The operation.
    pub operation: OperationId,
    /// The how-manieth owner it had.
    pub epoch: u64,
    /// Where it stood then; [`State::Interrupted`] when it was left to be resumed.
    pub state: State,
    /// When its owner last said something.
    pub at: Timestamp,
}

/// One step as the journal has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its place in the sequence, from 0; the children of a fan-out share one.
    pub position: u64,
    /// Its name.
    pub name: String,
    /// What tells it from others of its name.
    pub key: Option<String>,
    /// `running`, `done`, `failed`, `undone` or `undo_failed`.
    pub state: String,
    /// Whether it has something to undo.
    pub undoable: bool,
    /// When it was last started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How often it was started.
    pub attempts: u32,
    /// What it returned.
    pub result: Option<serde_json::Value>,
    /// Its last progress.
    pub progress: Option<ProgressValue>,
    /// Why it failed, or why it could not be undone.
    pub reasons: Vec<String>,
}

impl StepRecord {
    /// The step's name, with its key where it has one.
    #[must_use]
    pub fn label(&self) -> String {
        label(&self.name, self.key.as_deref().unwrap_or_default())
    }
}

pub(crate) fn label(name: &str, key: &str) -> String {
    if key.is_empty() {
        name.to_owned()
    } else {
        format!("{name} {key}")
    }
}

/// Something that an operation had to say while it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// When.
    pub at: Timestamp,
    /// A sentence.
    pub text: String,
}

/// Something that an operation destroyed, or was about to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
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
