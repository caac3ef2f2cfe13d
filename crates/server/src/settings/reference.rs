//! Where a secret comes from: never from the configuration file itself.

use std::path::{Path, PathBuf};

use ostler_vocabulary::{ErrorKind, Secret};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::environment::Environment;
use super::key_store;
use crate::Error;

/// `{ file = "…" }`, `{ env = "…" }` or `{ keyring = "…" }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The text of a file, without the line end at its end. Relative to the configuration file.
    File(PathBuf),
    /// A variable, of the process or of `.env`.
    Env(String),
    /// An entry of the system's key store: of the desktop's by `secret-tool lookup service ostler account NAME`, or
    /// of the kernel's by `keyctl pipe %user:ostler:NAME`.
    Keyring(String),
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not derived: what somebody wrote in place of a reference may be the secret itself, and messages that serde
        // makes repeat it.
        let wrong = || {
            D::Error::custom(
                "a secret is not written here but where it comes from: { file = \"…\" }, { env = \"…\" } or \
                 { keyring = \"…\" }",
            )
        };
        let toml::Value::Table(table) = toml::Value::deserialize(deserializer)? else {
            return Err(wrong());
        };
        let mut entries = table.into_iter();
        match (entries.next(), entries.next()) {
            (Some((kind, toml::Value::String(name))), None) => match kind.as_str() {
                "file" => Ok(Self::File(name.into())),
                "env" => Ok(Self::Env(name)),
                "keyring" => Ok(Self::Keyring(name)),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, name) = match self {
            Self::File(path) => ("file", path.display().to_string()),
            Self::Env(name) => ("env", name.clone()),
            Self::Keyring(name) => ("keyring", name.clone()),
        };
        write!(f, "{{ {kind} = {} }}", toml::Value::String(name))
    }
}

impl Reference {
    /// Fetches the secret. Blocks. `what` says whose it is, for messages; `base` is what relative files are relative to.
    ///
    /// # Errors
    /// [`Error::Secret`] or [`Error::Read`], never with the secret.
    pub fn resolve(&self, what: &str, base: &Path, environment: &Environment) -> Result<Secret, Error> {
        let wrong = |kind, reason: String| Error::Secret {
            what: format!("{what} from {self}"),
            reason,
            kind,
            hint: match self {
                Self::Keyring(name) => key_store::hint(name),
                Self::File(_) | Self::Env(_) => "check the reference in the configuration file".to_owned(),
            },
        };
        let text = match self {
            Self::File(path) => {
                let path = base.join(expanded(path, environment));
                std::fs::read_to_string(&path).map_err(|source| Error::Read {
                    what: "the secret in",
                    path,
                    source,
                })?
            }
            Self::Env(name) => environment
                .get(name)
                .ok_or_else(|| wrong(ErrorKind::Invalid, format!("the variable {name} is not set")))?
                .to_owned(),
            Self::Keyring(name) => key_store::look_up(name).map_err(|(kind, reason)| wrong(kind, reason))?,
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(wrong(ErrorKind::Invalid, "it is empty".to_owned()));
        }
        Ok(Secret::new(text))
    }
}

/// The path with `~` as the home directory.
pub(crate) fn expanded(path: &Path, environment: &Environment) -> PathBuf {
    match (path.strip_prefix("~"), environment.get("HOME")) {
        (Ok(rest), Some(home)) => Path::new(home).join(rest),
        _ => path.to_owned(),
    }
}
