//! What can be wrong with access and serving.

use std::path::PathBuf;

use ostler_vocabulary::{Classified, ErrorKind};

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The record of users, tokens and sessions cannot be opened, read or written.
    #[error(transparent)]
    State(#[from] ostler_state::Error),
    /// What secrets are made of cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
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
    /// A user of that name is there.
    #[error("there is a user called `{name}` already")]
    UserExists {
        /// The name.
        name: String,
    },
    /// No user has that name.
    #[error("no user is called `{name}`")]
    NoUser {
        /// The name.
        name: String,
    },
    /// A password that is guessed too easily, or cannot be used.
    #[error("the password will not do: {reason}")]
    Password {
        /// Why not. Never the password.
        reason: String,
    },
    /// A password cannot be hashed.
    #[error("cannot hash a password: {reason}")]
    Hashing {
        /// Why not.
        reason: String,
    },
    /// A name that cannot be shown or typed.
    #[error("`{name}` is no name for a token or user: 1 to 64 letters, digits, dots, dashes and underscores")]
    Name {
        /// The name.
        name: String,
    },
    /// A user or token of another server that cannot be one here.
    #[error("{what} `{name}` cannot be taken over: {reason}")]
    Taken {
        /// `user` or `token`.
        what: &'static str,
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A plan cannot be kept for its maker.
    #[error("cannot keep the plan")]
    Plan {
        /// Why not.
        source: serde_json::Error,
    },
    /// A certificate with its key cannot be used.
    #[error("cannot use {} for TLS: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why not. Nothing of a key.
        reason: String,
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
    /// There is no certificate where the authority's should be.
    #[error("there is no certificate in the file of the server's authority")]
    Authority,
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
            Self::State(error) => error.kind(),
            Self::Serve { .. } | Self::Client { .. } | Self::Hashing { .. } => ErrorKind::Internal,
            Self::File { source, .. } => match source.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Internal,
            },
            // A path that is no UTF-8.
            Self::Plan { .. } => ErrorKind::Unsupported,
            Self::TokenExists { .. } | Self::UserExists { .. } => ErrorKind::AlreadyExists,
            Self::NoToken { .. } | Self::NoUser { .. } => ErrorKind::NotFound,
            Self::Certificate { .. }
            | Self::Taken { .. }
            | Self::Name { .. }
            | Self::Password { .. }
            | Self::Address { .. }
            | Self::Authority => ErrorKind::Invalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::State(error) => error.hint(),
            Self::NoToken { .. } => Some("`ostler token list` shows all".to_owned()),
            Self::Certificate { .. } => Some(
                "`serve.certificate` and `serve.key` name files in PEM: the certificate, followed by what leads to its authority, and its key"
                    .to_owned(),
            ),
            Self::NoUser { .. } => Some("`ostler user list` shows all".to_owned()),
            Self::UserExists { name } => Some(format!(
                "`ostler user password {name}` gives them another password, `ostler user remove {name}` removes them"
            )),
            Self::Password { .. } => Some("without `--password-file` a good one is made and printed".to_owned()),
            Self::TokenExists { name } => Some(format!("`ostler token remove {name}` revokes it")),
            Self::Address { .. } => Some("write it as http://HOST:PORT or https://HOST".to_owned()),
            _ => None,
        }
    }
}
