//! A store in memory that keeps versions and locks, as a bucket with versioning and object lock does.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::{Clock, SystemClock, Timestamp};

use crate::key::check_prefix;
use crate::{
    Attempt, Error, Kept, Key, Object, PAGE, Page, Store, Verb, Version, VersionId, VersionPage, Versions,
};

const LOCATION: &str = "memory:versioned";

/// Objects in memory, none of which is ever replaced or, while locked, deleted. Cloning gives another handle to the
/// same objects.
#[derive(Debug, Clone)]
pub struct VersionedMemory {
    shared: Arc<Shared>,
    /// What a stolen key of a writer has: everything but [`Versions::delete_version`].
    may_delete_versions: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<Key, Vec<Stored>>,
    made: u64,
}

#[derive(Debug, Clone)]
struct Stored {
    id: VersionId,
    /// `None` for a delete marker.
    body: Option<Bytes>,
    modified: Timestamp,
    locked_until: Option<Timestamp>,
}

impl Default for VersionedMemory {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemClock::default()))
    }
}

impl VersionedMemory {
    /// An empty store whose times are told by this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                clock,
            }),
            may_delete_versions: true,
        }
    }

    /// The same objects, with credentials that may create, overwrite and put delete markers, and not delete versions.
    #[must_use]
    pub fn for_writers(&self) -> Self {
        Self {
            may_delete_versions: false,
            ..self.clone()
        }
    }

    /// Adds a version without asking whether there is one, as a stolen key can. No [`Store`] does this.
    pub fn overwrite(&self, key: &Key, body: impl Into<Bytes>) {
        self.push(key, Some(body.into()), None);
    }

    fn push(&self, key: &Key, body: Option<Bytes>, locked_until: Option<Timestamp>) {
        let modified = self.shared.clock.now();
        self.push_to(&mut self.lock_state(), key, body, modified, locked_until);
    }

    fn push_to(
        &self,
        state: &mut State,
        key: &Key,
        body: Option<Bytes>,
        modified: Timestamp,
        locked_until: Option<Timestamp>,
    ) {
        state.made += 1;
        let stored = Stored {
            id: VersionId(format!("v{}", state.made)),
            body,
            modified,
            locked_until,
        };
        state.objects.entry(key.clone()).or_default().push(stored);
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create_at(&self, key: &Key, body: Bytes, until: Option<Timestamp>) -> Result<(), Error> {
        let modified = self.shared.clock.now();
        let mut state = self.lock_state();
        if state.current(key).is_some() {
            return Err(Error::AlreadyExists(attempt(Verb::Create, key)));
        }
        self.push_to(&mut state, key, Some(body), modified, until);
        Ok(())
    }

    fn current(&self, verb: Verb, key: &Key) -> Result<(Bytes, Timestamp), Error> {
        let found = self.lock_state().current(key);
        found.ok_or_else(|| Error::NotFound(attempt(verb, key)))
    }
}

impl State {
    fn current(&self, key: &Key) -> Option<(Bytes, Timestamp)> {
        let last = self.objects.get(key)?.last()?;
        Some((last.body.clone()?, last.modified))
    }

    fn version(&mut self, key: &Key, id: &VersionId) -> Option<&mut Stored> {
        self.objects
            .get_mut(key)?
            .iter_mut()
            .find(|stored| stored.id == *id)
    }
}

fn attempt(verb: Verb, key: &Key) -> Attempt {
    Attempt::new(verb, key.as_str(), LOCATION)
}

fn part(key: &Key, body: &Bytes, range: Range<u64>) -> Result<Bytes, Error> {
    let attempt = attempt(Verb::GetRange, key);
    let Range { start, end } = range;
    if start > end {
        return Err(Error::Range { attempt, start, end });
    }
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(from), Ok(to)) if to <= body.len() => Ok(body.slice(from..to)),
        _ => Err(Error::Short {
            attempt,
            needed: end,
            size: Some(body.len() as u64),
        }),
    }
}

fn described(versions: &[Stored]) -> Vec<Version> {
    versions
        .iter()
        .map(|stored| Version {
            id: stored.id.clone(),
            size: stored.body.as_ref().map_or(0, |body| body.len() as u64),
            modified: Some(stored.modified),
            is_marker: stored.body.is_none(),
        })
        .collect()
}

