//! What opens a vault, changed: requests, plans and reports.

use std::path::PathBuf;

use ostler_vocabulary::BackupId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::KeyEntry;

/// `vault key add`, `remove` and `rotate`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// The vault's name; `None` is the default vault.
    pub vault: Option<String>,
    /// What is to change.
    pub action: KeyAction,
}

/// A change of what opens a vault. Secrets are in none of them: files are named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum KeyAction {
    /// Make a key file here, which opens the vault too.
    AddKeyFile {
        /// An absolute path where nothing is yet.
        path: PathBuf,
    },
    /// Let a passphrase open the vault too.
    AddPassphrase {
        /// A file whose first line it is.
        file: PathBuf,
    },
    /// Let the identities of these recipients of age open the vault too.
    AddAge {
        /// `age1…`
        recipients: Vec<String>,
    },
    /// Take a key away.
    Remove {
        /// Its id, or a unique prefix of it.
        key: String,
    },
    /// Begin a new key epoch.
    Rotate {
        /// Whether secrets have leaked: everything is then re-encrypted, and the older epochs go.
        compromised: bool,
    },
}

/// What a change of keys would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyWork {
    /// The id of the key that is added or removed.
    pub key: Option<String>,
    /// The keys that open the vault now.
    pub keys: Vec<KeyEntry>,
    /// The key epoch that new objects are sealed with now.
    pub epoch: u32,
    /// Whether only an earlier rotation is finished, and no new epoch is made: in a vault with locks.
    pub goes_on: bool,
    /// Bytes of packs that would be re-encrypted.
    pub reencrypt_bytes: u64,
    /// What to know before.
    pub warnings: Vec<String>,
}

/// What a change of keys came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyReport {
    /// `added`, `removed`, `rotated`; `given up`: the older epochs are gone; `finished`: those of an earlier rotation are.
    pub done: String,
    /// The key that was added or removed.
    pub key: Option<String>,
    /// The key file that was made.
    pub key_file: Option<PathBuf>,
    /// The key epoch that new objects are sealed with now.
    pub epoch: u32,
    /// Bytes of all packs.
    pub bytes: u64,
    /// Of these, bytes that are still sealed with epochs that are to be given up.
    pub old_bytes: u64,
    /// Objects that keep older epochs from being given up; the first of them.
    pub left: Vec<String>,
    /// Backups that are being made with an older epoch.
    pub waits_for: Vec<BackupId>,
    /// What to know about it.
    pub warnings: Vec<String>,
}
