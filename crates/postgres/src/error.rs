//! What can go wrong, with the connection and the statement it happened on.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ostler_vocabulary::{Classified, ErrorKind};

use crate::sqlstate;

/// Characters of a statement that an error shows.
const HEAD: usize = 80;

/// What went wrong, with which connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A connection string that means nothing.
    #[error("the connection string is wrong: {reason}")]
    Dsn {
        /// What is wrong; never with a value in it.
        reason: String,
        /// What to write instead.
        cure: Option<String>,
    },
    /// A file that the connection needs cannot be read.
    #[error("{connection}: cannot read {what} {}", path.display())]
    File {
        /// Whose.
        connection: String,
        /// What it is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Certificates or keys that cannot be used.
    #[error("{connection}: TLS cannot be set up: {reason}")]
    Tls {
        /// Whose.
        connection: String,
        /// What is wrong.
        reason: String,
    },
    /// Nobody answered, or we were not let in.
    #[error("cannot connect to {connection}")]
    Connect {
        /// To what.
        connection: String,
        /// Why not.
        source: Fault,
    },
    /// Nobody answered in time.
    #[error("cannot connect to {connection} within {}", seconds(*.after))]
    ConnectTimeout {
        /// To what.
        connection: String,
        /// How long was waited.
        after: Duration,
    },
    /// A statement failed.
    #[error("{connection}: {source}; the statement was `{statement}`")]
    Statement {
        /// On which connection.
        connection: String,
        /// Its head.
        statement: String,
        /// Why.
        source: Fault,
    },
    /// A statement took longer than it may; it was cancelled.
    #[error("{connection}: a statement took longer than {}: `{statement}`", seconds(*.after))]
    Deadline {
        /// On which connection.
        connection: String,
        /// Its head.
        statement: String,
        /// How long it may take.
        after: Duration,
    },
    /// A row is not what the statement promises.
    #[error("{connection}: it gave {reason}; the statement was `{statement}`")]
    Row {
        /// On which connection.
        connection: String,
        /// Its head.
        statement: String,
        /// What is wrong.
        reason: String,
    },
}

/// What the server, or the way to it, said.
#[derive(Debug)]
pub struct Fault(tokio_postgres::Error);

impl Fault {
    /// The server's code, of five characters; `None` when it was not the server who spoke.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&str> {
        self.0.code().map(tokio_postgres::error::SqlState::code)
    }

    /// The server's message without code, detail and hint.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.as_db_error().map(tokio_postgres::error::DbError::message)
    }

    /// Whether the session is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed() || self.0.as_db_error().is_none() && self.kind() == ErrorKind::Unavailable
    }

    fn kind(&self) -> ErrorKind {
        if let Some(fault) = self.0.as_db_error() {
            return sqlstate::kind(fault.code().code(), fault.message());
        }
        let mut cause = std::error::Error::source(&self.0);
        while let Some(error) = cause {
            if error.is::<rustls::Error>() {
                return ErrorKind::Denied;
            }
            if error.is::<std::io::Error>() {
                // A TLS failure is inside one of these.
                let inner = error
                    .downcast_ref::<std::io::Error>()
                    .and_then(std::io::Error::get_ref);
                let tls = inner.is_some_and(|inner| inner.is::<rustls::Error>());
                return if tls {
                    ErrorKind::Denied
                } else {
                    ErrorKind::Unavailable
                };
            }
            cause = error.source();
        }
        if self.0.is_closed() {
            ErrorKind::Unavailable
        } else {
            ErrorKind::Internal
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(fault) = self.0.as_db_error() else {
            // The library says what it was doing, and its cause what went wrong.
            let mut text = self.0.to_string();
            let mut cause = std::error::Error::source(&self.0);
            while let Some(error) = cause {
                let inner = error.to_string();
                if !text.contains(&inner) {
                    text = format!("{text}: {inner}");
                }
                cause = error.source();
            }
            return f.write_str(&text);
        };
        write!(f, "{} (SQLSTATE {}", fault.message(), fault.code().code())?;
        if let Some(detail) = fault.detail() {
            write!(f, "; {}", one_line(detail))?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Fault {}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self(error)
    }
}

impl Error {
    /// The server's code, when the server spoke.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&str> {
        self.fault().and_then(Fault::sqlstate)
    }

    /// The server's message, when the server spoke.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.fault().and_then(Fault::message)
    }

    /// Whether the session is gone, and a new one may do better.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::ConnectTimeout { .. } => true,
            _ => self.fault().is_some_and(|fault| {
                fault.is_closed()
                    || matches!(
                        fault.sqlstate(),
                        // The last two: the server ended a session whose client slept in a transaction.
                        Some("57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04")
                    )
            }),
        }
    }

    fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Connect { source, .. } | Self::Statement { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Dsn { .. } | Self::Tls { .. } => ErrorKind::Invalid,
            Self::File { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Internal,
            },
            Self::Connect { source, .. } | Self::Statement { source, .. } => source.kind(),
            Self::ConnectTimeout { .. } | Self::Deadline { .. } => ErrorKind::Timeout,
            Self::Row { .. } => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Dsn { cure, .. } => cure.clone(),
            Self::Connect { source, .. } => match (source.sqlstate(), source.kind()) {
                (Some(code), _) if code.starts_with("28") => Some(
                    "check user and password: PGPASSWORD, ~/.pgpass, or `password = { env = \"…\" }` in the \
                     configuration"
                        .to_owned(),
                ),
                (Some("3D000"), _) => Some("check the name of the database".to_owned()),
                (None, ErrorKind::Denied) => Some(
                    "the server's certificate was not accepted: `sslrootcert` names the authority to trust"
                        .to_owned(),
                ),
                (None, ErrorKind::Unavailable) => {
                    Some("is the server running, and are host and port right?".to_owned())
                }
                _ => None,
            },
            Self::ConnectTimeout { .. } => {
                Some("is the server reachable from here? `connect_timeout` says how long to wait".to_owned())
            }
            Self::Statement { source, .. } if source.sqlstate() == Some("25006") => Some(
                "the server is a standby; add `target_session_attrs=read-write` and all hosts".to_owned(),
            ),
            _ => None,
        }
    }
}

/// The head of a statement on one line.
pub(crate) fn head(statement: &str) -> String {
    let text = one_line(statement);
    match text.char_indices().nth(HEAD) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::head;

    #[test]
    fn the_head_of_a_statement_is_one_short_line() {
        assert_eq!(head("SELECT 1\n   FROM t"), "SELECT 1 FROM t");
        let long = head(&"ü ".repeat(100));
        assert_eq!(long.chars().count(), 80, "{long}");
        assert!(long.ends_with("ü…"), "{long}");
    }
}
