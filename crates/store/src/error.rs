//! What can go wrong, in words that somebody can act on.

use std::fmt;
use std::time::Duration;

use ostler_vocabulary::{Classified, ErrorKind};

use crate::Verb;

/// What lies behind an error: never shown with secrets in it.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What was asked of which store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was to be done.
    pub verb: Verb,
    /// The key, or the prefix of a listing.
    pub subject: String,
    /// Where the store is.
    pub store: String,
}

impl Attempt {
    /// Names what is tried, for the errors it may end with.
    #[must_use]
    pub fn new(verb: Verb, subject: impl Into<String>, store: impl Into<String>) -> Self {
        Self {
            verb,
            subject: subject.into(),
            store: store.into(),
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, subject, store } = self;
        match verb {
            Verb::List if subject.is_empty() => write!(f, "cannot list the objects of the store {store}"),
            Verb::List => write!(f, "cannot list the objects `{subject}…` of the store {store}"),
            Verb::Create => write!(f, "cannot create object `{subject}` in the store {store}"),
            Verb::Get | Verb::GetRange => write!(f, "cannot read object `{subject}` of the store {store}"),
            Verb::Head => write!(f, "cannot look up object `{subject}` in the store {store}"),
            Verb::Delete => write!(f, "cannot delete object `{subject}` from the store {store}"),
        }
    }
}

