//! What can go wrong with the state.

use std::path::PathBuf;
use std::time::Duration;

use ostler_vocabulary::{Classified, ErrorKind};

/// A file system that has no space left for the state.
#[derive(Debug, thiserror::Error)]
#[error("no space left on the file system of {}", path.display())]
pub struct NoSpace {
    /// The state directory.
    pub path: PathBuf,
}

/// A failure of the state.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the state could not be opened.
    #[error("cannot open the {what} {}", path.display())]
    Open {
        /// What the file is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file system of the state is full.
    #[error("cannot {attempted} the {what} {}", path.display())]
    Full {
        /// `open`, `read` or `write`.
        attempted: &'static str,
        /// What the file is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Which file system.
        source: NoSpace,
    },
    /// The state directory could not be made or looked at.
    #[error("cannot use the state directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite's locks do not hold there.
    #[error("the state directory {} is on a network file system ({name})", path.display())]
    NetworkFileSystem {
        /// The directory.
        path: PathBuf,
        /// The file system's name.
        name: String,
    },
    /// A newer program has migrated it.
    #[error("the {what} {place} has schema version {found}; this program knows up to {known}")]
    NewerSchema {
        /// What it is.
        what: &'static str,
        /// The file, or the schema of the server.
        place: String,
        /// Its schema version.
        found: u32,
        /// The newest one this program knows.
        known: u32,
        /// The version of the program that wrote it.
        written_by: String,
    },
    /// It is somebody else's database.
    #[error("{place} is not an Ostler {what}")]
    Foreign {
        /// What it should be.
        what: &'static str,
        /// The file, or the schema of the server.
        place: String,
    },
    /// A statement was refused.
    #[error("cannot {attempted} the {what}")]
    Statement {
        /// `read` or `write`.
        attempted: &'static str,
        /// What it is.
        what: &'static str,
        /// Why.
        source: Fault,
    },
    /// A stored value cannot be what was written.
    #[error("the {what} is damaged: column {column} cannot be read: {reason}")]
    Column {
        /// What it is.
        what: &'static str,
        /// From 0.
        column: usize,
        /// Why not.
        reason: String,
    },
    /// A statement gave no row where there is always one.
    #[error("the {what} is damaged: a row is missing")]
    NoRow {
        /// What it is.
        what: &'static str,
    },
    /// The database of the state is not a PostgreSQL that can be used.
    #[error("cannot use the state's database")]
    Server {
        /// Why.
        source: ostler_postgres::Error,
    },
    /// The server is too old.
    #[error("the state's database is PostgreSQL {found}; 13 is the oldest that can be used")]
    OldServer {
        /// Its version, as it says.
        found: String,
    },
    /// The name of the schemas cannot be one.
    #[error("`{name}` cannot be the beginning of schemas' names")]
    SchemaName {
        /// The name.
        name: String,
    },
    /// The connection broke while a change was made final, and nobody can be asked what became of it.
    #[error("the {what}: the connection was lost in a COMMIT, and within {} s no server said what became of it", waited.as_secs())]
    Unknown {
        /// What it is.
        what: &'static str,
        /// How long the server was asked.
        waited: Duration,
        /// Why the connection broke, or what the server said last.
        source: ostler_postgres::Error,
    },
    /// All sessions of this process are at work.
    #[error("the {what} is busy: no session with the state's database became free")]
    Busy {
        /// What it is.
        what: &'static str,
    },
    /// The thread that talks to the server is gone.
    #[error("the program is shutting down")]
    ShuttingDown,
}

/// Who refused a statement.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL, or the way to it.
    #[error(transparent)]
    Postgres(#[from] ostler_postgres::Error),
    /// A statement before this one was refused, or its connection lost, and the transaction goes nowhere.
    #[error("an earlier statement of the transaction was refused")]
    Refused,
    /// The thread that talks to the server is gone.
    #[error("the program is shutting down")]
    ShuttingDown,
}

impl Error {
    /// Whether a row was refused because there is one like it.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        match self {
            Self::Statement {
                source: Fault::Sqlite(source),
                ..
            } => source.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation),
            Self::Statement {
                source: Fault::Postgres(source),
                ..
            } => source.sqlstate() == Some("23505"),
            _ => false,
        }
    }
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Open { source, .. } => sqlite_kind(source),
            Self::Statement { source, .. } => match source {
                Fault::Sqlite(source) => sqlite_kind(source),
                Fault::Postgres(source) => source.kind(),
                Fault::Refused => ErrorKind::Unavailable,
                Fault::ShuttingDown => ErrorKind::Cancelled,
            },
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Full { .. } => ErrorKind::Internal,
            Self::Directory { source, .. } => match source.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Internal,
            },
            Self::NetworkFileSystem { .. } | Self::NewerSchema { .. } | Self::OldServer { .. } => {
                ErrorKind::Unsupported
            }
            Self::Foreign { .. } | Self::SchemaName { .. } => ErrorKind::Invalid,
            Self::Column { .. } | Self::NoRow { .. } => ErrorKind::Corrupt,
            Self::Server { source } => source.kind(),
            Self::Unknown { .. } => ErrorKind::Unavailable,
            Self::ShuttingDown => ErrorKind::Cancelled,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NetworkFileSystem { .. } => {
                "set OSTLER_STATE_DIR to a directory on a local disk: SQLite's locks do not hold over a network"
                    .to_owned()
            }
            Self::NewerSchema { written_by, .. } => {
                format!("use ostler {written_by}, which wrote it, or a newer one")
            }
            Self::Open { source, .. }
            | Self::Statement {
                source: Fault::Sqlite(source),
                ..
            } if sqlite_kind(source) == ErrorKind::Busy => {
                "another process has it locked; try again".to_owned()
            }
            Self::Full { .. } => "free some MiB there; `ostler backup list` and `ostler restore` work meanwhile".to_owned(),
            Self::Open { what, path, source } if sqlite_kind(source) == ErrorKind::Corrupt => {
                let path = path.display();
                format!(
                    "backups do not depend on the {what}: `mv {path} {path}.damaged` keeps the file, and ostler makes a new one"
                )
            }
            Self::Statement {
                what,
                source: Fault::Sqlite(source),
                ..
            } if sqlite_kind(source) == ErrorKind::Corrupt => damaged(what),
            Self::Column { what, .. } | Self::NoRow { what } => damaged(what),
            Self::SchemaName { .. } => {
                "`state.schema` has up to 40 lower-case letters, digits and `_`, a letter first".to_owned()
            }
            Self::Unknown { .. } => "look whether it was done before you do it again".to_owned(),
            Self::Server { source }
            | Self::Statement {
                source: Fault::Postgres(source),
                ..
            } => return source.hint(),
            _ => return None,
        })
    }
}

fn damaged(what: &str) -> String {
    format!(
        "backups do not depend on the {what}: move its file in the state directory away, with its `-wal` and `-shm`, and \
         ostler makes a new one"
    )
}

fn sqlite_kind(error: &rusqlite::Error) -> ErrorKind {
    use rusqlite::{Error, ErrorCode};
    // Statements are the program's own: what is wrong with their tables and values is damage of the file.
    if matches!(
        error,
        Error::SqlInputError { .. }
            | Error::Utf8Error(..)
            | Error::InvalidColumnType(..)
            | Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
    ) {
        return ErrorKind::Corrupt;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::Unknown) => ErrorKind::Corrupt,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorKind::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Corrupt,
        Some(
            ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied,
        ) => ErrorKind::Denied,
        _ => ErrorKind::Internal,
    }
}
