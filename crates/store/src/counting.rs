//! Counts what a store is asked for, and how long it takes.

mod versions;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, Key, Object, Page, Store, Verb, Versions};

/// What was counted for one verb.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests, failed ones too.
    pub requests: u64,
    /// Those that were not answered as the contract has it: that an object is not there, or is there already, is an
    /// answer.
    pub failed: u64,
    /// Bytes of bodies: sent by `create`, received by `get` and `get_range`; failed requests add none.
    pub bytes: u64,
    /// How long they took, added up.
    pub time: Duration,
    /// How long the slowest took.
    pub slowest: Duration,
}

impl Count {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            failed: self.failed + other.failed,
            bytes: self.bytes + other.bytes,
            time: self.time + other.time,
            slowest: self.slowest.max(other.slowest),
        }
    }
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
        self.take();
    }

    /// What was counted by verb since the counters were at zero, where they are again.
    pub fn take(&self) -> BTreeMap<Verb, Count> {
        let mut verbs = BTreeMap::new();
        for ((verb, _), count) in std::mem::take(&mut *self.lock()) {
            let sum: &mut Count = verbs.entry(verb).or_default();
            *sum = sum.and(count);
        }
        verbs
    }

    fn sum(&self, wanted: impl Fn(&(Verb, String)) -> bool) -> Count {
        let mut sum = Count::default();
        for (_, count) in self.lock().iter().filter(|(what, _)| wanted(what)) {
            sum = sum.and(*count);
        }
        sum
    }

    fn add<T>(&self, verb: Verb, name: &str, begun: Instant, done: &Result<T, Error>, bytes: usize) {
        let answered = matches!(
            done,
            Ok(_) | Err(Error::NotFound(_) | Error::AlreadyExists(_) | Error::Short { .. })
        );
        let time = begun.elapsed();
        let one = Count {
            requests: 1,
            failed: u64::from(!answered),
            bytes: bytes as u64,
            time,
            slowest: time,
        };
        let part = name.split('/').next().unwrap_or_default().to_owned();
        let mut counts = self.lock();
        let count = counts.entry((verb, part)).or_default();
        *count = count.and(one);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Verb, String), Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts requests and bytes, for versions too. Around [`Retry`](crate::Retry) it counts what the caller asked for, within it what was sent.
#[derive(Debug, Clone)]
pub struct Counting {
    inner: Arc<dyn Store>,
    counters: Counters,
}

impl Counting {
    /// Wraps a store, with all counters at zero.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self::with(Counters::default(), inner)
    }

    /// Wraps a store, and counts by these counters.
    #[must_use]
    pub fn with(counters: Counters, inner: Arc<dyn Store>) -> Self {
        Self { inner, counters }
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

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.inner.room().await
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        let (begun, size) = (Instant::now(), body.len());
        let done = self.inner.create(key, body).await;
        let sent = if done.is_ok() { size } else { 0 };
        self.counters.add(Verb::Create, key.as_str(), begun, &done, sent);
        done
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let begun = Instant::now();
        let got = self.inner.get(key).await;
        let size = got.as_ref().map_or(0, Bytes::len);
        self.counters.add(Verb::Get, key.as_str(), begun, &got, size);
        got
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        let begun = Instant::now();
        let got = self.inner.get_range(key, range).await;
        let size = got.as_ref().map_or(0, Bytes::len);
        self.counters.add(Verb::GetRange, key.as_str(), begun, &got, size);
        got
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let begun = Instant::now();
        let found = self.inner.head(key).await;
        self.counters.add(Verb::Head, key.as_str(), begun, &found, 0);
        found
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        let begun = Instant::now();
        let page = self.inner.list(prefix, after).await;
        self.counters.add(Verb::List, prefix, begun, &page, 0);
        page
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let begun = Instant::now();
        let done = self.inner.delete(key).await;
        self.counters.add(Verb::Delete, key.as_str(), begun, &done, 0);
        done
    }

    fn versions(&self) -> Option<Arc<dyn Versions>> {
        let (inner, counters) = (self.inner.versions()?, self.counters());
        Some(Arc::new(versions::CountedVersions { inner, counters }))
    }

    async fn refuses_damage(&self, key: &Key) -> Result<Option<bool>, Error> {
        self.inner.refuses_damage(key).await
    }
}
