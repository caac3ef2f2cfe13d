//! Reads what was written first, where versions are kept: an overwrite or a delete marker changes nothing for a reader.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::Timestamp;

use crate::{Attempt, Error, Key, Object, Page, Store, Verb, Version, VersionId, Versions};

/// Objects whose choice is remembered; a choice that was forgotten costs a request.
const KEPT: usize = 65_536;

/// How much an object is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It comes and goes: it is read as the service shows it.
    Passing,
    /// What was said first counts, and may be taken back at any time: it is not locked.
    Said,
    /// It stays, and its name follows from its bytes, so that no other bytes can be meant.
    ByContent,
    /// It stays.
    ByName,
}

/// Knows what is worth keeping, and tells what somebody wrote who may from what somebody else did.
pub trait Judge: fmt::Debug + Send + Sync + 'static {
    /// How much an object of this name is worth. Of the first part of names, and of what a listing's prefix has, it says
    /// whether anything below it is worth more than [`Worth::Passing`].
    fn worth(&self, key: &Key) -> Worth;

    /// Whether these bytes can be what was written under this name by somebody who may.
    fn is_authentic(&self, key: &Key, body: &Bytes) -> bool;
}

/// What was done to an object after it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tampering {
    /// The object.
    pub key: Key,
    /// Versions that were added, delete markers among them.
    pub added: usize,
    /// When the last of them was.
    pub last: Option<Timestamp>,
    /// Whether an authentic version is there.
    pub is_readable: bool,
}

/// A version that was chosen, with what a listing says of it.
#[derive(Debug, Clone)]
struct Chosen {
    id: VersionId,
    size: u64,
    modified: Option<Timestamp>,
}

/// Reads of each object the earliest authentic version. What `delete` removes is gone with all its versions.
pub struct Earliest {
    inner: Arc<dyn Store>,
    versions: Arc<dyn Versions>,
    judge: Arc<dyn Judge>,
    chosen: Mutex<HashMap<Key, Chosen>>,
    found: Mutex<BTreeMap<Key, Tampering>>,
}

impl fmt::Debug for Earliest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Earliest").field(&self.inner).finish()
    }
}

