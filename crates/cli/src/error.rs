//! What is wrong with a command line, apart from what its parser says.

use std::path::PathBuf;

use ostler_vocabulary::{Classified, ErrorKind};

/// An error of the command line itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The parser refused the words.
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },

    #[error("there is nothing at `{}`", path.display())]
    NothingThere { path: PathBuf },

    #[error("could not look at `{}`", path.display())]
    LookAt { path: PathBuf, source: std::io::Error },

    #[error("could not read the patterns in `{}`", path.display())]
    ReadPatterns { path: PathBuf, source: std::io::Error },

    #[error("line {line} of `{}` is not a pattern: {reason}", path.display())]
    PatternLine {
        path: PathBuf,
        line: usize,
        reason: String,
    },

    #[error("`{}` is relative, and with --server paths are those of the server's machine", path.display())]
    RelativeElsewhere { path: PathBuf },

    #[error("tag `{key}` is given twice")]
    TagTwice { key: String },

    #[error("no backup in vault `{vault}` matches {filter}")]
    NothingMatches { vault: String, filter: String },

    #[error("vault `{vault}` could not be looked at, so what is in it is not listed: {reason}")]
    VaultUnreachable { vault: String, reason: String },

    #[error("{action} needs an approval of its plan")]
    NotApproved { action: &'static str, command: String },

    #[error("the plan is no longer the one that was approved: its digest is {found}, not {approved}")]
    PlanChanged { found: String, approved: String },

    #[error("could not write to standard output")]
    Output { source: std::io::Error },

    #[error("could not read from standard input")]
    Input { source: std::io::Error },

    #[error("could not write the recovery sheet to `{}`", path.display())]
    Sheet { path: PathBuf, source: std::io::Error },

    #[error("could not turn the result into JSON")]
    Json { source: serde_json::Error },

    #[error("could not start the runtime")]
    Runtime { source: std::io::Error },
}

impl Classified for CommandError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Usage { .. }
            | Self::PatternLine { .. }
            | Self::TagTwice { .. }
            | Self::RelativeElsewhere { .. } => ErrorKind::Invalid,
            Self::NothingThere { .. } | Self::NothingMatches { .. } => ErrorKind::NotFound,
            Self::VaultUnreachable { .. } => ErrorKind::Unavailable,
            Self::NotApproved { .. } | Self::PlanChanged { .. } => ErrorKind::Refused,
            Self::LookAt { source, .. } | Self::ReadPatterns { source, .. } | Self::Sheet { source, .. } => {
                match source.kind() {
                    std::io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
                    std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                    std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                    std::io::ErrorKind::InvalidData => ErrorKind::Invalid,
                    _ => ErrorKind::Internal,
                }
            }
            Self::Output { .. } | Self::Input { .. } | Self::Json { .. } | Self::Runtime { .. } => {
                ErrorKind::Internal
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::RelativeElsewhere { .. } => Some("write it in full, beginning with a slash".to_owned()),
            Self::NothingThere { .. } => Some("check the path; nothing was backed up".to_owned()),
            Self::NothingMatches { .. } => Some("`ostler backup list` without filters shows all".to_owned()),
            Self::VaultUnreachable { .. } => Some(
                "`--vault NAME` lists one vault; take one that is lost out of the configuration".to_owned(),
            ),
            Self::NotApproved { command, .. } => Some(format!(
                "`{command}` runs exactly this plan; `--yes` plans and runs in one go"
            )),
            Self::PlanChanged { found, .. } => Some(format!(
                "look at the new plan with `--dry-run`, then run it with `--apply {found}`"
            )),
            _ => None,
        }
    }
}
