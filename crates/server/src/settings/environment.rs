//! Every environment variable that Ostler reads, in one table.

use std::collections::BTreeMap;
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

/// The variables of this process, with what `.env` adds. Values never show in `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    values: BTreeMap<String, String>,
}

impl Environment {
    /// The process's variables, and those of `directory`'s `.env` that the process does not have.
    ///
    /// # Errors
    /// When `.env` is there and cannot be read or parsed.
    pub fn of_process(directory: &Path) -> Result<Self, Error> {
        let file = directory.join(".env");
        let mut values = match std::fs::read_to_string(&file) {
            Ok(text) => dotenv::parse(&text).map_err(|wrong| Error::Setting {
                file: file.display().to_string(),
                key: format!("line {}", wrong.line),
                reason: wrong.reason.to_owned(),
                cure: "write NAME=value, with quotes around values that hold blanks or `#`".to_owned(),
            })?,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => {
                return Err(Error::Read {
                    what: "the environment file",
                    path: file,
                    source,
                });
            }
        };
        for (name, value) in std::env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                values.insert(name, value);
            }
        }
        Ok(Self { values })
    }

    /// These variables and no others.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            values: values.into_iter().collect(),
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
