//! Leases: chains of objects that are only ever created. The collector's is exclusive, and so is that of each cluster;
//! each backup that is being made has one of its own, by which collectors see that its maker lives.
//!
//! Who holds it has the highest epoch, and shows life by one more beat now and then. Whoever finds the epoch
//! released, its holder dead, or its beats standing still for [`LEASE_TIME`] by the own monotonic clock creates the
//! next epoch; of several who try, the store lets one. A holder that slept through this finds a higher epoch when it
//! asks ([`Lease::confirm`]) and must stop. Between that question and the write that follows there is a window: what
//! is written then is either created without replacing, or deletes what nothing needed under any earlier holder.

mod chain;
mod holding;

use std::time::Duration;

use bytes::Bytes;
use ostler_store::Key;
use ostler_vocabulary::{BackupId, OperationId, ProcessIdentity, VaultId};
use serde::{Deserialize, Serialize};

pub(crate) use chain::{Chain, Link, number};
pub use holding::Lease;

use crate::envelope::{Mode, ObjectKind};
use crate::{Error, Vault, Writers};
use chain::{Verdict, Watch};

/// Where the collector's chain is.
pub(crate) const COLLECTOR: &str = "leases/collect/";
/// Where the chains of backups that are being made are.
pub(crate) const BACKUPS_MADE: &str = "leases/backup/";

/// Where the chains of clusters that are worked on are.
const CLUSTERS: &str = "leases/cluster/";

/// The chain of a cluster. Its name is nobody's business who only sees the names of objects, so the key has a digest.
fn cluster_chain(vault: VaultId, name: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("ostler lease of a cluster");
    hasher.update(vault.as_bytes());
    hasher.update(name.as_bytes());
    let digest = hasher.finalize().to_hex();
    format!("{CLUSTERS}{}/", &digest[..32])
}

/// The chain of a backup that is being made.
pub(crate) fn backup_chain(id: BackupId) -> String {
    format!("{BACKUPS_MADE}{id}/")
}

/// What a backup holds a lease for.
pub(crate) const BACKUP: &str = "backup";

/// How long a holder's beats must stand still before it is taken for gone.
pub const LEASE_TIME: Duration = Duration::from_secs(60);

/// How often a waiting process looks, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Who holds a lease, for messages and for telling the dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHolder {
    /// The process.
    pub process: ProcessIdentity,
    /// The operation it runs.
    pub operation: OperationId,
    /// What for, in a few words.
    pub purpose: String,
}

/// The body of an epoch's first beat.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) holder: LeaseHolder,
    /// Random: tells our own claim from another's when the store does not say whether it took it.
    pub(crate) claim: OperationId,
    /// Which owner of the operation claims it, as in an intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u64>,
}

impl Vault {
    /// Takes the vault's exclusive lease for collecting garbage, waiting at most `wait`. A holder that is known to be dead on this
    /// machine is replaced at once; another after its beat stood still for the lease's time by our monotonic clock.
    /// `told` is called once when it has to wait, with the holder.
    ///
    /// # Errors
    /// [`Error::Busy`] when somebody else holds it to the end.
    pub async fn lease(
        &self,
        holder: LeaseHolder,
        wait: Duration,
        told: &(dyn Fn(&LeaseHolder) + Send + Sync),
    ) -> Result<Lease, Error> {
        self.lease_of(COLLECTOR, holder, wait, told).await
    }

    /// Takes the exclusive lease for working on a cluster, as [`Vault::lease`]. Its epoch goes along with what agents are
    /// asked for: one that has seen a higher epoch refuses.
    ///
    /// # Errors
    /// [`Error::Busy`] when somebody else holds it to the end.
    pub async fn cluster_lease(
        &self,
        cluster: &str,
        holder: LeaseHolder,
        wait: Duration,
        told: &(dyn Fn(&LeaseHolder) + Send + Sync),
    ) -> Result<Lease, Error> {
        self.lease_of(&cluster_chain(self.id(), cluster), holder, wait, told)
            .await
    }

