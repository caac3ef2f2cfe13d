//! Every environment variable that Ostler reads, in one table.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use super::dotenv;
use crate::Error;

/// A variable and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does, as a sentence without a full stop.
    pub meaning: &'static str,
}

/// The configuration file.
pub const CONFIG: &str = "OSTLER_CONFIG";
/// The state directory.
pub const STATE_DIR: &str = "OSTLER_STATE_DIR";
/// The default vault.
pub const VAULT: &str = "OSTLER_VAULT";
/// The key file of vaults that configure no key.
pub const KEY_FILE: &str = "OSTLER_KEY_FILE";
/// Their passphrase.
pub const PASSPHRASE: &str = "OSTLER_PASSPHRASE";
/// The file with their passphrase.
pub const PASSPHRASE_FILE: &str = "OSTLER_PASSPHRASE_FILE";
/// The file with their age identity.
pub const AGE_IDENTITY_FILE: &str = "OSTLER_AGE_IDENTITY_FILE";

/// The token for a server.
pub const TOKEN: &str = "OSTLER_TOKEN";
/// The file with it.
pub const TOKEN_FILE: &str = "OSTLER_TOKEN_FILE";

/// The file of the authority of that server.
pub const SERVER_CA: &str = "OSTLER_SERVER_CA";

/// All of them. A variable that is not here is not read (but by the names that `{ env = "NAME" }` references give).
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: CONFIG,
        meaning: "the configuration file, instead of ~/.config/ostler/config.toml",
    },
    Variable {
        name: STATE_DIR,
        meaning: "the directory of journal, default vault and keys, instead of ~/.local/share/ostler",
    },
    Variable {
        name: VAULT,
        meaning: "the vault that verbs without --vault use",
    },
    Variable {
        name: KEY_FILE,
        meaning: "the key file that opens vaults which configure no key",
    },
    Variable {
        name: PASSPHRASE,
        meaning: "the passphrase that opens vaults which configure no key",
    },
    Variable {
        name: PASSPHRASE_FILE,
        meaning: "a file whose first line is that passphrase",
    },
    Variable {
        name: AGE_IDENTITY_FILE,
        meaning: "a file with the age identity that opens vaults which configure no key",
    },
    Variable {
        name: TOKEN,
        meaning: "the token that `--server` sends",
    },
    Variable {
        name: TOKEN_FILE,
        meaning: "a file whose first line is that token",
    },
    Variable {
        name: SERVER_CA,
        meaning: "a file with the certificate of the only authority that the server of `--server` is believed by",
    },
    Variable {
        name: "AWS_ACCESS_KEY_ID",
        meaning: "the access key of S3 vaults that configure none",
    },
    Variable {
        name: "AWS_SECRET_ACCESS_KEY",
        meaning: "the secret of that access key",
    },
    Variable {
        name: "AWS_SESSION_TOKEN",
        meaning: "the token of temporary credentials",
    },
    Variable {
        name: "AWS_REGION",
        meaning: "the region of S3 vaults that configure none",
    },
    Variable {
        name: "AWS_ENDPOINT_URL",
        meaning: "the endpoint of S3 vaults that configure none",
    },
    Variable {
        name: "AZURE_STORAGE_ACCOUNT_NAME",
        meaning: "the storage account of Azure vaults that configure none",
    },
    Variable {
        name: "AZURE_STORAGE_ACCOUNT_KEY",
        meaning: "its key",
    },
    Variable {
        name: "AZURE_STORAGE_SAS_TOKEN",
        meaning: "a shared access signature, in place of that key",
    },
    Variable {
        name: "GOOGLE_APPLICATION_CREDENTIALS",
        meaning: "the file with the service account's key of Google Cloud Storage vaults that configure none",
    },
    Variable {
        name: "CRATEDB_CLUSTER_URL",
        meaning: "the CrateDB cluster of `ostler retention`, where no database is configured or named; CRATEDB_URI is the same",
    },
    Variable {
        name: "CRATEDB_URI",
        meaning: "the same, in the words of CrateDB Toolkit's retention program",
    },
    Variable {
        name: "CRATEDB_USERNAME",
        meaning: "the user of CrateDB, where its address names none",
    },
    Variable {
        name: "CRATEDB_PASSWORD",
        meaning: "the user's password",
    },
    Variable {
        name: "CRATEDB_SCHEMA",
        meaning: "the schema of names without one, where the address names none",
    },
    Variable {
        name: "PGHOST",
        meaning: "the server of databases whose connection string names none",
    },
    Variable {
        name: "PGPORT",
        meaning: "its port",
    },
    Variable {
        name: "PGDATABASE",
        meaning: "the database",
    },
    Variable {
        name: "PGUSER",
        meaning: "the user",
    },
    Variable {
        name: "PGPASSWORD",
        meaning: "the user's password",
    },
    Variable {
        name: "PGPASSFILE",
        meaning: "the password file, instead of ~/.pgpass",
    },
    Variable {
        name: "PGSSLMODE",
        meaning: "how much the server has to prove: disable, prefer, require, verify-ca or verify-full",
    },
    Variable {
        name: "PGSSLROOTCERT",
        meaning: "the file of authorities to trust, or `system`",
    },
    Variable {
        name: "NOTIFY_SOCKET",
        meaning: "where systemd listens to `serve` and `queue ticker`",
    },
    Variable {
        name: "XDG_CONFIG_HOME",
        meaning: "where the directory ostler/ with config.toml is looked for, instead of ~/.config",
    },
    Variable {
        name: "XDG_DATA_HOME",
        meaning: "where the state directory ostler/ is made, instead of ~/.local/share",
    },
    Variable {
        name: "XDG_CACHE_HOME",
        meaning: "where the cache directory ostler/ is made, instead of ~/.cache",
    },
    Variable {
        name: "HOME",
        meaning: "the home directory, which ~ stands for",
    },
    Variable {
        name: "NO_COLOR",
        meaning: "when set, no colours on the terminal",
    },
    Variable {
        name: "COLUMNS",
        meaning: "the width of tables where the terminal does not tell",
    },
];