impl Earliest {
    /// Wraps a store with its versions.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, versions: Arc<dyn Versions>, judge: Arc<dyn Judge>) -> Self {
        Self {
            inner,
            versions,
            judge,
            chosen: Mutex::default(),
            found: Mutex::default(),
        }
    }

    /// What was found to have been tampered with so far, by name.
    #[must_use]
    pub fn tampering(&self) -> Vec<Tampering> {
        lock(&self.found).values().cloned().collect()
    }

    fn is_passing(&self, key: &Key) -> bool {
        self.judge.worth(key) == Worth::Passing
    }

    async fn choose(&self, verb: Verb, key: &Key) -> Result<Chosen, Error> {
        let known = lock(&self.chosen).get(key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let versions = self.versions.of(key).await?;
        self.choose_of(verb, key, &versions).await
    }

    async fn choose_of(&self, verb: Verb, key: &Key, versions: &[Version]) -> Result<Chosen, Error> {
        let real: Vec<&Version> = versions.iter().filter(|version| !version.is_marker).collect();
        let Some(first) = real.first() else {
            return Err(Error::NotFound(Attempt::new(verb, key.as_str(), self.location())));
        };
        let mut chosen = Some(*first);
        if versions.len() > 1 {
            chosen = self.earliest_authentic(key, &real).await?;
            self.note(key, versions, chosen.is_some());
        }
        let chosen = chosen.unwrap_or(first);
        let chosen = Chosen {
            id: chosen.id.clone(),
            size: chosen.size,
            modified: chosen.modified,
        };
        let mut known = lock(&self.chosen);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key.clone(), chosen.clone());
        Ok(chosen)
    }

    async fn earliest_authentic<'a>(
        &self,
        key: &Key,
        real: &[&'a Version],
    ) -> Result<Option<&'a Version>, Error> {
        for version in real.iter().copied() {
            match self.versions.get(key, &version.id, None).await {
                Ok(body) if self.judge.is_authentic(key, &body) => return Ok(Some(version)),
                Ok(_) | Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn note(&self, key: &Key, versions: &[Version], is_readable: bool) {
        let tampering = Tampering {
            key: key.clone(),
            added: versions.len() - 1,
            last: versions.last().and_then(|version| version.modified),
            is_readable,
        };
        let is_new = lock(&self.found).insert(key.clone(), tampering.clone()).is_none();
        if is_new {
            tracing::warn!(
                %key,
                added = tampering.added,
                last = ?tampering.last,
                is_readable,
                "an object was overwritten or deleted by somebody; what was written first is read"
            );
        }
    }

    fn object(key: &Key, chosen: Chosen) -> Object {
        Object {
            key: key.clone(),
            size: chosen.size,
            modified: chosen.modified,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Store for Earliest {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.inner.room().await
    }

    /// Where a delete marker hides an object, the service takes another of its name; the first one still counts.
    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        self.inner.create(key, body).await?;
        if matches!(self.judge.worth(key), Worth::Passing | Worth::ByContent) {
            return Ok(());
        }
        let versions = self.versions.of(key).await?;
        let newest = versions.iter().rev().find(|version| !version.is_marker);
        let newest = newest.map(|version| version.id.clone());
        let chosen = self.choose_of(Verb::Create, key, &versions).await?;
        if newest.is_some_and(|newest| newest == chosen.id) {
            return Ok(());
        }
        Err(Error::AlreadyExists(Attempt::new(
            Verb::Create,
            key.as_str(),
            self.location(),
        )))
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        if self.is_passing(key) {
            return self.inner.get(key).await;
        }
        let chosen = self.choose(Verb::Get, key).await?;
        self.versions.get(key, &chosen.id, None).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        if self.is_passing(key) {
            return self.inner.get_range(key, range).await;
        }
        let chosen = self.choose(Verb::GetRange, key).await?;
        self.versions.get(key, &chosen.id, Some(range)).await
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        if self.is_passing(key) {
            return self.inner.head(key).await;
        }
        let chosen = self.choose(Verb::Head, key).await?;
        Ok(Self::object(key, chosen))
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        // What comes and goes has a long history that nobody asks for.
        let first_part = prefix.split_once('/').and_then(|(first, _)| Key::new(first).ok());
        if first_part.is_some_and(|first| self.is_passing(&first)) {
            return self.inner.list(prefix, after).await;
        }
        let listed = self.versions.list(prefix, after).await?;
        let mut objects = Vec::with_capacity(listed.keys.len());
        for (key, versions) in listed.keys {
            if self.is_passing(&key) {
                if let Some(last) = versions.last().filter(|last| !last.is_marker) {
                    objects.push(Object {
                        size: last.size,
                        modified: last.modified,
                        key,
                    });
                }
                continue;
            }
            let known = lock(&self.chosen)
                .get(&key)
                .cloned()
                .filter(|_| versions.len() == 1);
            let chosen = match known {
                Some(known) => Ok(known),
                None => self.choose_of(Verb::List, &key, &versions).await,
            };
            match chosen {
                Ok(chosen) => objects.push(Self::object(&key, chosen)),
                // Nothing but delete markers.
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Page {
            objects,
            next: listed.next,
        })
    }

    /// The earliest version goes last, so that an interrupted delete shows no other in its place.
    async fn delete(&self, key: &Key) -> Result<(), Error> {
        if self.is_passing(key) {
            return self.inner.delete(key).await;
        }
        for version in self.versions.of(key).await?.iter().rev() {
            self.versions.delete_version(key, &version.id).await?;
        }
        lock(&self.chosen).remove(key);
        Ok(())
    }

    fn versions(&self) -> Option<Arc<dyn Versions>> {
        Some(Arc::clone(&self.versions))
    }

    async fn refuses_damage(&self, key: &Key) -> Result<Option<bool>, Error> {
        self.inner.refuses_damage(key).await
    }
}