    async fn lease_of(
        &self,
        prefix: &str,
        holder: LeaseHolder,
        wait: Duration,
        told: &(dyn Fn(&LeaseHolder) + Send + Sync),
    ) -> Result<Lease, Error> {
        let claim = Claim {
            holder,
            claim: OperationId::from_bytes(crate::cipher::random()?),
            attempt: None,
        };
        let begun = self.clock().monotonic();
        let mut watch = Watch::default();
        let mut known: Option<(u64, Option<LeaseHolder>)> = None;
        let mut has_told = false;
        let mut pause = PAUSES.0;
        loop {
            let chain = Chain::read(prefix, &self.objects(prefix).await?);
            let holder = match (&chain, known.take()) {
                (Some(chain), Some((epoch, holder))) if chain.epoch == epoch => holder,
                (Some(chain), _) if !chain.released => {
                    self.claim(prefix, chain.epoch).await?.map(|claim| claim.holder)
                }
                _ => None,
            };
            let dead = holder
                .as_ref()
                .is_some_and(|holder| self.host().is_dead(&holder.process));
            let now = self.clock().monotonic();
            match watch.look(chain.as_ref(), dead, now) {
                Verdict::Take { epoch } => {
                    if let Some(lease) = self.take(prefix, epoch, &claim).await? {
                        return Ok(match prefix == COLLECTOR && claim.holder.purpose != BACKUP {
                            true => lease.collecting(self),
                            false => lease,
                        });
                    }
                    if self.writers() == Writers::One {
                        // Who gave way to each other must not meet again at once.
                        if now.saturating_sub(begun) >= wait {
                            return Err(Error::Busy(busy(prefix, None)));
                        }
                        self.host().sleep(pause).await;
                        pause = (pause * 2).min(PAUSES.1);
                    }
                }
                Verdict::Held => {
                    if now.saturating_sub(begun) >= wait {
                        return Err(Error::Busy(busy(prefix, holder.as_ref())));
                    }
                    if let Some(holder) = &holder
                        && !has_told
                    {
                        told(holder);
                        has_told = true;
                    }
                    known = chain.map(|chain| (chain.epoch, holder));
                    self.host().sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }

    /// Who holds the collector's lease; `None` when nobody does. A holder may be dead: ask its process's identity.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn lease_holder(&self) -> Result<Option<LeaseHolder>, Error> {
        match Chain::read(COLLECTOR, &self.objects(COLLECTOR).await?) {
            Some(chain) if !chain.released => Ok(self
                .claim(COLLECTOR, chain.epoch)
                .await?
                .map(|claim| claim.holder)),
            _ => Ok(None),
        }
    }

    /// Tries to become the holder; `None` when another was faster.
    pub(crate) async fn take(&self, prefix: &str, epoch: u64, claim: &Claim) -> Result<Option<Lease>, Error> {
        if self.writers() == Writers::One && !self.is_alone(prefix, epoch, claim.claim).await? {
            return Ok(None);
        }
        let key = Link::Beat(0).key(prefix, epoch)?;
        let json = serde_json::to_vec(claim)
            .map_err(|error| Error::Internal(format!("could not write a lease as JSON: {error}")))?;
        let sealed = self.seal(ObjectKind::Lease, Mode::Writer, &key, &json)?;
        let created = self.create_if_free(&key, sealed).await?;
        if !created && self.claim(prefix, epoch).await?.map(|there| there.claim) != Some(claim.claim) {
            return Ok(None);
        }
        // A slow taker may create an epoch that was passed and tidied away meanwhile.
        let objects = self.objects(prefix).await?;
        if Chain::read(prefix, &objects).is_some_and(|chain| chain.epoch > epoch) {
            self.remove(&key).await?;
            return Ok(None);
        }
        let is_earlier = |key: &Key| Link::parse(prefix, key).is_some_and(|(earlier, _)| earlier < epoch);
        let keys = objects.into_iter().map(|object| object.key);
        let lease = Lease::start(self, prefix.to_owned(), epoch);
        Ok(Some(lease.after(keys.filter(is_earlier).collect())))
    }

    /// Says that we want an epoch, under a name that is ours, and looks whether anybody else does. Of any number who do
    /// this at least all but the first see another, whatever the store makes of objects of one name; then nobody or one
    /// goes on.
    async fn is_alone(&self, prefix: &str, epoch: u64, claim: OperationId) -> Result<bool, Error> {
        let own = Link::Alone(claim).key(prefix, epoch)?;
        self.create_if_free(&own, Bytes::new()).await?;
        let objects = self.objects(prefix).await?;
        let others = objects.iter().any(|object| {
            let link = Link::parse(prefix, &object.key);
            matches!(link, Some((of, Link::Alone(other))) if of == epoch && other != claim)
        });
        if others {
            self.remove(&own).await?;
        }
        Ok(!others)
    }

    /// Who claimed an epoch; `None`, with a warning, when it cannot be read: such a holder is waited for.
    pub(crate) async fn claim(&self, prefix: &str, epoch: u64) -> Result<Option<Claim>, Error> {
        let key = Link::Beat(0).key(prefix, epoch)?;
        let Some(bytes) = self.read_if_there(&key).await? else {
            return Ok(None);
        };
        let read = || {
            let json = self.unseal(ObjectKind::Lease, &key, &bytes)?;
            serde_json::from_slice(&json).map_err(|error| Error::damaged(&key, error.to_string()))
        };
        Ok(read()
            .inspect_err(|error| tracing::warn!(%key, %error, "cannot tell who holds the lease"))
            .ok())
    }
}

/// Whether an object is part of a chain.
pub(crate) fn is_link(key: &Key) -> bool {
    let backup = key
        .as_str()
        .strip_prefix(BACKUPS_MADE)
        .and_then(|rest| rest.split_once('/'));
    let cluster = key
        .as_str()
        .strip_prefix(CLUSTERS)
        .and_then(|rest| rest.split_once('/'));
    match (backup, cluster) {
        (Some((id, _)), _) => id
            .parse::<BackupId>()
            .is_ok_and(|id| Link::parse(&backup_chain(id), key).is_some()),
        (None, Some((digest, _))) => {
            let is_digest = digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_digest && Link::parse(&format!("{CLUSTERS}{digest}/"), key).is_some()
        }
        (None, None) => Link::parse(COLLECTOR, key).is_some(),
    }
}

fn busy(prefix: &str, holder: Option<&LeaseHolder>) -> String {
    match holder {
        Some(holder) if prefix.starts_with(CLUSTERS) => format!(
            "the cluster is being worked on by {} (operation {}, process {} on {})",
            holder.purpose,
            holder.operation.short(),
            holder.process.pid,
            holder.process.host
        ),
        Some(LeaseHolder {
            process,
            operation,
            purpose,
        }) => {
            let what = match purpose.as_str() {
                BACKUP => "the vault has one writer at a time and is written to",
                _ => "space in the vault is being freed",
            };
            format!(
                "{what} by {purpose} (operation {}, process {} on {})",
                operation.short(),
                process.pid,
                process.host
            )
        }
        None => {
            "space in the vault is being freed, or its only writer at work, in another process".to_owned()
        }
    }
}