#[async_trait]
impl Store for VersionedMemory {
    fn location(&self) -> &str {
        LOCATION
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        self.create_at(key, body, None)
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        Ok(self.current(Verb::Get, key)?.0)
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        if range.start > range.end {
            return part(key, &Bytes::new(), range);
        }
        part(key, &self.current(Verb::GetRange, key)?.0, range)
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let (body, modified) = self.current(Verb::Head, key)?;
        Ok(Object {
            key: key.clone(),
            size: body.len() as u64,
            modified: Some(modified),
        })
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        check_prefix(prefix)?;
        let state = self.lock_state();
        let matching =
            |key: &&Key| key.as_str().starts_with(prefix) && after.is_none_or(|after| *key > after);
        let mut objects = state.objects.keys().filter(matching).filter_map(|key| {
            let (body, modified) = state.current(key)?;
            Some(Object {
                key: key.clone(),
                size: body.len() as u64,
                modified: Some(modified),
            })
        });
        let page: Vec<Object> = objects.by_ref().take(PAGE).collect();
        let more = objects.next().is_some();
        let next = page.last().filter(|_| more).map(|last| last.key.clone());
        Ok(Page { objects: page, next })
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let is_there = self.lock_state().current(key).is_some();
        if is_there {
            self.push(key, None, None);
        }
        Ok(())
    }

    fn versions(&self) -> Option<Arc<dyn Versions>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Versions for VersionedMemory {
    async fn kept(&self) -> Result<Kept, Error> {
        Ok(Kept {
            versions: true,
            locks: true,
        })
    }

    async fn of(&self, key: &Key) -> Result<Vec<Version>, Error> {
        let state = self.lock_state();
        Ok(state.objects.get(key).map_or(Vec::new(), |all| described(all)))
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<VersionPage, Error> {
        check_prefix(prefix)?;
        let state = self.lock_state();
        let mut matching = state
            .objects
            .iter()
            .filter(|(key, _)| key.as_str().starts_with(prefix) && after.is_none_or(|after| *key > after))
            .map(|(key, all)| (key.clone(), described(all)));
        let keys: Vec<_> = matching.by_ref().take(PAGE).collect();
        let more = matching.next().is_some();
        let next = keys.last().filter(|_| more).map(|(key, _)| key.clone());
        Ok(VersionPage { keys, next })
    }

    async fn get(&self, key: &Key, id: &VersionId, range: Option<Range<u64>>) -> Result<Bytes, Error> {
        let found = self
            .lock_state()
            .version(key, id)
            .and_then(|stored| stored.body.clone());
        let body = found.ok_or_else(|| Error::NotFound(attempt(Verb::Get, key)))?;
        match range {
            Some(range) => part(key, &body, range),
            None => Ok(body),
        }
    }

    async fn delete_version(&self, key: &Key, id: &VersionId) -> Result<(), Error> {
        let denied = |why: &str| {
            Err(Error::Denied {
                attempt: attempt(Verb::Delete, key),
                hint: None,
                source: why.into(),
            })
        };
        if !self.may_delete_versions {
            return denied("these credentials may not delete versions");
        }
        let now = self.shared.clock.now();
        let mut state = self.lock_state();
        let locked = state.version(key, id).and_then(|stored| stored.locked_until);
        if locked.is_some_and(|until| until > now) {
            return denied("the version is locked");
        }
        if let Some(all) = state.objects.get_mut(key) {
            all.retain(|stored| stored.id != *id);
            if all.is_empty() {
                state.objects.remove(key);
            }
        }
        Ok(())
    }

    async fn create_locked(&self, key: &Key, body: Bytes, until: Timestamp) -> Result<(), Error> {
        self.create_at(key, body, Some(until))
    }

    async fn locked_until(&self, key: &Key, id: &VersionId) -> Result<Option<Timestamp>, Error> {
        let mut state = self.lock_state();
        Ok(state.version(key, id).and_then(|stored| stored.locked_until))
    }

    async fn lock(&self, key: &Key, id: &VersionId, until: Timestamp) -> Result<(), Error> {
        let mut state = self.lock_state();
        match state.version(key, id) {
            Some(stored) if stored.body.is_some() => {
                stored.locked_until = stored.locked_until.max(Some(until));
                Ok(())
            }
            _ => Err(Error::Lock {
                subject: key.to_string(),
                store: LOCATION.to_owned(),
                source: Box::new(Error::NotFound(attempt(Verb::Head, key))),
            }),
        }
    }
}
