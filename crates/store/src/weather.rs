//! Misfortune by chance, for tests of whoever uses a store: the same seed brings the same misfortune to the same
//! requests.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Attempt, Error, Key, Object, Page, Store, Verb, Versions};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Climate {
    /// Requests are refused before they are carried out.
    Rejects,
    /// Requests are not answered in time; some of them were carried out.
    TimesOut,
    /// Objects are stored, or given back, without their end, as if all were well.
    Truncates,
    /// Requests to create or read are answered by success, with an error's text and nothing done.
    AnswersErrors,
    /// Requests are carried out, and their answers are lost.
    LosesReplies,
    /// Listings do not know of the newest creations and deletions.
    ListsLate,
    /// Requests made at the same time are carried out in another order, and answered in yet another.
    Reorders,
    /// There is too much to do.
    SlowsDown,
    /// The credentials run out, for good.
    Expires,
    /// One bit of what is given back is another.
    FlipsBits,
}

impl Climate {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Rejects,
        Self::TimesOut,
        Self::Truncates,
        Self::AnswersErrors,
        Self::LosesReplies,
        Self::ListsLate,
        Self::Reorders,
        Self::SlowsDown,
        Self::Expires,
        Self::FlipsBits,
    ];
}

/// How many later requests a listing may be late by.
const LATE: u64 = 12;
/// The text that is given in place of an object.
const ERROR: &str = "<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>";

/// Brings misfortune to one request of so many.
#[derive(Debug, Clone)]
pub struct Weather {
    inner: Arc<dyn Store>,
    climate: Climate,
    odds: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    random: u64,
    calm: bool,
    requests: u64,
    misfortunes: u64,
    /// For listings that are late: what happened to which object at which request.
    newest: VecDeque<(u64, Change)>,
}

#[derive(Debug, Clone)]
enum Change {
    Created(Key),
    Deleted(Object),
}

impl State {
    /// A number below `limit` that follows from the seed.
    fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}

