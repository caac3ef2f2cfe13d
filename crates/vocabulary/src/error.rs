//! What a failure means, and the one place where exit codes are derived from that.

use std::error::Error;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a failure means to whoever has to act on it.
///
/// Retry policy, exit code, HTTP status and the outcome of an operation are each derived from this, in one
/// function each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The named thing does not exist.
    NotFound,
    /// The named thing is already there and is never replaced.
    AlreadyExists,
    /// The world is not in the state the caller assumed: another writer, an old plan, a lost lease.
    Conflict,
    /// Somebody else holds what this needs; waiting may help.
    Busy,
    /// The credentials do not allow it.
    Denied,
    /// The request itself is wrong.
    Invalid,
    /// A guard refused it: a floor, a missing confirmation, a target that is not empty.
    Refused,
    /// The other side did not answer, or said to come back later.
    Unavailable,
    /// It took longer than its deadline.
    Timeout,
    /// Somebody asked for it to stop.
    Cancelled,
    /// Stored data is not what was written.
    Corrupt,
    /// Part of the work was done, part could not be.
    Partial,
    /// The other side, or this version, cannot do it.
    Unsupported,
    /// Anything else: local input or output, or a defect of ours.
    Internal,
}

impl ErrorKind {
    /// All kinds, in the order of the reference page.
    pub const ALL: [Self; 14] = [
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::Busy,
        Self::Denied,
        Self::Invalid,
        Self::Refused,
        Self::Unavailable,
        Self::Timeout,
        Self::Cancelled,
        Self::Corrupt,
        Self::Partial,
        Self::Unsupported,
        Self::Internal,
    ];

    /// Whether the same call may succeed when it is simply made again.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Unavailable | Self::Timeout)
    }

    /// The exit code of a command that ends with this failure.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Invalid => ExitCode::Usage,
            Self::Partial => ExitCode::Partial,
            Self::Refused | Self::Conflict | Self::AlreadyExists => ExitCode::Refused,
            Self::Busy => ExitCode::Busy,
            Self::Corrupt => ExitCode::Damaged,
            Self::NotFound => ExitCode::NotFound,
            Self::Unavailable | Self::Timeout => ExitCode::Unavailable,
            Self::Denied => ExitCode::Denied,
            Self::Cancelled => ExitCode::Cancelled,
            Self::Unsupported | Self::Internal => ExitCode::Failed,
        }
    }

    /// The word for this kind in messages and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Corrupt => "corrupt",
            Self::Partial => "partial",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The exit codes of the program; the table in `docs/reference/exit-codes.md` is generated from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything that was asked for was done and proven.
    Done = 0,
    /// It failed for a reason that has no code of its own.
    Failed = 1,
    /// The command line, configuration or input is wrong.
    Usage = 2,
    /// Part of it was done; the report lists what was not.
    Partial = 3,
    /// A guard refused it; nothing was changed.
    Refused = 4,
    /// Somebody else is at work there; try again later.
    Busy = 5,
    /// Stored data is damaged; the report names it.
    Damaged = 6,
    /// The named thing does not exist.
    NotFound = 7,
    /// The store or server could not be reached.
    Unavailable = 8,
    /// The credentials do not allow it.
    Denied = 9,
    /// It was cancelled.
    Cancelled = 130,
}

impl ExitCode {
    /// All codes, in numeric order.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Partial,
        Self::Refused,
        Self::Busy,
        Self::Damaged,
        Self::NotFound,
        Self::Unavailable,
        Self::Denied,
        Self::Cancelled,
    ];

    /// The number a shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// One word, and one sentence for people.
    #[must_use]
    pub fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::Done => ("done", "everything that was asked for was done and proven"),
            Self::Failed => ("failed", "it failed for a reason that has no code of its own"),
            Self::Usage => (
                "usage",
                "the command line, the configuration or the input is wrong",
            ),
            Self::Partial => ("partial", "part of it was done; the report lists what was not"),
            Self::Refused => ("refused", "a guard refused it; nothing was changed"),
            Self::Busy => ("busy", "somebody else is at work there; try again later"),
            Self::Damaged => ("damaged", "stored data is damaged; the report names it"),
            Self::NotFound => ("not found", "the named thing does not exist"),
            Self::Unavailable => ("unavailable", "the store or server could not be reached"),
            Self::Denied => ("denied", "the credentials or permissions do not allow it"),
            Self::Cancelled => ("cancelled", "it was cancelled"),
        }
    }
}

/// An error that knows what it means. Every public error of every crate implements it.
pub trait Classified: Error + Send + Sync + 'static {
    /// What the failure means.
    fn kind(&self) -> ErrorKind;

    /// What the user can do about it, as a sentence without a full stop; `None` when nothing useful can be said.
    fn hint(&self) -> Option<String>;
}
