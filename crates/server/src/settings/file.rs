//! The configuration file as it is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostler_api::request::{Hooks, Keep};
use ostler_store::{Prices, Rates, RetryPolicy};
use ostler_vocabulary::{ByteSize, Span};
use serde::Deserialize;

pub use super::cluster::{Agent, Cluster, ClusterNode};
use super::reference::Reference;
pub use super::state::State;
use super::stores::{Azure, Gcs, S3, Sftp};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Always 1.
    pub version: u32,
    /// `[defaults]`
    #[serde(default)]
    pub defaults: Defaults,
    /// `[backup]`
    #[serde(default)]
    pub backup: Backup,
    /// `[keep]`
    #[serde(default)]
    pub keep: Keep,
    /// `[history]`
    #[serde(default)]
    pub history: History,
    /// `[audit]`
    #[serde(default)]
    pub audit: Audit,
    /// `[serve]`
    #[serde(default)]
    pub serve: Serve,
    /// `[ticker]`
    #[serde(default)]
    pub ticker: Ticker,
    /// `[outgoing]`
    #[serde(default)]
    pub outgoing: Outgoing,
    /// `[metrics]`
    #[serde(default)]
    pub metrics: Metrics,
    /// `[state]`
    #[serde(default)]
    pub state: State,
    /// `[agent]`
    #[serde(default)]
    pub agent: Agent,
    /// `[cache]`
    #[serde(default)]
    pub cache: Cache,
    /// `[prices.NAME]`
    #[serde(default)]
    pub prices: BTreeMap<String, Prices>,
    /// `[vault.NAME]`
    #[serde(default)]
    pub vault: BTreeMap<String, Vault>,
    /// `[database.NAME]`
    #[serde(default)]
    pub database: BTreeMap<String, Database>,
    /// `[class.NAME]`
    #[serde(default)]
    pub class: BTreeMap<String, Class>,
    /// `[cluster.NAME]`
    #[serde(default)]
    pub cluster: BTreeMap<String, Cluster>,
}

impl Default for File {
    fn default() -> Self {
        Self {
            version: 1,
            defaults: Defaults::default(),
            backup: Backup::default(),
            keep: Keep::default(),
            history: History::default(),
            audit: Audit::default(),
            serve: Serve::default(),
            ticker: Ticker::default(),
            outgoing: Outgoing::default(),
            metrics: Metrics::default(),
            state: State::default(),
            agent: Agent::default(),
            cache: Cache::default(),
            prices: BTreeMap::new(),
            vault: BTreeMap::new(),
            database: BTreeMap::new(),
            class: BTreeMap::new(),
            cluster: BTreeMap::new(),
        }
    }
}

/// What is meant where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// The vault that verbs without `--vault` use.
    pub vault: String,
    /// How long to wait for another writer of a vault before giving up as busy.
    pub lease_wait: Span,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            vault: "default".to_owned(),
            lease_wait: Span(std::time::Duration::from_secs(120)),
        }
    }
}

/// What is kept of vaults on this machine, so that it need not be asked for again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// The most that the copies of small objects take together; 0 for none.
    pub size: ByteSize,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            size: ByteSize(1 << 30),
        }
    }
}

/// What every backup does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// Globs of what every backup leaves out.
    pub exclude: Vec<String>,
    /// Whether every backup stays on the file systems its paths are on.
    pub one_file_system: bool,
    /// Commands around every backup.
    pub hooks: Hooks,
    /// How long an earlier look at a pack counts for later backups; 0 for never.
    pub presence_max_age: Span,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            exclude: Vec::new(),
            one_file_system: false,
            hooks: Hooks::default(),
            presence_max_age: Span(std::time::Duration::ZERO),
        }
    }
}

/// How long the history of operations is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct History {
    /// Operations that ended longer ago are forgotten.
    pub keep: Span,
    /// So many of the newest stay all the same.
    pub minimum: usize,
}

impl Default for History {
    fn default() -> Self {
        Self {
            keep: Span(std::time::Duration::from_secs(90 * 86_400)),
            minimum: 100,
        }
    }
}

