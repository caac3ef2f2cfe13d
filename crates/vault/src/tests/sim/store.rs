//! The store and the clock as one participant sees them.

use std::ops::{Bound, Range};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use ostler_store::{Attempt, Error, Key, Object, Page, Store, Verb};
use ostler_vocabulary::{Clock, ProcessIdentity, Timestamp};
use tokio::sync::oneshot;

use super::world::{Sleeping, State, Waiting, World};
use crate::host::Simulated;

/// What a participant reaches of the world.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) world: World,
    pub(super) actor: usize,
}

/// What becomes of a request.
enum Fate {
    Served,
    Refused,
    /// It has its effect, and nobody is told.
    Unanswered,
    /// It has its effect later.
    Delayed,
}

impl View {
    fn attempt(verb: Verb, subject: &str) -> Attempt {
        Attempt::new(verb, subject, "simulated")
    }

    async fn turn(&self, create: Option<(Key, Bytes)>) {
        let turn = {
            let mut state = self.world.state();
            state.requests += 1;
            if state.at_once() {
                return;
            }
            let (turn, waits) = oneshot::channel();
            let actor = self.actor;
            state.waiting.push(Waiting { actor, create, turn });
            waits
        };
        // Who is never given a turn is dead.
        if turn.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn fate(state: &mut State, changes: bool) -> Fate {
        let Some(faults) = state.weather.faults.filter(|_| !state.at_once()) else {
            return Fate::Served;
        };
        if !state.dice.once_in(faults) {
            return Fate::Served;
        }
        match state.dice.below(3) {
            1 if changes => Fate::Unanswered,
            2 if changes => Fate::Delayed,
            _ => Fate::Refused,
        }
    }

    fn unavailable(verb: Verb, subject: &str) -> Error {
        Error::Unavailable {
            attempt: Self::attempt(verb, subject),
            hint: None,
            source: "the weather".into(),
        }
    }

    /// Serves a request that changes nothing.
    async fn ask<T>(
        &self,
        verb: Verb,
        subject: &str,
        serve: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.turn(None).await;
        let mut state = self.world.state();
        let served = match Self::fate(&mut state, false) {
            Fate::Served => serve(&mut state),
            _ => Err(Self::unavailable(verb, subject)),
        };
        let said = match &served {
            Ok(_) => "ok",
            Err(Error::NotFound(_)) => "not there",
            Err(_) => "fails",
        };
        state.note(self.actor, || format!("{verb} {subject}: {said}"));
        served
    }
}

#[async_trait]
impl Store for View {
    fn location(&self) -> &str {
        "simulated"
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        self.turn(Some((key.clone(), body.clone()))).await;
        let mut state = self.world.state();
        let fate = Self::fate(&mut state, true);
        let done = match fate {
            Fate::Served | Fate::Unanswered => state.put(key, body),
            Fate::Delayed => {
                let later = [2_000, 60_000, 600_000, 7_200_000][state.dice.below(4) as usize];
                let at = state.now + state.dice.below(later);
                state.network.push((at, key.clone(), body));
                false
            }
            Fate::Refused => false,
        };
        state.note(self.actor, || {
            let said = match fate {
                Fate::Served => "",
                Fate::Refused => " (fails)",
                Fate::Unanswered => " (no answer)",
                Fate::Delayed => " (no answer, and later)",
            };
            format!("create {key}: {done}{said}")
        });
        match fate {
            Fate::Served if done => Ok(()),
            Fate::Served => Err(Error::AlreadyExists(Self::attempt(Verb::Create, key.as_str()))),
            _ => Err(Self::unavailable(Verb::Create, key.as_str())),
        }
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        self.ask(Verb::Get, key.as_str(), |state| {
            let stored = state.objects.get(key);
            let missing = || Error::NotFound(Self::attempt(Verb::Get, key.as_str()));
            stored.map(|stored| stored.body.clone()).ok_or_else(missing)
        })
        .await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        self.ask(Verb::GetRange, key.as_str(), |state| {
            let stored = state.objects.get(key);
            let stored =
                stored.ok_or_else(|| Error::NotFound(Self::attempt(Verb::GetRange, key.as_str())))?;
            let size = stored.body.len() as u64;
            if range.end > size {
                return Err(Error::Short {
                    attempt: Self::attempt(Verb::GetRange, key.as_str()),
                    needed: range.end,
                    size: Some(size),
                });
            }
            Ok(stored.body.slice(range.start as usize..range.end as usize))
        })
        .await
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        self.ask(Verb::Head, key.as_str(), |state| {
            let stored = state.objects.get(key);
            let stored = stored.ok_or_else(|| Error::NotFound(Self::attempt(Verb::Head, key.as_str())))?;
            Ok(Object {
                key: key.clone(),
                size: stored.body.len() as u64,
                modified: Some(state.stamp(stored.created)),
            })
        })
        .await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        assert!(after.is_none(), "one page is enough");
        self.ask(Verb::List, prefix, |state| {
            let at_once = state.at_once();
            let from = Key::new(prefix.trim_end_matches('/')).ok();
            let range = (
                from.as_ref().map_or(Bound::Unbounded, Bound::Included),
                Bound::Unbounded,
            );
            let there = state
                .objects
                .range(range)
                .skip_while(|(key, _)| key.as_str() < prefix);
            let there = there.take_while(|(key, _)| key.as_str().starts_with(prefix));
            let there = there.filter(|(_, stored)| stored.listed <= state.now || at_once);
            let there = there.map(|(key, stored)| (key, stored.body.len() as u64, stored.created));
            let gone = state
                .ghosts
                .iter()
                .filter(|(key, _)| !at_once && key.as_str().starts_with(prefix));
            let gone = gone.map(|(key, (_, size, created))| (key, *size, *created));
            let mut objects: Vec<Object> = there
                .chain(gone)
                .map(|(key, size, created)| Object {
                    key: key.clone(),
                    size,
                    modified: Some(state.stamp(created)),
                })
                .collect();
            objects.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(Page { objects, next: None })
        })
        .await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.turn(None).await;
        let mut state = self.world.state();
        let fate = Self::fate(&mut state, true);
        if matches!(fate, Fate::Served | Fate::Unanswered) {
            state.take(key);
        }
        let served = matches!(fate, Fate::Served);
        state.note(self.actor, || format!("delete {key}: {served}"));
        match fate {
            Fate::Served => Ok(()),
            _ => Err(Self::unavailable(Verb::Delete, key.as_str())),
        }
    }
}

impl Clock for View {
    fn now(&self) -> Timestamp {
        let state = self.world.state();
        let ahead = state.actors.get(self.actor).map_or(0, |actor| actor.ahead);
        let time = state.time();
        Timestamp::from_second(time.as_second() + ahead).unwrap_or(time)
    }

    fn monotonic(&self) -> Duration {
        let state = self.world.state();
        let missed = state.actors.get(self.actor).map_or(0, |actor| actor.missed);
        Duration::from_millis(state.now.saturating_sub(missed))
    }
}

/// The machine of a participant, as its current process sees it.
impl Simulated for View {
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.world.state();
        let at = state.now + u64::try_from(time.as_millis()).unwrap();
        if state.at_once() {
            state.now = at;
            // Others run too: a heart that never waits would beat for ever.
            return Box::pin(tokio::task::yield_now());
        }
        let (turn, waits) = oneshot::channel();
        let actor = self.actor;
        state.sleeping.push(Sleeping { actor, at, turn });
        Box::pin(async move {
            if waits.await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    fn is_dead(&self, process: &ProcessIdentity) -> bool {
        let host = format!("machine-{}", self.actor / 2);
        process.host == host && self.world.state().dead.contains(&process.started)
    }

    fn enter(&self, entered: bool) {
        self.world.state().inside = entered;
    }
}
