//! What can be wrong with the configuration and with what it names.

use std::path::PathBuf;

use ostler_vocabulary::{Classified, ErrorKind};

/// What is wrong with the configuration or the surroundings. Failures of the parts below pass through as they are.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration file cannot be read.
    #[error("cannot read {what} {}", path.display())]
    Read {
        /// What the file is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file or directory of ours cannot be written.
    #[error("cannot write {what} {}", path.display())]
    Write {
        /// What the file is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not what was read.
    #[error("{} was changed since it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The configuration is not what it should be.
    #[error("{file}: {key}: {reason}")]
    Setting {
        /// The file, or the word `environment`.
        file: String,
        /// The key or variable.
        key: String,
        /// What is wrong.
        reason: String,
        /// What to write instead.
        cure: String,
    },
    /// A name that no `[vault.NAME]` has.
    #[error("no vault is called `{name}`")]
    NoVault {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A name that no `[class.NAME]` has, and that is no address.
    #[error("no class of storage is called `{name}`")]
    NoClass {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A class that databases know and no store.
    #[error("class of storage `{name}` has no store")]
    NoStoreOfClass {
        /// The name.
        name: String,
    },
    /// Nothing opens the vault.
    #[error("vault `{name}` needs a key, and none is configured")]
    NoKey {
        /// The vault's name.
        name: String,
    },
    /// No directory for state or configuration can be derived.
    #[error("there is no home directory to keep {what} in")]
    NoHome {
        /// What needs one.
        what: &'static str,
        /// The variable that names a place instead.
        variable: &'static str,
    },
    /// A secret reference leads nowhere.
    #[error("{what}: {reason}")]
    Secret {
        /// Whose secret, by which reference.
        what: String,
        /// What is wrong.
        reason: String,
        /// What it means.
        kind: ErrorKind,
        /// What to do.
        hint: String,
    },
    /// A database of the state cannot be opened, read or written.
    #[error(transparent)]
    State(#[from] ostler_state::Error),
    /// Something the runtime cannot work with.
    #[error("{message}")]
    Request {
        /// What it is.
        message: String,
        /// What it means.
        kind: ErrorKind,
        /// What to do.
        hint: Option<String>,
    },
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                std::io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
                _ => ErrorKind::Internal,
            },
            Self::Changed { .. } => ErrorKind::Conflict,
            Self::Setting { .. } | Self::NoHome { .. } => ErrorKind::Invalid,
            Self::NoVault { .. } | Self::NoClass { .. } | Self::NoStoreOfClass { .. } => ErrorKind::NotFound,
            Self::State(error) => error.kind(),
            Self::NoKey { .. } => ErrorKind::Denied,
            Self::Secret { kind, .. } | Self::Request { kind, .. } => *kind,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } | Self::Write { .. } => None,
            Self::State(error) => error.hint(),
            Self::Changed { .. } => Some(
                "do it again; a server reads it again when it gets SIGHUP (`systemctl reload`)".to_owned(),
            ),
            Self::Setting { cure, .. } => Some(cure.clone()),
            Self::NoVault { known, .. } if known.is_empty() => {
                Some("add it: `ostler vault init` or `ostler vault add`".to_owned())
            }
            Self::NoClass { known, .. } if known.is_empty() => Some(
                "write an absolute directory or a URL, or add [class.NAME] to the configuration".to_owned(),
            ),
            Self::NoVault { known, .. } | Self::NoClass { known, .. } => {
                Some(format!("there are: {}", known.join(", ")))
            }
            Self::NoStoreOfClass { name } => Some(format!(
                "`location` in [class.{name}] says where archives are kept"
            )),
            Self::NoKey { name } => Some(format!(
                "set `key`, `passphrase` or `age_identity` in [vault.{name}], or OSTLER_KEY_FILE"
            )),
            Self::NoHome { variable, .. } => Some(format!("set {variable}")),
            Self::Secret { hint, .. } => Some(hint.clone()),
            Self::Request { hint, .. } => hint.clone(),
        }
    }
}
