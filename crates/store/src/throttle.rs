//! Keeps to limits of bytes and requests per second, which may be changed at any moment.

mod versions;

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::ByteSize;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{Error, Key, Object, Page, Store, Versions};

/// Bodies below this length never wait, though they count: a sign of life must not queue behind a pack, or its holder is
/// taken for dead.
const SMALL: u64 = 16 << 10;
/// No object that is worth waiting for is larger; a range beyond it is answered by an error.
const LARGE: u64 = 1 << 30;
/// Less than this is a rounding error.
const NOTHING: f64 = 1e-3;
/// The longest sleep before the line is looked at again.
const LOOK: Duration = Duration::from_secs(3600);

/// Limits per second; `None` is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Bytes sent in bodies of objects.
    pub upload: Option<ByteSize>,
    /// Bytes received in bodies of objects.
    pub download: Option<ByteSize>,
    /// Requests of any kind.
    pub requests: Option<u32>,
}

impl Rates {
    /// Whether nothing can be done under them: a limit of 0 is a mistake, not a way to stop.
    #[must_use]
    pub fn has_zero(&self) -> bool {
        self.upload == Some(ByteSize(0)) || self.download == Some(ByteSize(0)) || self.requests == Some(0)
    }
}

/// The limits of any number of stores together. Cloning gives another handle to the same limits.
#[derive(Debug, Clone)]
pub struct Limits {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rates: watch::Sender<Rates>,
    upload: Lane,
    download: Lane,
    requests: Lane,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(Rates::default())
    }
}

impl Limits {
    /// Limits that begin with these rates.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        let limits = Self {
            shared: Arc::new(Shared {
                rates: watch::Sender::default(),
                upload: Lane::default(),
                download: Lane::default(),
                requests: Lane::default(),
            }),
        };
        limits.set(rates);
        limits
    }

    /// The rates in force.
    #[must_use]
    pub fn rates(&self) -> Rates {
        *self.shared.rates.borrow()
    }

    /// Other rates, from now on: also for requests that wait already.
    pub fn set(&self, rates: Rates) {
        let shared = &*self.shared;
        if self.rates() == rates {
            return;
        }
        shared.upload.set(rates.upload.map(|size| size.0));
        shared.download.set(rates.download.map(|size| size.0));
        shared.requests.set(rates.requests.map(u64::from));
        shared.rates.send_replace(rates);
    }
}

/// One thing that is limited: first come, first served.
#[derive(Debug, Default)]
struct Lane {
    line: Mutex<Line>,
}

/// How much was asked for since the beginning, and how much of that was allowed by now.
#[derive(Debug)]
struct Line {
    /// What is allowed in a second.
    rate: Option<f64>,
    asked: f64,
    served: f64,
    /// When `served` was right.
    at: Instant,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            rate: None,
            asked: 0.0,
            served: 0.0,
            at: Instant::now(),
        }
    }
}

impl Line {
    /// Allows what the time since the last look gives. What nobody asks for is kept for one second at most.
    fn settle(&mut self) {
        let now = Instant::now();
        let given = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        match self.rate {
            None => self.served = self.served.max(self.asked),
            Some(rate) => {
                let allowed = (self.served + given * rate).min(self.asked + rate);
                self.served = self.served.max(allowed);
            }
        }
    }
}

impl Lane {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, rate: Option<u64>) {
        let mut line = self.line();
        // The time until now was under the rate until now.
        line.settle();
        line.rate = rate.map(|rate| precise(rate.max(1)));
    }

    /// Counts what others will wait for.
    fn charge(&self, amount: u64) {
        self.line().asked += precise(amount);
    }

    /// Waits for what others asked for before, and for this.
    async fn wait(&self, rates: &watch::Sender<Rates>, amount: u64) {
        let mut changes = rates.subscribe();
        let place = self.take_place(precise(amount));
        loop {
            // Before the look: a change after it is seen.
            changes.borrow_and_update();
            let (rate, missing) = {
                let mut line = self.line();
                line.settle();
                (line.rate, place.end - line.served)
            };
            let Some(rate) = rate.filter(|_| missing > NOTHING) else {
                break;
            };
            let wait = Duration::try_from_secs_f64(missing / rate).unwrap_or(LOOK);
            tokio::select! {
                () = tokio::time::sleep(wait.min(LOOK)) => {}
                // Cannot fail: the sender is borrowed.
                _ = changes.changed() => {}
            }
        }
        place.leave();
    }

    fn take_place(&self, amount: f64) -> Place<'_> {
        let mut line = self.line();
        line.settle();
        line.asked += amount;
        Place {
            lane: self,
            end: line.asked,
            amount,
        }
    }
}

/// A place in the line. Whoever goes away before the turn comes takes along what was asked for.
struct Place<'a> {
    lane: &'a Lane,
    end: f64,
    amount: f64,
}

impl Place<'_> {
    /// The turn has come.
    fn leave(mut self) {
        self.amount = 0.0;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut line = self.lane.line();
        line.settle();
        line.served += (self.end - line.served).clamp(0.0, self.amount);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "exact up to 9·10¹⁵ bytes; beyond that a byte more or less"
)]
fn precise(amount: u64) -> f64 {
    amount as f64
}

/// Lets requests wait until the limits allow them. An object is sent and received at the line's own speed: what is
/// limited is when the next one may follow, so that the limit holds from the beginning on for uploads and for ranges,
/// and on average for whole objects, whose size is known only when they are there. Requests for versions count the same.
#[derive(Debug, Clone)]
pub struct Throttle {
    inner: Arc<dyn Store>,
    limits: Limits,
}

impl Throttle {
    /// Wraps a store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, limits: Limits) -> Self {
        Self { inner, limits }
    }

    async fn request(&self) {
        let Shared { rates, requests, .. } = &*self.limits.shared;
        requests.wait(rates, 1).await;
    }

    async fn upload(&self, size: u64) {
        let Shared { rates, upload, .. } = &*self.limits.shared;
        if size < SMALL {
            upload.charge(size);
        } else {
            upload.wait(rates, size).await;
        }
    }

    async fn download(&self, size: u64) {
        let Shared { rates, download, .. } = &*self.limits.shared;
        download.wait(rates, size).await;
    }

    /// A whole object, whose size nobody knew before.
    fn received(&self, body: &Bytes) {
        self.limits.shared.download.charge(body.len() as u64);
    }
}

fn length(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start).min(LARGE)
}

#[async_trait]
impl Store for Throttle {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.inner.room().await
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        self.upload(body.len() as u64).await;
        self.request().await;
        self.inner.create(key, body).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        self.download(0).await;
        self.request().await;
        let got = self.inner.get(key).await?;
        self.received(&got);
        Ok(got)
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        self.download(length(&range)).await;
        self.request().await;
        self.inner.get_range(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        self.request().await;
        self.inner.head(key).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        self.request().await;
        self.inner.list(prefix, after).await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.request().await;
        self.inner.delete(key).await
    }

    fn versions(&self) -> Option<Arc<dyn Versions>> {
        let (inner, throttle) = (self.inner.versions()?, self.clone());
        Some(Arc::new(versions::ThrottledVersions { inner, throttle }))
    }

    async fn refuses_damage(&self, key: &Key) -> Result<Option<bool>, Error> {
        self.request().await;
        self.inner.refuses_damage(key).await
    }
}
