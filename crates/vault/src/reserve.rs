//! Room for freeing room: an object that vaults in file systems keep, and that a collection deletes when its file system
//! is full, so that it can store its lease, its marks and what else has to be stored before anything is deleted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use ostler_store::{Error as StoreError, Key, Store};
use ostler_vocabulary::{Classified, ErrorKind};

use crate::catalogue::{BACKUPS, NOTES};
use crate::lease::COLLECTOR;
use crate::objects::object_key;
use crate::probes::SCRATCH;
use crate::rounds::ROUNDS;
use crate::{Error, Vault};

/// Bytes of the reserve.
pub const RESERVE: u64 = 4 << 20;
/// What is stored before anything is deleted, and by collectors only.
const OF_COLLECTORS: [&str; 2] = [COLLECTOR, ROUNDS];
/// What others store too: it is allowed to use the reserve while this process collects.
const WHILE_COLLECTING: [&str; 4] = [NOTES, BACKUPS, "index/", "keys/"];

/// Where it is. Anybody may delete what is there, so that programs that do not know of it accept it.
fn reserve_key() -> Result<Key, Error> {
    object_key(format!("{SCRATCH}reserve"))
}

/// How many collections of this process run in a vault.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collectors(Arc<AtomicUsize>);

/// One of them, as long as it is kept.
#[derive(Debug)]
pub(crate) struct Collector(Arc<AtomicUsize>);

impl Collectors {
    pub(crate) fn add(&self) -> Collector {
        self.0.fetch_add(1, Ordering::Relaxed);
        Collector(Arc::clone(&self.0))
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Creates an object that may use the reserve: where the file system is full, that is deleted first.
pub(crate) async fn create(store: &Arc<dyn Store>, key: &Key, body: Bytes) -> Result<bool, Error> {
    let created = |done| match done {
        Ok(()) => Ok(true),
        Err(error) if Classified::kind(&error) == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    };
    let error = match created(store.create(key, body.clone()).await) {
        Err(error @ StoreError::NoSpace { .. }) => error,
        done => return done.map_err(Error::store("create", key)),
    };
    let full = |error| Error::Full {
        location: store.location().to_owned(),
        key: key.to_string(),
        source: Box::new(error),
    };
    let reserve = reserve_key()?;
    match store.head(&reserve).await {
        Ok(_) => {}
        Err(missing) if missing.kind() == ErrorKind::NotFound => return Err(full(error)),
        Err(error) => return Err(Error::store("look up", &reserve)(error)),
    }
    tracing::warn!(
        store = store.location(),
        "no space is left: the vault's reserve is deleted"
    );
    store
        .delete(&reserve)
        .await
        .map_err(Error::store("delete", &reserve))?;
    match created(store.create(key, body).await) {
        Err(error @ StoreError::NoSpace { .. }) => Err(full(error)),
        done => done.map_err(Error::store("create", key)),
    }
}

impl Vault {
    /// Whether an object may use the reserve.
    pub(crate) fn uses_reserve(&self, key: &Key) -> bool {
        let is_below = |prefix: &&str| key.as_str().starts_with(*prefix);
        OF_COLLECTORS.iter().any(&is_below)
            || (self.collectors().any() && WHILE_COLLECTING.iter().any(is_below))
    }

    /// Stores the reserve where it is not there, in a vault whose store is a file system. That there is no room for it is no
    /// failure: the next collection tries again.
    pub(crate) async fn keep_reserve(&self) {
        let location = self.store().location();
        if !(location.starts_with('/') || location.starts_with("sftp://")) {
            return;
        }
        if let Err(error) = self.store_reserve().await {
            tracing::debug!(%error, "the vault keeps no reserve");
        }
    }

    async fn store_reserve(&self) -> Result<(), Error> {
        let key = reserve_key()?;
        match self.store().head(&key).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            found => return found.map(drop).map_err(Error::store("look up", &key)),
        }
        // A file system may store what is alike, or zeros, in less room.
        let mut bytes = vec![0; usize::try_from(RESERVE).unwrap_or(0)];
        let seed: [u8; 32] = crate::cipher::random()?;
        blake3::Hasher::new()
            .update(&seed)
            .finalize_xof()
            .fill(&mut bytes);
        self.store()
            .create(&key, bytes.into())
            .await
            .map_err(Error::store("create", &key))
    }

    /// Bytes that can still be stored, where the store can tell.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn room(&self) -> Result<Option<u64>, Error> {
        self.store()
            .room()
            .await
            .map_err(Error::store("ask for room in", self.store().location()))
    }
}
