//! What can be wrong with what was asked for, or refused by a guard.

use std::io;
use std::path::PathBuf;

use ostler_api::document::BackupState;
use ostler_vocabulary::{BackupId, Classified, ErrorKind};

/// What this crate refuses or cannot find. Failures of vault, node and engine pass through as they are.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A selector that selects nothing.
    #[error("no backup in this vault matches `{selector}`")]
    NoBackup {
        /// What was asked for.
        selector: String,
    },
    /// A filter that matches nothing.
    #[error("no backup in this vault matches {filter}")]
    NoMatch {
        /// The filter, as people would say it.
        filter: String,
    },
    /// A selector that selects several backups.
    #[error("`{selector}` matches {}: {}", count(candidates.len(), "backup"), candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        selector: String,
        /// What it matches.
        candidates: Vec<String>,
    },
    /// `latest` or a name over several sources.
    #[error("`{selector}` could mean the newest backup of any of {}: {}", count(sources.len(), "source"), sources.join("; "))]
    SeveralSources {
        /// What was asked for.
        selector: String,
        /// As `host:/path`.
        sources: Vec<String>,
    },
    /// A selector or filter that is empty or malformed.
    #[error("{what} {reason}")]
    Malformed {
        /// What is wrong: the option or selector.
        what: String,
        /// In which way, as the end of a sentence.
        reason: String,
    },
    /// A keep rule that would keep nothing, or a floor that makes no sense.
    #[error("keep rule {rule}: {reason}")]
    Rule {
        /// The rule.
        rule: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tag rule for a tag that no backup has.
    #[error("no backup looked at has the tag {tag}, which a keep rule names")]
    NoSuchTag {
        /// `key=value`.
        tag: String,
    },
    /// The plan deletes more than `max_delete_ratio` allows.
    #[error(
        "the rules would delete {delete} of {}, more than max_delete_ratio {ratio} allows",
        count(*good, "good backup")
    )]
    TooMany {
        /// Good backups that would be deleted.
        delete: usize,
        /// Good backups looked at.
        good: usize,
        /// The floor.
        ratio: f64,
    },
    /// A backup that a floor keeps from being deleted by name.
    #[error("backup {} stays: {reason}", id.short())]
    Floor {
        /// The backup.
        id: BackupId,
        /// Which floor, and of what.
        reason: String,
    },
    /// A backup in a state that does not allow what was asked.
    #[error("backup {} is {}: {reason}", id.short(), state.as_str())]
    State {
        /// The backup.
        id: BackupId,
        /// Where it stands.
        state: BackupState,
        /// What that forbids.
        reason: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
    /// A held backup that somebody wants to delete.
    #[error("backup {} is held{}", id.short(), reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default())]
    Held {
        /// The backup.
        id: BackupId,
        /// Why it is held.
        reason: Option<String>,
    },
    /// A vault that is not encrypted.
    #[error("vault `{vault}` is not encrypted: it has no keys")]
    NoKeys {
        /// The vault.
        vault: String,
    },
    /// An id that no key has.
    #[error("no key of this vault has an id that starts with `{key}`")]
    NoKey {
        /// What was asked for.
        key: String,
    },
    /// The start of several ids.
    #[error("several keys of this vault have ids that start with `{key}`")]
    AmbiguousKey {
        /// What was asked for.
        key: String,
    },
    /// A file where a key file is to be made.
    #[error("{} is there already", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// A key file that cannot be handled.
    #[error("could not {attempt} the key file {}", path.display())]
    KeyFile {
        /// A verb.
        attempt: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A plan of another kind, or one that nobody made.
    #[error("the plan does not fit: {reason}")]
    Plan {
        /// In which way.
        reason: String,
    },
}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoBackup { .. } | Self::NoMatch { .. } | Self::NoSuchTag { .. } | Self::NoKey { .. } => {
                ErrorKind::NotFound
            }
            Self::NoKeys { .. } => ErrorKind::Unsupported,
            Self::InTheWay { .. } => ErrorKind::AlreadyExists,
            Self::KeyFile { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Internal,
            },
            Self::Ambiguous { .. }
            | Self::AmbiguousKey { .. }
            | Self::SeveralSources { .. }
            | Self::Malformed { .. }
            | Self::Rule { .. } => ErrorKind::Invalid,
            Self::TooMany { .. } | Self::Floor { .. } | Self::State { .. } | Self::Held { .. } => {
                ErrorKind::Refused
            }
            Self::Plan { .. } => ErrorKind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoBackup { .. } | Self::NoMatch { .. } => "`ostler backup list` shows what there is",
            Self::NoKeys { .. } | Self::KeyFile { .. } => return None,
            Self::NoKey { .. } => "`ostler vault key list` shows what there is",
            Self::InTheWay { .. } => "give another place; key files are never replaced",
            Self::Ambiguous { .. } | Self::AmbiguousKey { .. } => "give more digits of the id",
            Self::SeveralSources { .. } => "name the source with --host and --path, or give a backup's id",
            Self::Malformed { .. } => return None,
            Self::Rule { .. } => "leave the rule out, or give it a value that keeps something",
            Self::NoSuchTag { .. } => {
                "a tag with a typing error would keep nothing; `ostler backup list` shows the tags there are"
            }
            Self::TooMany { .. } => {
                "look at the plan with --dry-run; raise the floor for this once if it is what you want"
            }
            Self::Floor { .. } => {
                "make a good backup of that source first, and verify it; or say --below-floors if all of them are to go"
            }
            Self::State { hint, .. } => hint,
            Self::Held { .. } => "release it first: `ostler backup release`",
            Self::Plan { .. } => "make the plan again",
        };
        Some(hint.to_owned())
    }
}
