//! What every operation works with, and the few things all of them do.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ostler_api::Node;
use ostler_operations::Operation;
use ostler_vault::{Intent, Lease, LeaseHolder, Record, Vault};
use ostler_vocabulary::{BackupId, Clock, ErrorKind, Failure, ProcessIdentity, Timestamp};

use crate::state::{self, Backup};

/// What an operation works with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The vault's name in the configuration, for messages.
    pub vault_name: String,
    /// The open vault.
    pub vault: Arc<Vault>,
    /// The agent beside the data.
    pub node: Arc<dyn Node>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where drills make their scratch directories.
    pub scratch: PathBuf,
    /// Directories of ours that no backup holds.
    pub left_out: Vec<PathBuf>,
    /// The process that holds the writer lease: this one, outside tests.
    pub process: ProcessIdentity,
    /// How long to wait for another writer of the vault.
    pub lease_wait: Duration,
}

impl Context {
    /// The failure with the vault's name and what was attempted.
    pub fn attempting<E: Into<Failure>>(&self, what: impl fmt::Display) -> impl FnOnce(E) -> Failure {
        let message = format!("vault `{}`: cannot {what}", self.vault_name);
        move |error| error.into().context(message)
    }

    /// All backups of the vault, newest first. An uncommitted one is running while its operation holds the vault's
    /// writer lease; nobody can make a backup without.
    ///
    /// # Errors
    /// When the vault cannot be listed.
    pub async fn backups(&self) -> Result<Vec<Backup>, Failure> {
        let entries = self
            .vault
            .catalogue()
            .await
            .map_err(self.attempting("list its backups"))?;
        let holder = if entries.iter().any(|e| e.committed.is_none()) {
            self.vault
                .lease_holder()
                .await
                .map_err(self.attempting("see who writes to it"))?
                .filter(|holder| !holder.process.is_dead())
        } else {
            None
        };
        let alive = |intent: &Intent| holder.as_ref().is_some_and(|h| h.operation == intent.operation);
        Ok(state::backups(&entries, &alive))
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

    /// Takes the vault's writer lease for this process. It is no journaled step: a resumed operation takes it anew.
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
                Ok(Arc::new(lease.map_err(self.attempting("become its writer"))?))
            }
        }
    }

    /// Takes the lease for an undo, which may run in another process than what it takes back.
    pub(crate) async fn undo_lease(
        &self,
        operation: ostler_vocabulary::OperationId,
    ) -> Result<Lease, Failure> {
        let holder = LeaseHolder {
            process: self.process.clone(),
            operation,
            purpose: "undo".to_owned(),
        };
        self.vault
            .lease(holder, self.lease_wait, &|_| {})
            .await
            .map_err(self.attempting("become its writer"))
    }

    /// Gives the lease back. Failing to is harmless: it runs out.
    pub(crate) async fn release(&self, lease: Arc<Lease>) {
        if let Some(lease) = Arc::into_inner(lease)
            && let Err(error) = lease.release().await
        {
            tracing::warn!(vault = %self.vault_name, %error, "the writer lease was not given back and will run out");
        }
    }
}
