//! What can be wrong with access and serving.

use std::path::PathBuf;

use ostler_vocabulary::{Classified, ErrorKind};

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file of tokens and sessions cannot be used.
    #[error("cannot {attempt} {}", path.display())]
    Access {
        /// What was attempted.
        attempt: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// The file of tokens and sessions cannot be made for its owner alone.
    #[error("cannot make {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A newer program wrote the file.
    #[error("{} is of version {found}, and this program knows {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// A token of that name is there.
    #[error("there is a token called `{name}` already")]
    TokenExists {
        /// The name.
        name: String,
    },
    /// No token has that name.
    #[error("no token is called `{name}`")]
    NoToken {
        /// The name.
        name: String,
    },
    /// A name that cannot be shown or typed.
    #[error("`{name}` is no name for a token: 1 to 64 letters, digits, dots, dashes and underscores")]
    TokenName {
        /// The name.
        name: String,
    },
    /// Connections cannot be taken any more.
    #[error("the HTTP server stopped")]
    Serve {
        /// Why.
        source: std::io::Error,
    },
    /// A client of the API cannot be made.
    #[error("{message}")]
    Address {
        /// What is wrong.
        message: String,
    },
    /// No HTTP client can be made.
    #[error("cannot make an HTTP client")]
    Client {
        /// Why not.
        source: reqwest::Error,
    },
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Access { .. } | Self::Serve { .. } | Self::Client { .. } => ErrorKind::Internal,
            Self::File { source, .. } => match source.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Internal,
            },
            Self::Newer { .. } => ErrorKind::Unsupported,
            Self::TokenExists { .. } => ErrorKind::AlreadyExists,
            Self::NoToken { .. } => ErrorKind::NotFound,
            Self::TokenName { .. } | Self::Address { .. } => ErrorKind::Invalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Newer { .. } => Some("use the newer program with this state directory".to_owned()),
            Self::NoToken { .. } => Some("`ostler token list` shows all".to_owned()),
            Self::TokenExists { name } => Some(format!("`ostler token remove {name}` revokes it")),
            Self::Address { .. } => Some("write it as http://HOST:PORT or https://HOST".to_owned()),
            _ => None,
        }
    }
}
