//! What can be wrong with a schedule, and with the place where schedules are recorded.

use ostler_vocabulary::{Classified, ErrorKind, ProcessIdentity};

use crate::cron::CronError;

/// A failure of schedules or their timetable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that cannot be one.
    #[error("`{0}` cannot be the name of a schedule")]
    Name(String),
    /// The cron expression says nothing.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// No such zone.
    #[error("there is no time zone `{zone}`")]
    Zone {
        /// The name.
        zone: String,
        /// Why not.
        source: jiff::Error,
    },
    /// A part of the definition does not go with another.
    #[error("schedule `{name}`: {reason}")]
    Definition {
        /// The schedule.
        name: String,
        /// What does not go.
        reason: String,
    },
    /// No schedule of that name.
    #[error("there is no schedule `{0}`")]
    NotFound(String),
    /// No run of that number.
    #[error("there is no run {0} of a schedule")]
    NoFiring(u64),
    /// The name is taken.
    #[error("there is a schedule `{0}` already")]
    Exists(String),
    /// It was changed since it was looked at.
    #[error("schedule `{name}` was changed meanwhile: it has version {found}, not {expected}")]
    Changed {
        /// The schedule.
        name: String,
        /// Its version.
        found: u64,
        /// The version that was expected.
        expected: u64,
    },
    /// Somebody else has decided on this moment.
    #[error("what is due of schedule `{0}` was decided on by another process")]
    Decided(String),
    /// A run of it is not over.
    #[error("schedule `{0}` is running")]
    Running(String),
    /// Others run after it.
    #[error("schedule `{name}` cannot go: {after} runs after it")]
    Needed {
        /// The schedule.
        name: String,
        /// The one that needs it.
        after: String,
    },
    /// The run belongs to somebody else.
    #[error("run {number} of schedule `{schedule}` is looked after by {} (process {})", owner.host, owner.pid)]
    OwnedBy {
        /// The run.
        number: u64,
        /// Its schedule.
        schedule: String,
        /// By whom.
        owner: ProcessIdentity,
    },
    /// Another process has taken the run over, or it is over.
    #[error("run {0} of a schedule was taken over by another process")]
    Superseded(u64),
    /// The timetable's database cannot be opened, read or written.
    #[error(transparent)]
    State(#[from] ostler_state::Error),
    /// A stored value cannot be what was written.
    #[error("the timetable of schedules is damaged: {0}")]
    Damaged(String),
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name(_) | Self::Cron(_) | Self::Zone { .. } | Self::Definition { .. } => ErrorKind::Invalid,
            Self::NotFound(_) | Self::NoFiring(_) => ErrorKind::NotFound,
            Self::Exists(_) => ErrorKind::AlreadyExists,
            Self::Changed { .. } | Self::Decided(_) | Self::Superseded(_) => ErrorKind::Conflict,
            Self::Running(_) | Self::OwnedBy { .. } => ErrorKind::Busy,
            Self::Needed { .. } => ErrorKind::Refused,
            Self::State(error) => error.kind(),
            Self::Damaged(_) => ErrorKind::Corrupt,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Name(_) => {
                "write letters, digits, `-`, `_` and `.`, 64 at most, a letter or digit first".to_owned()
            }
            Self::Cron(_) => {
                "such as `30 2 * * *` for half past two every night, `0 9 * * MON-FRI`, or `@daily`"
                    .to_owned()
            }
            Self::Zone { .. } => {
                "names are those of the IANA database, such as Europe/Berlin or UTC".to_owned()
            }
            Self::NotFound(_) => "`ostler schedule list` shows what is there".to_owned(),
            Self::Exists(name) => format!("`ostler schedule edit {name}` changes it"),
            Self::Changed { name, .. } => format!("look at it again with `ostler schedule show {name}`"),
            Self::Running(name) => format!("`ostler schedule show {name}` tells which operation it is"),
            Self::Needed { after, .. } => {
                format!("remove `{after}` first, or give it another time with `schedule edit`")
            }
            Self::State(error) => return error.hint(),
            _ => return None,
        })
    }
}