/// How long it is kept who changed what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Changes that were asked for longer ago are forgotten.
    pub keep: Span,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            keep: Span(std::time::Duration::from_secs(365 * 86_400)),
        }
    }
}

/// How the API and the dashboard are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// The file of the certificate for TLS, with its chain.
    pub certificate: Option<PathBuf>,
    /// The file of its key.
    pub key: Option<PathBuf>,
}

/// How often the ticker of queues does what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ticker {
    /// How old new events become before a tick.
    pub wakeup_lag: Span,
    /// How often maintenance looks for work.
    pub maintenance: Span,
    /// How often databases are looked for.
    pub discovery: Span,
}

impl Default for Ticker {
    fn default() -> Self {
        Self {
            wakeup_lag: Span(std::time::Duration::from_millis(10)),
            maintenance: Span(std::time::Duration::from_secs(120)),
            discovery: Span(std::time::Duration::from_secs(60)),
        }
    }
}

/// Which addresses that users give may be called, such as those of schedules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outgoing {
    /// Hosts, `.domain` for all below, addresses; all but this machine itself when empty.
    pub allow: Vec<String>,
}

/// How metrics come to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// How often vaults and databases are looked at.
    pub refresh: Span,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            refresh: Span(std::time::Duration::from_secs(300)),
        }
    }
}

/// A PostgreSQL database, or a CrateDB cluster, and how to get there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// A connection string without a password.
    pub dsn: String,
    /// Where the password comes from.
    pub password: Option<Reference>,
    /// Which databases of that server have a ticker: none named is that of the DSN, `*` all.
    #[serde(default)]
    pub databases: Vec<String>,
}

impl Database {
    /// Whether it is CrateDB.
    #[must_use]
    pub fn is_cratedb(&self) -> bool {
        ostler_cratedb::Address::is_meant(&self.dsn)
    }
}

/// A class of storage: where data go that are too old for their table, or for the place where they are. It is one thing to
/// archives, and others to databases; what it is not, policies cannot use it for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// The address of its object store.
    pub location: Option<String>,
    /// The tablespace of PostgreSQL.
    pub tablespace: Option<String>,
    /// What nodes of CrateDB have: `ATTRIBUTE=VALUE`.
    pub attribute: Option<String>,
    /// The repository of CrateDB's snapshots.
    pub repository: Option<String>,
    /// The vault whose store is reached in the same way: endpoint, credentials, limits.
    #[serde(rename = "as")]
    pub reached_as: Option<String>,
}

/// What encrypts a vault, as far as the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// Nothing.
    None,
}

/// A vault and how it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// The address of its store.
    pub location: String,
    /// Where the key file's text comes from.
    pub key: Option<Reference>,
    /// Where the passphrase comes from.
    pub passphrase: Option<Reference>,
    /// Where the age identity comes from.
    pub age_identity: Option<Reference>,
    /// Whether it is unencrypted on purpose, so that keys of the environment are not for it.
    pub encryption: Option<Encryption>,
    /// How long what is stored is locked against deletion; not at all when not given.
    pub lock: Option<Span>,
    /// What its bytes and requests wait for.
    #[serde(default)]
    pub limits: Rates,
    /// How requests that fail are made again.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// The longest that a request may take, its body included.
    pub timeout: Option<Span>,
    /// The name of its price list.
    pub prices: Option<String>,
    /// How its S3 service is reached.
    #[serde(default)]
    pub s3: S3,
    /// How its Azure storage account is reached.
    #[serde(default)]
    pub azure: Azure,
    /// How Google Cloud Storage is reached.
    #[serde(default)]
    pub gcs: Gcs,
    /// How its host is reached by SSH.
    #[serde(default)]
    pub sftp: Sftp,
}

impl Vault {
    /// A vault about which only its place is known.
    #[must_use]
    pub fn at(location: impl Into<String>) -> Self {
        Self {
            location: location.into(),
            key: None,
            passphrase: None,
            age_identity: None,
            encryption: None,
            lock: None,
            limits: Rates::default(),
            retry: RetryPolicy::default(),
            timeout: None,
            prices: None,
            s3: S3::default(),
            azure: Azure::default(),
            gcs: Gcs::default(),
            sftp: Sftp::default(),
        }
    }
}
