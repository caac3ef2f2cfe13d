//! Vaults whose objects are locked against deletion, in a store that keeps versions.
//!
//! What stays is created with a lock and read as it was written first. So a stolen key can add versions and delete markers,
//! and what a backup needs is read all the same. Locks are made longer by who collects garbage, with credentials of
//! its own: as long as a backup is kept, what it needs stays locked. What nobody needs any more is deleted once its lock
//! is over.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use ostler_store::{
    Attempt, Earliest, Judge, Key, Locking, Object, Store, Tampering, Verb, Version, Versions, Worth,
};
use ostler_vocabulary::{BackupId, Clock, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::catalogue::{BACKUPS, NOTES, record_of};
use crate::collect::stop_if;
use crate::config::{self, Config};
use crate::envelope::ObjectKind;
use crate::index::pack_of;
use crate::keys::{EPOCHS, activated, sealed_epoch};
use crate::objects::object_key;
use crate::rounds::ROUNDS;
use crate::{Error, PackId, Vault};

/// Requests in flight.
const AT_ONCE: usize = 16;

/// What a vault that locks has beside its store.
#[derive(Debug, Clone)]
pub(crate) struct Locks {
    /// How long new objects are locked, and what is needed stays so at least for half as long again and again.
    pub(crate) span: Duration,
    versions: Arc<dyn Versions>,
    earliest: Arc<Earliest>,
}

/// How much an object of a vault is worth, by its name.
fn worth(key: &Key) -> Worth {
    match key.as_str().split('/').next() {
        Some("packs") => Worth::ByContent,
        Some("backups" | "keys" | "vault.json") => Worth::ByName,
        // Segments say again what packs say themselves, and are written anew when packs go.
        Some("notes" | "index") => Worth::Said,
        // Which key epochs count, beside what is going.
        Some("rounds") if key.as_str().starts_with(EPOCHS) => Worth::ByName,
        Some("rounds") => Worth::Said,
        _ => Worth::Passing,
    }
}

/// Believes what is there, before any key is known.
#[derive(Debug)]
struct Unread;

impl Judge for Unread {
    fn worth(&self, key: &Key) -> Worth {
        worth(key)
    }

    fn is_authentic(&self, _: &Key, _: &Bytes) -> bool {
        true
    }
}

/// Believes what the vault's keys, or the name itself, say to be right.
#[derive(Debug)]
struct Witness(Vault);

impl Judge for Witness {
    fn worth(&self, key: &Key) -> Worth {
        worth(key)
    }

    fn is_authentic(&self, key: &Key, body: &Bytes) -> bool {
        let name = key.as_str();
        let opens = |kinds: &[ObjectKind]| kinds.iter().any(|kind| self.0.unseal(*kind, key, body).is_ok());
        let digest = name.rsplit('/').next().unwrap_or_default();
        match name.split('/').next() {
            Some("packs" | "index") => digest == blake3::hash(body).to_hex().as_str(),
            _ if name == config::OBJECT => self.0.is_its_own(body),
            _ if name.starts_with(BACKUPS) => opens(&[ObjectKind::Record, ObjectKind::Tombstone]),
            // Facts are in the name.
            _ if name.starts_with(EPOCHS) => opens(&[ObjectKind::Epoch]),
            _ if name.starts_with(ROUNDS) => opens(&[ObjectKind::Round, ObjectKind::Quarantine]),
            _ if name.starts_with(NOTES) => body.is_empty() || opens(&[ObjectKind::Proof, ObjectKind::Mark]),
            _ => true,
        }
    }
}

fn versions_of(store: &Arc<dyn Store>) -> Result<Arc<dyn Versions>, Error> {
    store.versions().ok_or_else(|| {
        let attempt = Attempt::new(Verb::Create, "", store.location());
        Error::store("lock", "objects")(ostler_store::Error::Unsupported {
            attempt,
            reason: "locks need a bucket that keeps versions, and this kind of store has none".to_owned(),
        })
    })
}

/// The store as it is read before any key is known: what was written first.
pub(crate) fn first_sight(store: &Arc<dyn Store>) -> Result<Arc<dyn Store>, Error> {
    let versions = versions_of(store)?;
    Ok(Arc::new(Earliest::new(
        Arc::clone(store),
        versions,
        Arc::new(Unread),
    )))
}

/// The store as a vault is made in it.
pub(crate) fn locking(
    store: &Arc<dyn Store>,
    span: Duration,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Store>, Error> {
    let (versions, judge) = (versions_of(store)?, Arc::new(Unread));
    let clock = Arc::clone(clock);
    Ok(Arc::new(Locking::new(
        Arc::clone(store),
        versions,
        judge,
        span,
        clock,
    )))
}

impl Locks {
    /// The store as the open vault uses it, and what is to be known of it. `witness` is the same vault over the store
    /// itself.
    pub(crate) fn over(witness: Vault, span: Duration) -> Result<(Arc<dyn Store>, Self), Error> {
        let store = Arc::clone(witness.unchecked());
        let versions = versions_of(&store)?;
        let clock = Arc::clone(witness.clock());
        let judge: Arc<dyn Judge> = Arc::new(Witness(witness));
        let locking = Locking::new(store, Arc::clone(&versions), Arc::clone(&judge), span, clock);
        let earliest = Arc::new(Earliest::new(Arc::new(locking), Arc::clone(&versions), judge));
        let locks = Self {
            span,
            versions,
            earliest: Arc::clone(&earliest),
        };
        Ok((earliest, locks))
    }

    /// The earliest version, the one that is locked, with the end of its lock.
    async fn first(&self, key: &Key) -> Result<Option<(Version, Option<Timestamp>)>, Error> {
        let versions = self
            .versions
            .of(key)
            .await
            .map_err(Error::store("look up", key))?;
        let Some(first) = versions.into_iter().find(|version| !version.is_marker) else {
            return Ok(None);
        };
        let until = self.versions.locked_until(key, &first.id).await;
        let until = until.map_err(Error::store("look up the lock of", key))?;
        Ok(Some((first, until)))
    }
}

impl Vault {
    fn is_its_own(&self, body: &Bytes) -> bool {
        Config::parse(body).is_ok_and(|config| config == *self.config())
    }

    /// How long what this vault creates is locked; `None` when it is not.
    #[must_use]
    pub fn lock_span(&self) -> Option<Duration> {
        self.locks().map(|locks| locks.span)
    }

    /// Objects that somebody overwrote or deleted, as far as this process has come across them. Only where the vault
    /// locks its objects: elsewhere nobody can tell.
    #[must_use]
    pub fn tampering(&self) -> Vec<Tampering> {
        self.locks()
            .map_or(Vec::new(), |locks| locks.earliest.tampering())
    }

    /// Until when a backup's record is locked, so that it cannot be deleted; `None` when it can.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn backup_locked_until(&self, id: BackupId) -> Result<Option<Timestamp>, Error> {
        let mut last = None;
        if self.locks().is_none() {
            return Ok(None);
        }
        // Perhaps sealed anew, under another name.
        for object in self.objects(&format!("{BACKUPS}{id}")).await? {
            last = last.max(self.locked_until(&object.key).await?);
        }
        Ok(last)
    }

    /// Until when an object cannot be deleted; `None` when it can.
    pub(crate) async fn locked_until(&self, key: &Key) -> Result<Option<Timestamp>, Error> {
        let Some(locks) = self.locks() else {
            return Ok(None);
        };
        let until = locks.first(key).await?.and_then(|(_, until)| until);
        Ok(until.filter(|until| *until > self.clock().now()))
    }

    /// Those of these objects that cannot be deleted yet, with the ends of their locks.
    pub(crate) async fn still_locked(&self, keys: Vec<Key>) -> Result<HashMap<Key, Timestamp>, Error> {
        if self.locks().is_none() {
            return Ok(HashMap::new());
        }
        stream::iter(keys)
            .map(|key| async move { Ok((self.locked_until(&key).await?, key)) })
            .buffer_unordered(AT_ONCE)
            .try_filter_map(|(until, key)| async move { Ok(until.map(|until| (key, until))) })
            .try_collect()
            .await
    }

    /// Whether less than half of the span is left of a lock: it has to be made longer, or what it locks be somewhere else.
    pub(crate) fn is_due(&self, until: Timestamp) -> bool {
        let half = self.locks().map_or(Duration::ZERO, |locks| locks.span / 2);
        until < self.clock().now() + half
    }

    /// The end of the last lock on these objects; `None` when none of them is locked.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn locked_for(&self, objects: &[String]) -> Result<Option<Timestamp>, Error> {
        let keys = objects.iter().map(|name| object_key(name.clone()));
        let locked = self.still_locked(keys.collect::<Result<_, _>>()?).await?;
        Ok(locked.into_values().max())
    }

    /// Deletes an object, unless it is locked: then it stays until that is over.
    pub(crate) async fn remove_unless_locked(&self, key: &Key) -> Result<(), Error> {
        match self.locked_until(key).await? {
            Some(_) => Ok(()),
            None => self.remove(key).await,
        }
    }

    /// Locks what backups need for as long again, where less than half of that is left. `unneeded` are packs that nobody
    /// needs but the backups that are `expiring`. Returns how many locks were made longer. What is younger than half the
    /// span was locked when it was made and is not asked for.
    pub(crate) async fn extend_locks(
        &self,
        unneeded: &HashSet<PackId>,
        expiring: &[BackupId],
        cancel: &CancellationToken,
    ) -> Result<u64, Error> {
        let Some(locks) = self.locks() else { return Ok(0) };
        let now = self.clock().now();
        let until = now + locks.span;
        let is_old = |object: &Object| object.modified.is_none_or(|made| made + locks.span / 2 <= now);
        let mut needed = Vec::new();
        for prefix in ["packs/", BACKUPS, "keys/", EPOCHS, config::OBJECT] {
            stop_if(cancel)?;
            let mut objects = self.objects(prefix).await?;
            if prefix == BACKUPS {
                leave_newest(&mut objects);
            }
            needed.extend(objects.into_iter().filter(is_old).map(|object| object.key));
        }
        let (keys, retired) = (self.keys(), self.retired().await?);
        let is_retired = |key: &Key| {
            let wrapper = key
                .as_str()
                .strip_prefix("keys/")
                .and_then(|name| name.split_once('/'));
            wrapper.is_some_and(|(wrapper, _)| retired.contains_key(wrapper))
        };
        needed.retain(|key| {
            let goes = record_of(key).is_some_and(|(id, _)| expiring.contains(&id))
                || sealed_epoch(key).is_some_and(|epoch| epoch < keys.lowest())
                || activated(key).is_some_and(|epoch| keys.is_foreign(epoch))
                || is_retired(key)
                || pack_of(key).is_some_and(|pack| unneeded.contains(&pack));
            !goes
        });
        let extended = stream::iter(needed)
            .map(|key| async move {
                stop_if(cancel)?;
                match locks.first(&key).await? {
                    Some((first, end)) if end.is_none_or(|end| self.is_due(end)) => {
                        let locked = locks.versions.lock(&key, &first.id, until).await;
                        locked.map_err(Error::store("lock", &key))?;
                        Ok(1)
                    }
                    _ => Ok(0),
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_fold(0, |sum, one: u64| async move { Ok::<u64, Error>(sum + one) });
        extended.await
    }
}

/// Leaves out records that were sealed anew: they are waiting for the end of their locks.
fn leave_newest(records: &mut Vec<Object>) {
    let mut newest: BTreeMap<BackupId, Option<u32>> = BTreeMap::new();
    for (id, epoch) in records.iter().filter_map(|object| record_of(&object.key)) {
        let highest = newest.entry(id).or_default();
        *highest = epoch.max(*highest);
    }
    records.retain(|object| {
        record_of(&object.key).is_none_or(|(id, epoch)| newest.get(&id).is_none_or(|newest| *newest == epoch))
    });
}