/// What went wrong, with which store and key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name no store should be asked for.
    #[error("`{name}` is not a valid object key: {reason}")]
    Key {
        /// The name.
        name: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// An address no store can be at.
    #[error("`{text}` is not the address of a store: {reason}")]
    Location {
        /// The address, without what may be a secret in it.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Settings that cannot work.
    #[error("the settings of the store {store} are wrong: {reason}")]
    Settings {
        /// Where the store is.
        store: String,
        /// What is wrong with them.
        reason: String,
    },
    /// A local store's directory cannot be used.
    #[error("cannot open the store {store}")]
    Open {
        /// Where the store is.
        store: String,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The store answered, and the object is not there.
    #[error("{0}: there is no such object")]
    NotFound(Attempt),
    /// The name is taken. The object that has it is durable.
    #[error("{0}: an object of that name is already there")]
    AlreadyExists(Attempt),
    /// A range that ends before it starts.
    #[error("{attempt}: the range from {start} to {end} ends before it starts")]
    Range {
        /// What was tried.
        attempt: Attempt,
        /// First byte of the range.
        start: u64,
        /// The byte behind its last.
        end: u64,
    },
    /// The object is there but has fewer bytes than were asked for.
    #[error("{attempt}: it has {} and bytes up to {needed} were asked for", shown(*.size))]
    Short {
        /// What was tried.
        attempt: Attempt,
        /// How many bytes it would need to have.
        needed: u64,
        /// How many it has, where the store told.
        size: Option<u64>,
    },
    /// The store may be read only.
    #[error("{0}: the store is opened for reading only")]
    ReadOnly(Attempt),
    /// The credentials or permissions do not allow it.
    #[error("{attempt}: access was denied")]
    Denied {
        /// What was tried.
        attempt: Attempt,
        /// What to look at.
        hint: Option<String>,
        /// What the store said.
        source: Cause,
    },
    /// Nothing could be asked: no connection came about.
    #[error("{attempt}: the store cannot be reached")]
    Unreachable {
        /// What was tried.
        attempt: Attempt,
        /// What to look at.
        hint: String,
        /// What the network said.
        source: Cause,
    },
    /// The store did not answer, or said to come back later. Whether the request was carried out is not known.
    #[error("{attempt}: the store is not available")]
    Unavailable {
        /// What was tried.
        attempt: Attempt,
        /// What to look at.
        hint: Option<String>,
        /// What happened.
        source: Cause,
    },
    /// The store has too much to do. Whether the request was carried out is not known.
    #[error("{attempt}: the store asks for fewer requests")]
    SlowDown {
        /// What was tried.
        attempt: Attempt,
        /// When it wants to be asked again, where it told.
        after: Option<Duration>,
        /// What to look at.
        hint: String,
        /// What it said.
        source: Cause,
    },
    /// The bucket or directory of the store is not there, which says nothing of the objects in it.
    #[error("{attempt}: the place itself is not there")]
    Gone {
        /// What was tried.
        attempt: Attempt,
        /// What to look at.
        hint: String,
    },
    /// It took longer than allowed. Whether the request was carried out is not known.
    #[error("{attempt}: no answer came in time")]
    Timeout {
        /// What was tried.
        attempt: Attempt,
        /// What to look at.
        hint: Option<String>,
        /// What happened.
        source: Cause,
    },
    /// The store cannot do what this contract needs.
    #[error("{attempt}: {reason}")]
    Unsupported {
        /// What was tried.
        attempt: Attempt,
        /// What it cannot do.
        reason: String,
    },
    /// A version could not be locked against deletion, or not asked whether it is.
    #[error("cannot lock the versions of object `{subject}` in the store {store}")]
    Lock {
        /// The key.
        subject: String,
        /// Where the store is.
        store: String,
        /// What the store said.
        source: Box<Error>,
    },
    /// The disk or the quota is full; nothing was left behind.
    #[error("{attempt}: no space is left")]
    NoSpace {
        /// What was tried.
        attempt: Attempt,
        /// What the file system or server said.
        source: Cause,
    },
    /// Anything else that the file system or the server said.
    #[error("{attempt}")]
    Io {
        /// What was tried.
        attempt: Attempt,
        /// What it said.
        source: Cause,
    },
}

fn shown(size: Option<u64>) -> String {
    size.map_or_else(|| "fewer bytes".to_owned(), |size| format!("{size} bytes"))
}

impl Error {
    /// Whether making the same request again soon may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Lock { source, .. } => source.is_transient(),
            _ => matches!(
                self,
                Self::Unreachable { .. }
                    | Self::Unavailable { .. }
                    | Self::SlowDown { .. }
                    | Self::Timeout { .. }
            ),
        }
    }

    /// What was tried; `None` for names, addresses and settings.
    #[must_use]
    pub fn attempt(&self) -> Option<&Attempt> {
        match self {
            Self::Key { .. } | Self::Location { .. } | Self::Settings { .. } | Self::Open { .. } => None,
            Self::Lock { source, .. } => source.attempt(),
            Self::NotFound(attempt) | Self::AlreadyExists(attempt) | Self::ReadOnly(attempt) => Some(attempt),
            Self::Range { attempt, .. }
            | Self::Short { attempt, .. }
            | Self::Denied { attempt, .. }
            | Self::Unreachable { attempt, .. }
            | Self::Unavailable { attempt, .. }
            | Self::SlowDown { attempt, .. }
            | Self::Gone { attempt, .. }
            | Self::Timeout { attempt, .. }
            | Self::Unsupported { attempt, .. }
            | Self::NoSpace { attempt, .. }
            | Self::Io { attempt, .. } => Some(attempt),
        }
    }
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Key { .. } | Self::Location { .. } | Self::Settings { .. } | Self::Range { .. } => {
                ErrorKind::Invalid
            }
            Self::Lock { source, .. } => source.kind(),
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::AlreadyExists(_) => ErrorKind::AlreadyExists,
            Self::Short { .. } => ErrorKind::Corrupt,
            Self::ReadOnly(_) | Self::Denied { .. } => ErrorKind::Denied,
            Self::Unreachable { .. }
            | Self::Unavailable { .. }
            | Self::SlowDown { .. }
            | Self::Gone { .. } => ErrorKind::Unavailable,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::NoSpace { .. } | Self::Io { .. } => ErrorKind::Internal,
            Self::Open { source, .. } => match source.kind() {
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    ErrorKind::Denied
                }
                std::io::ErrorKind::NotADirectory => ErrorKind::Invalid,
                _ => ErrorKind::Internal,
            },
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Denied { hint, .. } | Self::Unavailable { hint, .. } | Self::Timeout { hint, .. } => hint.clone(),
            Self::Unreachable { hint, .. } | Self::SlowDown { hint, .. } | Self::Gone { hint, .. } => {
                Some(hint.clone())
            }
            Self::Lock { source, .. } => source.hint(),
            Self::NoSpace { attempt, .. } => Some(format!(
                "free some space for {}, or delete old backups: `ostler backup prune`",
                attempt.store
            )),
            Self::Location { .. } => Some(
                "write a directory, file:///directory, s3://bucket/prefix, azure://container/prefix, gs://bucket/prefix, \
                 sftp://user@host/directory, or memory: for a store that lives as long as the process"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
