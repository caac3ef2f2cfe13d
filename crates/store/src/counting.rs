//! Counts what a store is asked for.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, Key, Object, Page, Store, Verb, Versions};

/// What was counted for one verb.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests, failed ones too.
    pub requests: u64,
    /// Bytes of bodies: sent by `create`, received by `get` and `get_range`; failed requests add none.
    pub bytes: u64,
}

/// Counters that are read while a [`Counting`] raises them. Cloning gives another handle to the same counters.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// By verb and by the first part of the key, of which a store has few.
    counts: Arc<Mutex<BTreeMap<(Verb, String), Count>>>,
}

impl Counters {
    /// What was asked for by this verb.
    #[must_use]
    pub fn of(&self, verb: Verb) -> Count {
        self.sum(|(counted, _)| *counted == verb)
    }

    /// What was asked for by this verb of keys (or listings of prefixes) whose first part this is.
    #[must_use]
    pub fn under(&self, verb: Verb, first_part: &str) -> Count {
        self.sum(|(counted, part)| *counted == verb && part == first_part)
    }

    /// Everything.
    #[must_use]
    pub fn total(&self) -> Count {
        self.sum(|_| true)
    }

    /// Back to zero.
    pub fn reset(&self) {
        self.lock().clear();
    }

    fn sum(&self, wanted: impl Fn(&(Verb, String)) -> bool) -> Count {
        let mut sum = Count::default();
        for (_, count) in self.lock().iter().filter(|(what, _)| wanted(what)) {
            sum.requests += count.requests;
            sum.bytes += count.bytes;
        }
        sum
    }

    fn add(&self, verb: Verb, name: &str, bytes: usize) {
        let part = name.split('/').next().unwrap_or_default().to_owned();
        let mut counts = self.lock();
        let count = counts.entry((verb, part)).or_default();
        count.requests += 1;
        count.bytes += bytes as u64;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Verb, String), Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts requests and bytes. Around [`Retry`](crate::Retry) it counts what the caller asked for, within it what was sent.
#[derive(Debug, Clone)]
pub struct Counting {
    inner: Arc<dyn Store>,
    counters: Counters,
}

impl Counting {
    /// Wraps a store, with all counters at zero.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            counters: Counters::default(),
        }
    }

    /// The counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters.clone()
    }
}

#[async_trait]
impl Store for Counting {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        let size = body.len();
        let done = self.inner.create(key, body).await;
        let sent = if done.is_ok() { size } else { 0 };
        self.counters.add(Verb::Create, key.as_str(), sent);
        done
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let got = self.inner.get(key).await;
        let size = got.as_ref().map_or(0, Bytes::len);
        self.counters.add(Verb::Get, key.as_str(), size);
        got
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        let got = self.inner.get_range(key, range).await;
        let size = got.as_ref().map_or(0, Bytes::len);
        self.counters.add(Verb::GetRange, key.as_str(), size);
        got
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let found = self.inner.head(key).await;
        self.counters.add(Verb::Head, key.as_str(), 0);
        found
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        let page = self.inner.list(prefix, after).await;
        self.counters.add(Verb::List, prefix, 0);
        page
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let done = self.inner.delete(key).await;
        self.counters.add(Verb::Delete, key.as_str(), 0);
        done
    }

    fn versions(&self) -> Option<Arc<dyn Versions>> {
        self.inner.versions()
    }

    async fn refuses_damage(&self, key: &Key) -> Result<Option<bool>, Error> {
        self.inner.refuses_damage(key).await
    }
}
