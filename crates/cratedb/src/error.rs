//! What can go wrong, with the host and the statement it happened on.

use std::fmt;
use std::path::PathBuf;

use ostler_vocabulary::{Classified, ErrorKind};

use crate::code;

/// Characters of a statement that an error shows.
const HEAD: usize = 80;

/// What went wrong, with which host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that means nothing.
    #[error("the address of CrateDB is wrong: {reason}")]
    Address {
        /// What is wrong; never with a value in it.
        reason: String,
        /// What to write instead.
        cure: Option<String>,
    },
    /// A file that the connection needs cannot be read.
    #[error("{connection}: cannot read the authority's certificate {}", path.display())]
    File {
        /// Whose.
        connection: String,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Certificates that cannot be used.
    #[error("{connection}: TLS cannot be set up: {reason}")]
    Tls {
        /// Whose.
        connection: String,
        /// What is wrong.
        reason: String,
    },
    /// No host answered; the statement was not run.
    #[error("cannot connect to {connection}: {reason}")]
    Connect {
        /// To what.
        connection: String,
        /// What each host's failure was.
        reason: String,
        /// Whether somebody answered who could not prove who he is.
        untrusted: bool,
    },
    /// The answer did not come; whether the statement was run is not known.
    #[error("{connection}: no answer: {reason}; the statement was `{statement}`")]
    Lost {
        /// From where.
        connection: String,
        /// Its head.
        statement: String,
        /// What was seen.
        reason: String,
    },
    /// A statement failed.
    #[error("{connection}: {source}; the statement was `{statement}`")]
    Statement {
        /// On which host.
        connection: String,
        /// Its head.
        statement: String,
        /// Why.
        source: Fault,
    },
    /// An answer is not what the statement promises.
    #[error("{connection}: it gave {reason}; the statement was `{statement}`")]
    Answer {
        /// On which host.
        connection: String,
        /// Its head.
        statement: String,
        /// What is wrong.
        reason: String,
    },
}

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its code; `None` when it was not CrateDB itself that spoke.
    pub code: Option<i64>,
    /// The message, without the class of the exception.
    pub message: String,
    pub(crate) class: Option<String>,
    pub(crate) status: u16,
}

impl Fault {
    /// Reads `Class[message]`, as the server writes it.
    pub(crate) fn new(code: Option<i64>, said: &str, status: u16) -> Self {
        let said = one_line(said);
        let split = said.split_once('[').and_then(|(class, rest)| {
            let named = !class.is_empty() && class.chars().all(|c| c.is_ascii_alphanumeric());
            let message = rest.strip_suffix(']')?;
            named.then(|| (class.to_owned(), message.to_owned()))
        });
        let (class, message) = match split {
            Some((class, message)) => (Some(class), message),
            None => (None, said),
        };
        Self {
            code,
            message,
            class,
            status,
        }
    }

    fn kind(&self) -> ErrorKind {
        code::kind(self.code, self.status)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match (&self.code, &self.class) {
            (Some(code), Some(class)) => write!(f, " (code {code}, {class})"),
            (Some(code), None) => write!(f, " (code {code})"),
            (None, _) => write!(f, " (HTTP status {})", self.status),
        }
    }
}

impl std::error::Error for Fault {}

impl Error {
    /// The server's code, when the server spoke.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Statement { source, .. } => source.code,
            _ => None,
        }
    }

    /// Whether a row with such a key is there already.
    #[must_use]
    pub fn is_duplicate_key(&self) -> bool {
        self.code() == Some(code::DUPLICATE_KEY)
    }

    /// Whether there is no such partition, or not even its table.
    #[must_use]
    pub fn is_unknown_partition(&self) -> bool {
        matches!(self.code(), Some(code::UNKNOWN_PARTITION | code::UNKNOWN_TABLE))
    }

    /// Whether the table or partition takes no writes.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.code() == Some(code::BLOCKED)
    }
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Address { .. } | Self::Tls { .. } => ErrorKind::Invalid,
            Self::File { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Internal,
            },
            Self::Connect { untrusted: true, .. } => ErrorKind::Denied,
            Self::Connect { .. } | Self::Lost { .. } => ErrorKind::Unavailable,
            Self::Statement { source, .. } => source.kind(),
            Self::Answer { .. } => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Address { cure, .. } => cure.clone(),
            Self::Connect { untrusted: true, .. } => Some(
                "the server's certificate was not accepted: `sslrootcert` names the authority to trust".to_owned(),
            ),
            Self::Connect { .. } => {
                Some("is CrateDB running, and are host and HTTP port (4200 unless changed) right?".to_owned())
            }
            Self::Statement { source, .. } if source.status == 401 && source.code.is_none_or(|code| code == 4010) => {
                Some(
                    "check user and password: CRATEDB_USERNAME, CRATEDB_PASSWORD, or `password = { env = \"…\" }` in the configuration"
                        .to_owned(),
                )
            }
            // To whoever may not look into it, the server says that it is not there.
            Self::Statement { source, .. } if source.code == Some(code::UNKNOWN_SCHEMA) && source.message.contains("'sys'") => {
                Some("`GRANT DQL ON TABLE sys.shards TO …` lets a user look; the guide to CrateDB has all rights".to_owned())
            }
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

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn the_class_of_an_exception_is_told_apart_from_its_message() {
        for (code, said, shown) in [
            (
                Some(4041),
                "RelationUnknown[Relation 'doc.nope' unknown]",
                "Relation 'doc.nope' unknown (code 4041, RelationUnknown)",
            ),
            (Some(4000), "odd [text]", "odd [text] (code 4000)"),
            (
                None,
                "password authentication failed\n",
                "password authentication failed (HTTP status 401)",
            ),
            (Some(5000), "[x]", "[x] (code 5000)"),
        ] {
            assert_eq!(Fault::new(code, said, 401).to_string(), shown);
        }
    }
}
