//! What can go wrong in the engine and its journal.

use ostler_vocabulary::{Classified, ErrorKind, OperationId, ProcessIdentity};

/// A failure of the engine or its journal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal's database cannot be opened, read or written.
    #[error(transparent)]
    State(#[from] ostler_state::Error),
    /// A stored value cannot be what was written.
    #[error("the operations journal is damaged: {what}")]
    Damaged {
        /// Which value.
        what: String,
    },
    /// No operation has this id or prefix.
    #[error("there is no operation `{0}`")]
    NotFound(String),
    /// A prefix names more than one.
    #[error("`{0}` names more than one operation")]
    Ambiguous(String),
    /// An operation has this id already.
    #[error("there is an operation {0} already")]
    Exists(OperationId),
    /// It is being worked on.
    #[error("operation {id} is being run by {} (process {})", owner.host, owner.pid)]
    OwnedBy {
        /// The operation.
        id: OperationId,
        /// By whom.
        owner: ProcessIdentity,
    },
    /// Another owner has taken it over.
    #[error("operation {id} was taken over by another process (this one had epoch {epoch})")]
    Superseded {
        /// The operation.
        id: OperationId,
        /// The epoch of the owner that lost it.
        epoch: u64,
    },
    /// It is over.
    #[error("operation {id} is over: {state}")]
    Over {
        /// The operation.
        id: OperationId,
        /// How it ended.
        state: &'static str,
    },
    /// It has committed.
    #[error("operation {id} has committed; it can no longer be cancelled")]
    Committed {
        /// The operation.
        id: OperationId,
    },
    /// It was cancelled while it ran.
    #[error("operation {id} was cancelled")]
    Cancelled {
        /// The operation.
        id: OperationId,
    },
    /// The program wants another step than the journal has.
    #[error("operation {id} came to step `{found}` at place {position}, where {recorded}")]
    UnexpectedStep {
        /// The operation.
        id: OperationId,
        /// The place in the sequence.
        position: u64,
        /// The step that the program wants.
        found: String,
        /// What the journal says of it.
        recorded: String,
    },
    /// A recorded result is not of the type that the program wants.
    #[error("operation {id} cannot read the recorded result of step `{step}`")]
    ResultType {
        /// The operation.
        id: OperationId,
        /// The step.
        step: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A step's result cannot be written as JSON.
    #[error("the result of step `{step}` is not JSON")]
    ResultEncoding {
        /// The step.
        step: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A step's result is too large for the journal.
    #[error("the result of step `{step}` has {bytes} bytes; the journal takes {limit}")]
    ResultTooLarge {
        /// The step.
        step: String,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It is of another kind than the caller runs.
    #[error("operation {id} is of kind `{recorded}`, not `{asked}`")]
    OtherKind {
        /// The operation.
        id: OperationId,
        /// Its kind.
        recorded: String,
        /// The kind that was asked for.
        asked: &'static str,
    },
    /// Its steps are of a version that this program does not know.
    #[error(
        "operation {id} (`{kind}`) has steps of version {recorded}; this program knows version {known} and the one before"
    )]
    OtherVersion {
        /// The operation.
        id: OperationId,
        /// Its kind.
        kind: String,
        /// The version of its steps.
        recorded: u32,
        /// The version of this program.
        known: u32,
    },
    /// The run function panicked.
    #[error("operation {id} stopped by a defect of the program: {message}")]
    Panicked {
        /// The operation.
        id: OperationId,
        /// What the panic said.
        message: String,
    },
    /// Somebody else holds the lease.
    #[error("the lease `{name}` is held by {} (process {}) for {purpose}", owner.host, owner.pid)]
    LeaseHeld {
        /// The lease.
        name: String,
        /// For what.
        purpose: String,
        /// By whom.
        owner: ProcessIdentity,
    },
    /// The lease went to somebody else.
    #[error("the lease `{name}` was lost (it had epoch {epoch})")]
    LeaseLost {
        /// The lease.
        name: String,
        /// The epoch of the holder that lost it.
        epoch: u64,
    },
    /// The runtime is going down.
    #[error("the program is shutting down")]
    ShuttingDown,
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::State(error) => error.kind(),
            Self::OtherVersion { .. } => ErrorKind::Unsupported,
            Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Exists(_) => ErrorKind::AlreadyExists,
            Self::Ambiguous(_) | Self::OtherKind { .. } => ErrorKind::Invalid,
            Self::OwnedBy { .. } | Self::LeaseHeld { .. } => ErrorKind::Busy,
            Self::Superseded { .. }
            | Self::UnexpectedStep { .. }
            | Self::ResultType { .. }
            | Self::LeaseLost { .. } => ErrorKind::Conflict,
            Self::Over { .. } | Self::Committed { .. } => ErrorKind::Refused,
            Self::Cancelled { .. } | Self::ShuttingDown => ErrorKind::Cancelled,
            Self::ResultEncoding { .. } | Self::ResultTooLarge { .. } | Self::Panicked { .. } => {
                ErrorKind::Internal
            }
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::State(error) => return error.hint(),
            Self::Damaged { .. } => {
                "backups do not depend on the journal: move the file away and ostler makes a new one"
                    .to_owned()
            }
            Self::NotFound(_) | Self::Ambiguous(_) => {
                "`ostler operation list` shows what is there".to_owned()
            }
            Self::OwnedBy { id, .. } => {
                let short = id.short();
                format!(
                    "see it with `ostler operation watch {short}`, or stop it with `ostler operation cancel {short}`"
                )
            }
            Self::Committed { id } => format!(
                "wait for it, or stop it as it is with `ostler operation cancel --leave {}`",
                id.short()
            ),
            Self::UnexpectedStep { id, .. } | Self::ResultType { id, .. } => format!(
                "resume {} with the program version that started it; nothing was guessed and nothing was undone",
                id.short()
            ),
            Self::OtherVersion { recorded, known, .. } if recorded > known => {
                "resume it with a newer program".to_owned()
            }
            Self::OtherVersion { recorded, .. } => format!(
                "resume it with a program whose steps are of version {recorded} or {}",
                recorded.saturating_add(1)
            ),
            _ => return None,
        })
    }
}