/// What `.env` never sets: where configuration, state and credentials of this program are, and whom it trusts.
const NEVER_FROM_FILE: [&str; 8] = [
    CONFIG,
    STATE_DIR,
    VAULT,
    SERVER_CA,
    "NOTIFY_SOCKET",
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

/// The variables of this process, with what `.env` adds. Values never show in `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    values: BTreeMap<String, String>,
    /// What `.env` has beside the table: it counts where the configuration refers to it.
    referable: BTreeMap<String, String>,
}

impl Environment {
    /// The process's variables, and those of `directory`'s `.env` that the process does not have and that a file may set.
    /// The file is for this program alone: no child process gets any of it.
    ///
    /// # Errors
    /// When `.env` is there and cannot be read or parsed.
    pub fn of_process(directory: &Path) -> Result<Self, Error> {
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let process = Self::of(std::env::vars_os().filter_map(text));
        Ok(process.with_file(dotenv::read(directory)?))
    }

    fn with_file(mut self, file: BTreeMap<String, String>) -> Self {
        for (name, value) in file {
            let is_proxy = name.to_ascii_lowercase().ends_with("_proxy");
            if is_proxy || self.values.contains_key(&name) || NEVER_FROM_FILE.contains(&name.as_str()) {
                continue;
            }
            match VARIABLES.iter().any(|variable| variable.name == name) {
                true => self.values.insert(name, value),
                false => self.referable.insert(name, value),
            };
        }
        self
    }

    /// With the variables of `.env` that `{ env = "NAME" }` references of this configuration name.
    pub(super) fn with_referred(mut self, configuration: &toml::Table) -> Self {
        for name in referred(configuration) {
            if let Some(value) = self.referable.get(name) {
                self.values.insert(name.to_owned(), value.clone());
            }
        }
        self
    }

    /// These variables and no others.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            values: values.into_iter().collect(),
            referable: BTreeMap::new(),
        }
    }

    /// The value, unless it is not set or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.values.len())
    }
}

/// The names of all `{ env = "NAME" }` of a configuration.
fn referred(table: &toml::Table) -> Vec<&str> {
    let mut names = Vec::new();
    for (key, value) in table {
        match value {
            toml::Value::Table(table) => names.extend(referred(table)),
            toml::Value::String(name) if key == "env" => names.push(name.as_str()),
            _ => {}
        }
    }
    names
}
