//! What every operation works with, and the few things all of them do.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::try_join;
use ostler_api::Node;
use ostler_operations::Operation;
use ostler_vault::{CatalogueEntry, Glance, Intent, Lease, LeaseHolder, Record, Vault};
use ostler_vocabulary::{BackupId, Clock, ErrorKind, Failure, ProcessIdentity, Timestamp};
use std::collections::BTreeSet;

use crate::cluster::{Cluster, Clusters};
use crate::state::{self, Backup};

/// A backup whose maker showed no life for so long counts as interrupted in listings. What is freed does not follow
/// from this.
const SILENT: jiff::SignedDuration = jiff::SignedDuration::from_mins(60);

/// What an operation works with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The vault's name in the configuration, for messages.
    pub vault_name: String,
    /// The open vault.
    pub vault: Arc<Vault>,
    /// The agent beside the data.
    pub node: Arc<dyn Node>,
    /// The cluster that is backed up or restored, if it is not this machine.
    pub cluster: Option<Arc<Cluster>>,
    /// The clusters of the configuration, for backups of which a part is kept by the engine of one.
    pub clusters: Arc<dyn Clusters>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where drills make their scratch directories.
    pub scratch: PathBuf,
    /// Directories of ours that no backup holds.
    pub left_out: Vec<PathBuf>,
    /// The process that makes backups and holds leases: this one, outside tests.
    pub process: ProcessIdentity,
    /// How long to wait for another who deletes or frees something of the vault.
    pub lease_wait: Duration,
    /// Where it is noted which packs were found in the store; `None` for nowhere.
    pub presence: Option<PathBuf>,
    /// How long that counts.
    pub presence_max_age: Duration,
}

impl Context {
    /// What makes a command be about this vault: ` --vault NAME`, or nothing for the default one.
    #[must_use]
    pub fn of_vault(&self) -> String {
        match self.vault_word() {
            word if word.is_empty() => word,
            word => format!(" --vault{word}"),
        }
    }

    /// The same for `vault` commands, which take the name alone.
    #[must_use]
    pub fn vault_word(&self) -> String {
        match self.vault_name.as_str() {
            "default" => String::new(),
            name => format!(" {name}"),
        }
    }

    /// The failure with the vault's name and what was attempted.
    pub fn attempting<E: Into<Failure>>(&self, what: impl fmt::Display) -> impl FnOnce(E) -> Failure {
        let message = format!("vault `{}`: cannot {what}", self.vault_name);
        move |error| error.into().context(message)
    }

    /// All backups of the vault, newest first.
    ///
    /// # Errors
    /// When the vault cannot be listed.
    pub async fn backups(&self) -> Result<Vec<Backup>, Failure> {
        self.backups_of(&self.catalogue().await?).await
    }

    /// What there is to be known of the vault's backups without asking whether their makers live.
    ///
    /// # Errors
    /// When the vault cannot be listed.
    pub async fn catalogue(&self) -> Result<Vec<CatalogueEntry>, Failure> {
        let entries = self.vault.catalogue().await;
        entries.map_err(self.attempting("list its backups"))
    }

    /// The backups of a catalogue, newest first. An uncommitted one is running while its maker is not known to be dead
    /// and showed life a short time ago.
    ///
    /// # Errors
    /// When the vault cannot be asked for makers.
    pub async fn backups_of(&self, entries: &[CatalogueEntry]) -> Result<Vec<Backup>, Failure> {
        let mut living = BTreeSet::new();
        for intent in entries
            .iter()
            .filter(|e| e.committed.is_none())
            .filter_map(|e| e.intent.as_ref())
        {
            let maker = self.vault.maker(intent).await;
            let maker = maker.map_err(self.attempting("see who writes to it"))?;
            let silent = maker.seen.map(|seen| seen.duration_until(self.now()));
            if !maker.process.is_some_and(|process| process.is_dead())
                && silent.is_none_or(|silent| silent < SILENT)
            {
                living.insert(intent.backup);
            }
        }
        let alive = |intent: &Intent| living.contains(&intent.backup);
        let mut backups = state::backups(entries, &alive);
        for backup in &mut backups {
            backup.summary.vault.clone_from(&self.vault_name);
        }
        Ok(backups)
    }

    /// All backups, and all that was listed in the same moment, for what is to be freed.
    pub(crate) async fn backups_and_glance(&self) -> Result<(Vec<Backup>, Glance), Failure> {
        let glance = async {
            self.vault
                .glance()
                .await
                .map_err(self.attempting("list what it holds"))
        };
        try_join!(self.backups(), glance)
    }

    /// The commit record of a backup.
    ///
    /// # Errors
    /// When it is not there, not readable, or not what was written.
    pub async fn record(&self, id: BackupId) -> Result<Record, Failure> {
        self.vault
            .record(id)
            .await
            .map_err(self.attempting(format_args!("read the commit record of backup {}", id.short())))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes the vault's lease for deleting and freeing, for this process. It is no journaled step: a resumed operation takes it anew.
    pub(crate) async fn lease(&self, op: &Operation, purpose: &str) -> Result<Arc<Lease>, Failure> {
        let holder = LeaseHolder {
            process: self.process.clone(),
            operation: op.id(),
            purpose: purpose.to_owned(),
        };
        let told = |other: &LeaseHolder| {
            op.message(format!(
                "waiting for {} on {} (process {}, operation {}) to finish with the vault",
                other.purpose,
                other.process.host,
                other.process.pid,
                other.operation.short()
            ));
        };
        tokio::select! {
            biased;
            () = op.cancelled().cancelled() => Err(Failure::new(
                ErrorKind::Cancelled,
                "it was cancelled while waiting for the vault",
            )),
            lease = self.vault.lease(holder, self.lease_wait, &told) => {
                Ok(Arc::new(lease.map_err(self.attempting("become its collector"))?))
            }
        }
    }

    /// Gives the lease back. Failing to is harmless: it runs out.
    pub(crate) async fn release(&self, lease: Arc<Lease>) {
        if let Some(lease) = Arc::into_inner(lease)
            && let Err(error) = lease.release().await
        {
            tracing::warn!(vault = %self.vault_name, %error, "the lease was not given back and will run out");
        }
    }
}
