//! A store in memory: for tests, for trying things out, and as the plainest statement of the contract.

mod versioned;

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::{Clock, SystemClock, Timestamp};

pub use versioned::VersionedMemory;

use crate::key::check_prefix;
use crate::{Attempt, Error, Key, Object, PAGE, Page, Store, Verb};

const LOCATION: &str = "memory:";

/// Objects in memory. They live as long as this value.
#[derive(Debug)]
pub struct Memory {
    objects: RwLock<BTreeMap<Key, Stored>>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Stored {
    body: Bytes,
    modified: Timestamp,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.body.len())
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemClock::default()))
    }
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store whose objects' times are told by this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            objects: RwLock::default(),
            clock,
        }
    }

    /// Puts these bytes in place of what is there, as decay or an attacker does. No [`Store`] can do this.
    pub fn tamper(&self, key: &Key, body: impl Into<Bytes>) {
        let stored = Stored {
            body: body.into(),
            modified: self.clock.now(),
        };
        self.write().insert(key.clone(), stored);
    }

    /// All keys, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        self.read().keys().cloned().collect()
    }

    /// Bytes of all objects together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.read().values().map(|stored| stored.body.len() as u64).sum()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Key, Stored>> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Key, Stored>> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, verb: Verb, key: &Key) -> Result<Stored, Error> {
        let found = self.read().get(key).cloned();
        found.ok_or_else(|| Error::NotFound(attempt(verb, key)))
    }
}

fn attempt(verb: Verb, key: &Key) -> Attempt {
    Attempt::new(verb, key.as_str(), LOCATION)
}

#[async_trait]
impl Store for Memory {
    fn location(&self) -> &str {
        LOCATION
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        let modified = self.clock.now();
        let mut objects = self.write();
        if objects.contains_key(key) {
            return Err(Error::AlreadyExists(attempt(Verb::Create, key)));
        }
        objects.insert(key.clone(), Stored { body, modified });
        Ok(())
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        Ok(self.find(Verb::Get, key)?.body)
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        let attempt = || attempt(Verb::GetRange, key);
        let Range { start, end } = range;
        if start > end {
            let attempt = attempt();
            return Err(Error::Range { attempt, start, end });
        }
        let body = self.find(Verb::GetRange, key)?.body;
        match (usize::try_from(start), usize::try_from(end)) {
            (Ok(from), Ok(to)) if to <= body.len() => Ok(body.slice(from..to)),
            _ => Err(Error::Short {
                attempt: attempt(),
                needed: end,
                size: Some(body.len() as u64),
            }),
        }
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let stored = self.find(Verb::Head, key)?;
        Ok(object(key, &stored))
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        check_prefix(prefix)?;
        let objects = self.read();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut matching = objects
            .range((from, Bound::Unbounded))
            .skip_while(|(key, _)| key.as_str() < prefix)
            .take_while(|(key, _)| key.as_str().starts_with(prefix))
            .map(|(key, stored)| object(key, stored));
        let page: Vec<Object> = matching.by_ref().take(PAGE).collect();
        let more = matching.next().is_some();
        let next = page.last().filter(|_| more).map(|last| last.key.clone());
        Ok(Page { objects: page, next })
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.write().remove(key);
        Ok(())
    }
}

fn object(key: &Key, stored: &Stored) -> Object {
    Object {
        key: key.clone(),
        size: stored.body.len() as u64,
        modified: Some(stored.modified),
    }
}
