//! Keeps small objects on this machine's disk, so that they need not be sent again.

mod shelf;

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::ByteSize;
use tokio::time::Instant;

use crate::{Error, Key, Object, Page, Store, Versions};
use shelf::Shelf;

/// Larger objects are not kept.
const LARGE: u64 = 16 << 20;
/// How long the store's word counts that an object is there.
const VOUCHED: Duration = Duration::from_secs(60);
/// So many objects are vouched for at the same time.
const MOST_VOUCHED: usize = 100_000;

/// What a cache keeps, and where.
#[derive(Debug, Clone)]
pub struct CacheOptions {
    /// A directory of this user's; made when needed. Several caches, of several processes, may share it.
    pub directory: PathBuf,
    /// The most that the files of the directory take together.
    pub size: ByteSize,
    /// What tells this store from every other one whose objects are in the directory.
    pub store: String,
    /// Only objects whose keys start with one of these are kept.
    pub prefixes: Vec<String>,
}

/// Answers `get` from the disk where the store said just before, by a listing or a look-up of this very object, that
/// it is there with the size and the time it had when it was read. So existence is always the store's to tell: every
/// word of it counts for one `get` and for a minute. What is on the disk is checked before it is believed, and whatever
/// is wrong with it means no more than that the store is asked. Who gets what cannot be right asks again: that goes to
/// the store, and what was damaged on its way to the disk is then kept no longer.
#[derive(Debug, Clone)]
pub struct Cache {
    inner: Arc<dyn Store>,
    shelf: Arc<Shelf>,
    prefixes: Arc<[String]>,
    vouched: Arc<Mutex<HashMap<Key, Vouched>>>,
}

/// What the store said of an object.
#[derive(Debug, Clone, Copy)]
struct Vouched {
    stamp: Stamp,
    at: Instant,
}

/// What tells an object from another one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    /// Nanoseconds since 1970, by the store's clock.
    modified: i128,
}

impl Cache {
    /// Wraps a store. Nothing is read or made yet.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, options: CacheOptions) -> Self {
        Self {
            inner,
            shelf: Arc::new(Shelf::new(options.directory, options.size.0, &options.store)),
            prefixes: options.prefixes.into(),
            vouched: Arc::default(),
        }
    }

    fn keeps(&self, key: &Key) -> bool {
        self.prefixes
            .iter()
            .any(|prefix| key.as_str().starts_with(prefix))
    }

    fn vouched(&self) -> MutexGuard<'_, HashMap<Key, Vouched>> {
        self.vouched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn vouch<'a>(&self, objects: impl IntoIterator<Item = &'a Object>) {
        let at = Instant::now();
        let mut vouched = self.vouched();
        for object in objects {
            let Some(modified) = object.modified.filter(|_| object.size <= LARGE) else {
                continue;
            };
            if !self.keeps(&object.key) {
                continue;
            }
            if vouched.len() >= MOST_VOUCHED {
                vouched.clear();
            }
            let stamp = Stamp {
                size: object.size,
                modified: modified.as_nanosecond(),
            };
            vouched.insert(object.key.clone(), Vouched { stamp, at });
        }
    }

    /// What the store said of the object, which counts only once.
    fn taken(&self, key: &Key) -> Option<Stamp> {
        let vouched = self.vouched().remove(key)?;
        (vouched.at.elapsed() < VOUCHED).then_some(vouched.stamp)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let shelf = Arc::clone(&self.shelf);
        tokio::task::spawn_blocking(move || work(&shelf))
            .await
            .ok()
            .flatten()
    }
}

#[async_trait]
impl Store for Cache {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.inner.room().await
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        self.vouched().remove(key);
        self.inner.create(key, body).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let name = key.clone();
        let Some(stamp) = self.taken(key) else {
            let got = self.inner.get(key).await?;
            if self.keeps(key) {
                let body = got.clone();
                self.blocking(move |shelf| shelf.compare(&name, &body)).await;
            }
            return Ok(got);
        };
        if let Some(kept) = self.blocking(move |shelf| shelf.read(&name, stamp)).await {
            return Ok(kept);
        }
        let got = self.inner.get(key).await?;
        if got.len() as u64 == stamp.size {
            let (name, body) = (key.clone(), got.clone());
            self.blocking(move |shelf| shelf.keep(&name, stamp, &body)).await;
        }
        Ok(got)
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        self.inner.get_range(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let object = self.inner.head(key).await?;
        self.vouch([&object]);
        Ok(object)
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        let page = self.inner.list(prefix, after).await?;
        self.vouch(&page.objects);
        Ok(page)
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.vouched().remove(key);
        self.inner.delete(key).await?;
        // A listing that was under way may have said that it is there.
        self.vouched().remove(key);
        let name = key.clone();
        if self.keeps(key) {
            self.blocking(move |shelf| shelf.forget(&name)).await;
        }
        Ok(())
    }

    fn versions(&self) -> Option<Arc<dyn Versions>> {
        self.inner.versions()
    }

    async fn refuses_damage(&self, key: &Key) -> Result<Option<bool>, Error> {
        self.inner.refuses_damage(key).await
    }
}
