//! Asks again when that may help.

mod versions;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::Span;
use serde::Deserialize;

use crate::{Error, Key, Object, Page, Store, Versions};

/// How often to ask, and how long to wait in between.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Requests in all, the first one included; 1 for none again.
    pub attempts: u32,
    /// The longest wait before the second request. Doubled for each one after it.
    pub first_wait: Span,
    /// The longest wait at all.
    pub longest_wait: Span,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_wait: Span(Duration::from_secs(1)),
            longest_wait: Span(Duration::from_secs(20)),
        }
    }
}

/// What waits. Tests put one in that does not.
#[async_trait]
pub trait Pause: fmt::Debug + Send + Sync + 'static {
    /// Returns after this time.
    async fn pause(&self, wait: Duration);
}

/// Waits by Tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimerPause;

#[async_trait]
impl Pause for TimerPause {
    async fn pause(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

/// Requests to a store that was never reached: it is rather a wrong address, or a service that does not run, than a
/// moment of bad luck, and whoever waits at the terminal is told at once.
const FIRST_CONTACT: u32 = 2;

/// The longest wait that a store may ask for. Longer, and somebody should rather hear of it.
const OBEYED: Duration = Duration::from_secs(60);

/// Makes a request again when it failed with a transient error, after a random wait between half and the whole of a
/// limit that doubles, and no sooner than a store that has too much to do asks for. At most `attempts` requests for each call, and as many again where a `create` has to look
/// at what its lost try left. While the store was never reached, at most two.
#[derive(Debug, Clone)]
pub struct Retry {
    inner: Arc<dyn Store>,
    policy: RetryPolicy,
    pause: Arc<dyn Pause>,
    /// Whether any request has reached the store, whatever came of it.
    reached: Arc<AtomicBool>,
}

impl Retry {
    /// Wraps a store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, policy: RetryPolicy) -> Self {
        Self::with_pause(inner, policy, Arc::new(TimerPause))
    }

    /// Wraps a store, with another way to wait.
    #[must_use]
    pub fn with_pause(inner: Arc<dyn Store>, policy: RetryPolicy, pause: Arc<dyn Pause>) -> Self {
        Self {
            inner,
            policy,
            pause,
            reached: Arc::default(),
        }
    }

    /// Waits after the `tried`th request failed with this error, or gives the error back.
    async fn wait_or(&self, tried: u32, error: Error) -> Result<(), Error> {
        let limit = match error {
            Error::Unreachable { .. } | Error::Timeout { .. } if !self.reached.load(Ordering::Relaxed) => {
                self.policy.attempts.min(FIRST_CONTACT)
            }
            Error::Unreachable { .. } | Error::Timeout { .. } => self.policy.attempts,
            _ => {
                self.reached.store(true, Ordering::Relaxed);
                self.policy.attempts
            }
        };
        if !error.is_transient() || tried >= limit {
            return Err(error);
        }
        let wait = match &error {
            Error::SlowDown {
                after: Some(after), ..
            } => self.wait_after(tried).max((*after).min(OBEYED)),
            _ => self.wait_after(tried),
        };
        tracing::debug!(tried, ?wait, %error, cause = ?std::error::Error::source(&error), "asking the store again");
        self.pause.pause(wait).await;
        Ok(())
    }

    /// The store gave this.
    fn answered<T>(&self, given: T) -> Result<T, Error> {
        self.reached.store(true, Ordering::Relaxed);
        Ok(given)
    }

    fn wait_after(&self, tried: u32) -> Duration {
        let doubled = 1u32.checked_shl(tried.saturating_sub(1)).unwrap_or(u32::MAX);
        let limit = self.policy.first_wait.0.saturating_mul(doubled);
        let half = limit.min(self.policy.longest_wait.0) / 2;
        // Without randomness all wait the same, which is worse for the server but not wrong.
        let random = getrandom::u32().unwrap_or(u32::MAX);
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// Whether the object is what we tried to create.
    async fn is_ours(&self, key: &Key, body: &Bytes) -> Result<bool, Error> {
        let found = self.head(key).await?;
        Ok(found.size == body.len() as u64 && self.get(key).await? == *body)
    }
}

#[async_trait]
impl Store for Retry {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.inner.room().await
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        let mut tried = 0;
        loop {
            let error = match self.inner.create(key, body.clone()).await {
                Ok(()) => return self.answered(()),
                Err(error) => error,
            };
            tried += 1;
            // After a first try of which nothing is known, the object may be our own.
            if tried > 1 && matches!(error, Error::AlreadyExists(_)) {
                return if self.is_ours(key, &body).await? {
                    Ok(())
                } else {
                    Err(error)
                };
            }
            self.wait_or(tried, error).await?;
        }
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let mut tried = 0;
        loop {
            match self.inner.get(key).await {
                Ok(bytes) => return self.answered(bytes),
                Err(error) => {
                    tried += 1;
                    self.wait_or(tried, error).await?;
                }
            }
        }
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        let mut tried = 0;
        loop {
            match self.inner.get_range(key, range.clone()).await {
                Ok(bytes) => return self.answered(bytes),
                Err(error) => {
                    tried += 1;
                    self.wait_or(tried, error).await?;
                }
            }
        }
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let mut tried = 0;
        loop {
            match self.inner.head(key).await {
                Ok(object) => return self.answered(object),
                Err(error) => {
                    tried += 1;
                    self.wait_or(tried, error).await?;
                }
            }
        }
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        let mut tried = 0;
        loop {
            match self.inner.list(prefix, after).await {
                Ok(page) => return self.answered(page),
                Err(error) => {
                    tried += 1;
                    self.wait_or(tried, error).await?;
                }
            }
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let mut tried = 0;
        loop {
            match self.inner.delete(key).await {
                Ok(()) => return self.answered(()),
                Err(error) => {
                    tried += 1;
                    self.wait_or(tried, error).await?;
                }
            }
        }
    }

    fn versions(&self) -> Option<Arc<dyn Versions>> {
        let (inner, retry) = (self.inner.versions()?, self.clone());
        Some(Arc::new(versions::RetryVersions { inner, retry }))
    }

    async fn refuses_damage(&self, key: &Key) -> Result<Option<bool>, Error> {
        self.inner.refuses_damage(key).await
    }
}
