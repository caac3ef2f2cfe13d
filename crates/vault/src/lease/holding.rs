//! Holding the lease: showing life, making sure, letting go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use futures::join;
use ostler_store::{Key, Object, Store};
use ostler_vocabulary::{Classified, Clock, ErrorKind, Timestamp};
use tokio::task::JoinHandle;

use super::LEASE_TIME;
use super::chain::{Chain, Link};
use crate::host::Host;
use crate::reserve::Collector;
use crate::{Error, Vault};

/// The collector's lease, kept alive by a task until released or dropped. A lease that is dropped without
/// [`Lease::release`] is free for others after [`LEASE_TIME`], or at once when this process ends.
#[derive(Debug)]
pub struct Lease {
    holding: Arc<Holding>,
    heart: JoinHandle<()>,
    /// What is left of earlier holdings: it goes with the end of this one.
    earlier: Vec<Key>,
    /// Of a collection: what it stores may use the reserve.
    _collector: Option<Collector>,
}

impl Lease {
    /// Holds an epoch of the chain below `prefix`, of which the first beat is there.
    pub(crate) fn start(vault: &Vault, prefix: String, epoch: u64) -> Self {
        let clock = vault.clock().clone();
        let now = clock.monotonic();
        let holding = Arc::new(Holding {
            store: vault.store().clone(),
            host: vault.host().clone(),
            clock,
            prefix,
            epoch,
            beat: AtomicU64::new(0),
            beaten_ms: AtomicU64::new(milliseconds(now)),
        });
        let heart = tokio::spawn(Arc::clone(&holding).keep_beating());
        let earlier = Vec::new();
        Self {
            holding,
            heart,
            earlier,
            _collector: None,
        }
    }

    /// The same, of who deletes backups or frees packs in this vault.
    pub(super) fn collecting(mut self, vault: &Vault) -> Self {
        self._collector = Some(vault.collectors().add());
        self
    }

    /// The same, with what is left of earlier holdings.
    pub(super) fn after(self, earlier: Vec<Key>) -> Self {
        let mut lease = self;
        lease.earlier = earlier;
        lease
    }

    /// The number of this holding: every later one has a higher one.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.holding.epoch
    }

    /// When it was taken, by the store's clock.
    ///
    /// # Errors
    /// Only where the store fails.
    pub(crate) async fn taken(&self) -> Result<Option<Timestamp>, Error> {
        let key = Link::Beat(0).key(&self.holding.prefix, self.holding.epoch)?;
        let object = self.holding.store.head(&key).await;
        Ok(object.map_err(Error::store("look up", &key))?.modified)
    }

    /// Asks the store whether the lease is still ours; first shows life when that was a while ago, so that nobody
    /// begins to think us gone.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another has it.
    pub async fn confirm(&self) -> Result<(), Error> {
        let holding = &self.holding;
        let silent =
            milliseconds(holding.clock.monotonic()).saturating_sub(holding.beaten_ms.load(Ordering::Relaxed));
        if silent > milliseconds(LEASE_TIME / 2) {
            holding.show_life().await?;
        }
        holding.confirm().await
    }

    /// Lets go of the lease, so that others need not wait. Not an error when another has taken it.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn release(mut self) -> Result<(), Error> {
        self.heart.abort();
        // Its end is awaited, so that no beat comes after the release; that it was aborted is no news.
        let _ = (&mut self.heart).await;
        let holding = &self.holding;
        let earlier = std::mem::take(&mut self.earlier);
        let removed = join_all(earlier.iter().map(|key| holding.remove(key)));
        let (released, removed) = join!(holding.create(Link::Released), removed);
        released?;
        removed.into_iter().collect::<Result<(), Error>>()?;
        // Most are over before their first sign of life.
        if holding.beat.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        for object in &holding.objects().await? {
            if let Some((epoch, Link::Beat(beat))) = Link::parse(&holding.prefix, &object.key)
                && epoch == holding.epoch
                && beat > 0
            {
                holding.remove(&object.key).await?;
            }
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

/// What the guard and its task share.
#[derive(Debug)]
struct Holding {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    host: Host,
    prefix: String,
    epoch: u64,
    beat: AtomicU64,
    /// When the last beat was taken by the store, by the monotonic clock.
    beaten_ms: AtomicU64,
}

impl Holding {
    async fn keep_beating(self: Arc<Self>) {
        loop {
            self.host.sleep(LEASE_TIME / 4).await;
            let alive = match self.show_life().await {
                Ok(()) => self.confirm().await,
                error => error,
            };
            match alive {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    tracing::warn!(lease = self.prefix, epoch = self.epoch, "the lease was lost");
                    return;
                }
                Err(error) => tracing::warn!(%error, "could not show that the lease is held"),
            }
        }
    }

    async fn show_life(&self) -> Result<(), Error> {
        let now = milliseconds(self.clock.monotonic());
        let beat = self.beat.fetch_add(1, Ordering::Relaxed) + 1;
        self.create(Link::Beat(beat)).await?;
        self.beaten_ms.fetch_max(now, Ordering::Relaxed);
        // The first beat says who holds the lease and stays.
        if beat > 1 {
            self.remove(&Link::Beat(beat - 1).key(&self.prefix, self.epoch)?)
                .await?;
        }
        Ok(())
    }

    async fn confirm(&self) -> Result<(), Error> {
        match Chain::read(&self.prefix, &self.objects().await?) {
            Some(chain) if chain.epoch > self.epoch || (chain.epoch == self.epoch && chain.released) => Err(
                Error::Conflict("the lease was lost to another process".to_owned()),
            ),
            _ => Ok(()),
        }
    }

    async fn create(&self, link: Link) -> Result<(), Error> {
        let key = link.key(&self.prefix, self.epoch)?;
        if self.prefix == super::COLLECTOR {
            return crate::reserve::create(&self.store, &key, bytes::Bytes::new())
                .await
                .map(drop);
        }
        match self.store.create(&key, bytes::Bytes::new()).await {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(Error::store("create", key)(error)),
            _ => Ok(()),
        }
    }

    async fn remove(&self, key: &Key) -> Result<(), Error> {
        match self.store.delete(key).await {
            // Who may write and not delete leaves its beats to a collector.
            Err(error) if error.kind() == ErrorKind::Denied => Ok(()),
            done => done.map_err(Error::store("delete", key)),
        }
    }

    async fn objects(&self) -> Result<Vec<Object>, Error> {
        crate::objects::list(&self.store, &self.prefix).await
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
