//! Vaults and their keys as documents.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use ostler_vocabulary::VaultId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::backup::Reading;
use super::traffic::{Cost, Estimate};

/// One row of `vault list`, and `vault info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VaultSummary {
    /// The name in the configuration.
    pub name: String,
    /// Where it is, without secrets.
    pub location: String,
    /// Whether it is the default.
    pub default: bool,
}

/// `vault list`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VaultList {
    /// All configured vaults, by name.
    pub vaults: Vec<VaultSummary>,
}

/// A database of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseSummary {
    /// The name in the configuration.
    pub name: String,
    /// Where it is, without a password.
    pub address: String,
}

/// All databases of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseList {
    /// By name.
    pub databases: Vec<DatabaseSummary>,
}

/// `vault info` and `vault init`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VaultInfo {
    /// Name and place.
    #[serde(flatten)]
    pub summary: VaultSummary,
    /// The vault's id.
    pub id: VaultId,
    /// The version of its format.
    pub format: u32,
    /// When it was made.
    pub created: Timestamp,
    /// `aes-256-gcm`, `chacha20-poly1305` or `none`.
    pub encryption: String,
    /// How its key is protected, one for each: `key file`, `passphrase`, `age`.
    pub keys: Vec<KeySummary>,
    /// The key file, when one was made just now or is configured.
    pub key_file: Option<PathBuf>,
    /// Backups by state.
    pub backups: BTreeMap<String, u64>,
    /// When the data of its backups was last read back: of the one that was left alone longest, and in all.
    #[serde(default)]
    pub reading: Reading,
    /// Packs.
    pub packs: u64,
    /// Bytes of all packs.
    pub bytes: u64,
    /// Chunks.
    pub chunks: u64,
    /// What was found when its store was last tried; `None` when it never was.
    #[serde(default)]
    pub store: Option<StoreProbe>,
    /// What reading all of it back takes and costs, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading_back: Option<Estimate>,
    /// What a month of storing its packs costs, where it has a price list with a price of storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Cost>,
    /// What to know about it.
    pub warnings: Vec<String>,
}

/// What a vault's store can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreProbe {
    /// When that was tried.
    pub at: Timestamp,
    /// Whether the vault has one writer at a time, because its store cannot keep several apart.
    pub single_writer: bool,
    /// What was tried, one by one.
    pub abilities: Vec<StoreAbility>,
}

/// One thing that a store can do or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreAbility {
    /// What, in a few words.
    pub ability: String,
    /// `yes`, `no`, or `unknown` where it could not be tried.
    pub answer: String,
    /// What was seen.
    pub evidence: String,
}

/// One way to open a vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeySummary {
    /// The key's id.
    pub id: String,
    /// `key file`, `passphrase` or `age`.
    pub kind: String,
    /// When it was added.
    pub created: Timestamp,
}

/// `vault key list`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyList {
    /// The vault's name.
    pub vault: String,
    /// The key epoch that new objects are sealed with.
    pub epoch: u32,
    /// Bytes of all packs.
    pub bytes: u64,
    /// Of these, bytes that are sealed with epochs that are to be given up, because they have leaked.
    pub old_bytes: u64,
    /// What opens the vault, oldest first.
    pub keys: Vec<KeyEntry>,
    /// The key epochs in which something is sealed, oldest first.
    pub epochs: Vec<KeyEpoch>,
}

/// A way to open a vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyEntry {
    /// Id, kind and age.
    #[serde(flatten)]
    pub summary: KeySummary,
    /// What tells it from others of its kind: a key file's fingerprint, the recipients of age.
    pub about: Option<String>,
    /// The key epochs that it opens.
    pub epochs: Vec<u32>,
    /// Whether this machine opened the vault with it just now.
    pub in_use: bool,
}

/// Secrets that objects are sealed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyEpoch {
    /// Its number.
    pub number: u32,
    /// When it was made; `None` for that of a new vault.
    pub made: Option<Timestamp>,
    /// `current`, `old`, or `leaked`: everything is to be re-encrypted, and it goes.
    pub state: String,
    /// Bytes of packs that are sealed with it.
    pub bytes: u64,
}
