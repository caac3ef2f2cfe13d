//! What can go wrong with a request as a whole. What goes wrong with one file is a problem in the report.

use std::io;
use std::path::Path;

use ostler_vocabulary::{Classified, ErrorKind};

use crate::path::shown;

/// A request that could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path that was to be backed up is not there.
    #[error("`{path}` does not exist")]
    Missing {
        /// The path.
        path: String,
    },
    /// A path in a request that names no place.
    #[error("`{path}` is not a usable path: {reason}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An exclude pattern that cannot be read.
    #[error("`{pattern}` is not a valid exclude pattern")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        source: globset::Error,
    },
    /// An exclude pattern without any character to match.
    #[error("an exclude pattern is empty")]
    EmptyPattern,
    /// The operating system refused something without which nothing else can be done.
    #[error("cannot {attempted} `{path}`")]
    Io {
        /// What was attempted, as in `open`.
        attempted: &'static str,
        /// On which path.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The vault failed.
    #[error("cannot {attempted}")]
    Vault {
        /// What was attempted, as in `store a chunk`.
        attempted: &'static str,
        /// Why not.
        source: Box<ostler_vault::Error>,
    },
    /// A file list address that is not one.
    #[error("`{0}` is not the address of a file list: expected 64 hexadecimal digits")]
    Address(String),
    /// A file list that holds what no backup of ours can hold.
    #[error("the file list is damaged: its entry `{path}` {reason}")]
    Entry {
        /// The entry.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A path to restore that the backup does not hold.
    #[error("the backup holds no `{path}`")]
    NotIncluded {
        /// The path.
        path: String,
    },
    /// Files in the target differ from the backup and may not be replaced.
    #[error("{count} existing files differ from the backup and would be replaced: {first}")]
    Conflicts {
        /// How many.
        count: u64,
        /// The first of them, separated by commas.
        first: String,
    },
    /// A directory that is not marked as ours to remove.
    #[error("`{path}` is not a scratch directory of ours: it has no `{marker}`")]
    NotScratch {
        /// The directory.
        path: String,
        /// The file that would mark it.
        marker: &'static str,
    },
    /// What was added to a backup is asked for without saying to which.
    #[error("increments are asked for without the backup that they were added to")]
    NoBase,
    /// A name under which a database wrote another file than the one that was backed up.
    #[error("`{path}` is another file than the one that the last backup has under this name")]
    Another {
        /// The path.
        path: String,
    },
    /// What the last backup has of a file, on which another is to stand, cannot be read.
    #[error("what the last backup has of `{path}` is not in the vault any more")]
    Lost {
        /// The path.
        path: String,
    },
    /// A directory in which something is always being written.
    #[error("names came and went in `{path}` for {seconds} seconds")]
    Restless {
        /// The path.
        path: String,
        /// How long.
        seconds: u64,
    },
    /// A path that this agent was not given.
    #[error("`{path}` is outside of what this agent may touch")]
    Outside {
        /// The path.
        path: String,
        /// What it may touch.
        roots: Vec<String>,
    },
    /// A command that this agent was not given.
    #[error("this agent has no command `{name}`")]
    NoCommand {
        /// Its name.
        name: String,
    },
    /// Somebody asked for it to stop.
    #[error("cancelled")]
    Cancelled,
    /// A worker thread ended without a result.
    #[error("a worker thread ended unexpectedly")]
    Worker,
}

impl Error {
    pub(crate) fn io(attempted: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        use std::os::unix::ffi::OsStrExt;
        Self::Io {
            attempted,
            path: shown(path.as_os_str().as_bytes()),
            source: source.into(),
        }
    }

    pub(crate) fn vault(attempted: &'static str) -> impl FnOnce(ostler_vault::Error) -> Self {
        move |source| Self::Vault {
            attempted,
            source: Box::new(source),
        }
    }
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing { .. } | Self::NotIncluded { .. } => ErrorKind::NotFound,
            Self::Path { .. } | Self::Pattern { .. } | Self::EmptyPattern | Self::NoBase => {
                ErrorKind::Invalid
            }
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Internal,
            },
            Self::Vault { source, .. } => source.kind(),
            Self::Address(_) | Self::Entry { .. } => ErrorKind::Corrupt,
            Self::Outside { .. } | Self::NoCommand { .. } => ErrorKind::Denied,
            Self::Conflicts { .. } | Self::NotScratch { .. } | Self::Another { .. } => ErrorKind::Refused,
            Self::Lost { .. } => ErrorKind::Corrupt,
            Self::Restless { .. } => ErrorKind::Unavailable,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Worker => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Vault { source, .. } => source.hint(),
            Self::NotIncluded { .. } => Some(
                "give the path as it was backed up, or relative to the only source; \
                 `ostler backup show --files` lists them"
                    .to_owned(),
            ),
            Self::Conflicts { .. } => Some(
                "restore into another directory with --to, or allow it with --overwrite different".to_owned(),
            ),
            Self::Outside { roots, .. } => Some(format!("its roots: {}", roots.join(", "))),
            Self::Another { .. } | Self::Lost { .. } => Some(
                "make a backup of all of it: `ostler backup create --cluster NAME` without `--delta`"
                    .to_owned(),
            ),
            Self::NoCommand { .. } => {
                Some("it runs what its own configuration has in [agent.commands]".to_owned())
            }
            _ => None,
        }
    }
}