impl Weather {
    /// Wraps a store. One request of `odds` has bad luck; 1 is all of them.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, climate: Climate, odds: u64, seed: u64) -> Self {
        Self {
            inner,
            climate,
            odds,
            state: Arc::new(Mutex::new(State {
                random: seed,
                calm: false,
                requests: 0,
                misfortunes: 0,
                newest: VecDeque::new(),
            })),
        }
    }

    /// From now on nothing goes wrong any more, until [`Weather::turn`].
    pub fn calm(&self) {
        self.state().calm = true;
    }

    /// From now on it is bad again.
    pub fn turn(&self) {
        let mut state = self.state();
        (state.calm, state.requests) = (false, 0);
        state.newest.clear();
    }

    /// How many requests had bad luck.
    #[must_use]
    pub fn misfortunes(&self) -> u64 {
        self.state().misfortunes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next request has bad luck, and a number for what kind.
    fn strikes(&self) -> Option<u64> {
        let mut state = self.state();
        state.requests += 1;
        let expired = self.climate == Climate::Expires && state.requests > self.odds.saturating_mul(4);
        let struck = match self.climate {
            _ if state.calm => false,
            Climate::Expires => expired,
            _ => state.below(self.odds) == 0,
        };
        let kind = state.below(1 << 20);
        state.misfortunes += u64::from(struck);
        struck.then_some(kind)
    }

    fn failure(&self, verb: Verb, name: &str) -> Error {
        let attempt = Attempt::new(verb, name, self.location());
        let source = "bad weather".into();
        match self.climate {
            Climate::TimesOut => Error::Timeout {
                attempt,
                hint: None,
                source,
            },
            Climate::SlowsDown => Error::SlowDown {
                attempt,
                after: Some(Duration::from_secs(2)),
                hint: "wait".to_owned(),
                source,
            },
            Climate::Expires => Error::Denied {
                attempt,
                hint: Some("the credentials are too old: renew them".to_owned()),
                source,
            },
            _ => Error::Unavailable {
                attempt,
                hint: None,
                source,
            },
        }
    }

    /// What becomes of a request: carried out or not, answered or not.
    async fn carry_out<T>(
        &self,
        verb: Verb,
        name: &str,
        struck: Option<u64>,
        request: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        if self.climate == Climate::Reorders && !self.state().calm {
            let (before, behind) = {
                let mut state = self.state();
                (state.below(4), state.below(4))
            };
            turns(before).await;
            let done = request.await;
            turns(behind).await;
            return done;
        }
        let Some(kind) = struck else {
            return request.await;
        };
        match self.climate {
            Climate::Rejects | Climate::SlowsDown | Climate::Expires => Err(self.failure(verb, name)),
            Climate::TimesOut if kind % 2 == 0 => Err(self.failure(verb, name)),
            Climate::TimesOut | Climate::LosesReplies => {
                // An answer that is lost may have been that it failed.
                let _ = request.await;
                Err(self.failure(verb, name))
            }
            _ => request.await,
        }
    }

    /// What is given back in place of an object.
    fn spoilt(&self, struck: Option<u64>, bytes: Bytes) -> Bytes {
        let (Some(kind), false) = (struck, bytes.is_empty()) else {
            return bytes;
        };
        let at = usize::try_from(kind).unwrap_or(0) % bytes.len();
        match self.climate {
            Climate::Truncates => bytes.slice(..at),
            Climate::AnswersErrors => Bytes::from_static(ERROR.as_bytes()),
            Climate::FlipsBits => {
                let mut changed = bytes.to_vec();
                changed[at] ^= 1 << (kind % 8);
                changed.into()
            }
            _ => bytes,
        }
    }

    fn remember(&self, change: Change) {
        if self.climate == Climate::ListsLate {
            let mut state = self.state();
            let now = state.requests;
            state.newest.push_back((now, change));
            while state.newest.front().is_some_and(|(at, _)| at + LATE < now) {
                state.newest.pop_front();
            }
        }
    }

    /// A listing as it was a few requests ago.
    fn late(&self, prefix: &str, after: Option<&Key>, mut page: Page) -> Page {
        let state = self.state();
        for (at, change) in state.newest.iter().rev() {
            if at + LATE < state.requests {
                break;
            }
            match change {
                Change::Created(key) => page.objects.retain(|object| object.key != *key),
                Change::Deleted(object) => {
                    let is_asked_for = object.key.as_str().starts_with(prefix)
                        && after.is_none_or(|after| *after < object.key)
                        && page.next.as_ref().is_none_or(|next| object.key <= *next);
                    if is_asked_for && !page.objects.iter().any(|there| there.key == object.key) {
                        page.objects.push(object.clone());
                    }
                }
            }
        }
        page.objects.sort_by(|a, b| a.key.cmp(&b.key));
        page
    }
}

/// Lets others go first, so many times.
async fn turns(count: u64) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl Store for Weather {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.inner.room().await
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        let struck = self.strikes();
        if struck.is_some() && self.climate == Climate::AnswersErrors {
            return Ok(());
        }
        let body = match self.climate {
            Climate::Truncates => self.spoilt(struck, body),
            _ => body,
        };
        let request = self.inner.create(key, body);
        let done = self.carry_out(Verb::Create, key.as_str(), struck, request).await;
        if done.is_ok() {
            self.remember(Change::Created(key.clone()));
        }
        done
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let struck = self.strikes();
        let request = self.inner.get(key);
        let got = self.carry_out(Verb::Get, key.as_str(), struck, request).await?;
        Ok(self.spoilt(struck, got))
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        let struck = self.strikes();
        let request = self.inner.get_range(key, range);
        let got = self
            .carry_out(Verb::GetRange, key.as_str(), struck, request)
            .await?;
        Ok(self.spoilt(struck, got))
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let struck = self.strikes();
        let request = self.inner.head(key);
        self.carry_out(Verb::Head, key.as_str(), struck, request).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        let struck = self.strikes();
        let request = self.inner.list(prefix, after);
        let page = self.carry_out(Verb::List, prefix, struck, request).await?;
        match (self.climate, struck) {
            (Climate::ListsLate, Some(_)) => Ok(self.late(prefix, after, page)),
            _ => Ok(page),
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let struck = self.strikes();
        let was = match self.climate {
            Climate::ListsLate => self.inner.head(key).await.ok(),
            _ => None,
        };
        let request = self.inner.delete(key);
        self.carry_out(Verb::Delete, key.as_str(), struck, request)
            .await?;
        if let Some(was) = was {
            self.remember(Change::Deleted(was));
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
