//! Why a schema cannot be planned or applied.

use ostler_vocabulary::{Classified, ErrorKind};

/// What went wrong with a schema.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database could not be looked at.
    #[error("cannot look at the queue's schema")]
    Inspect(#[source] ostler_postgres::Error),
    /// A server that is too old.
    #[error("PostgreSQL {found} is too old")]
    Server {
        /// Its version.
        found: String,
    },
    /// This user may not do it.
    #[error("user {user} may not {what}")]
    Rights {
        /// Who is connected.
        user: String,
        /// What would be needed.
        what: String,
        /// Who could.
        cure: String,
    },
    /// A guard: something would be lost or broken.
    #[error("{what}")]
    Refused {
        /// What would be.
        what: String,
        /// What to do instead.
        cure: String,
    },
    /// The schema is of a later Ostler.
    #[error("the schema has version {found}, and this Ostler knows versions up to {known}")]
    Later {
        /// What is there.
        found: u32,
        /// What we have.
        known: u32,
    },
    /// Nothing is there to remove.
    #[error("there is no queue schema in this database")]
    Absent,
    /// The database is not as it was when the plan was made.
    #[error("the database has changed since the plan was made: {what}")]
    Changed {
        /// What is different.
        what: String,
    },
    /// A step failed; nothing of the plan was done.
    #[error("{step}: this failed, and nothing was changed")]
    Step {
        /// What it was for.
        step: String,
        /// Why.
        source: ostler_postgres::Error,
    },
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Inspect(source) | Self::Step { source, .. } => source.kind(),
            Self::Server { .. } | Self::Later { .. } => ErrorKind::Unsupported,
            Self::Rights { .. } => ErrorKind::Denied,
            Self::Refused { .. } => ErrorKind::Refused,
            Self::Absent => ErrorKind::NotFound,
            Self::Changed { .. } => ErrorKind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Inspect(source) => source.hint(),
            Self::Step { source, .. } => match source.sqlstate() {
                Some("55P03" | "40P01") => {
                    Some("other sessions hold locks on the queue's tables; try again".to_owned())
                }
                _ => source.hint(),
            },
            Self::Server { .. } => Some("the queue needs PostgreSQL 13 or later".to_owned()),
            Self::Rights { cure, .. } | Self::Refused { cure, .. } => Some(cure.clone()),
            Self::Later { .. } => Some("use the Ostler that installed it, or a later one".to_owned()),
            Self::Absent => None,
            Self::Changed { .. } => Some("make the plan again".to_owned()),
        }
    }
}
