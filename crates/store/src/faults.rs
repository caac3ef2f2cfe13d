//! Scripted misfortune, for tests of whoever uses a store.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::ErrorKind;
use tokio::sync::watch;

use crate::{Attempt, Error, Key, Object, Page, Store, Verb, Versions};

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Misfortune {
    /// It does not reach the store and fails with an error of this kind.
    Reject(ErrorKind),
    /// It is carried out, and then fails with an error of this kind: the reply was lost.
    LoseReply(ErrorKind),
    /// The disk is full.
    DiskFull,
    /// A `create` stores, and a `get` returns, only so many bytes.
    Truncate(usize),
    /// A `create` stores, and a `get` returns, the byte at this place (modulo the length) with a bit changed.
    FlipByte(usize),
    /// It takes so much longer.
    Slow(Duration),
    /// It waits at the gate before it is carried out.
    Hold(Gate),
    /// It is carried out, and its reply waits at the gate.
    HoldReply(Gate),
    /// Nothing: lets one matching request pass before the next entry of the script counts.
    Pass,
}

/// Where requests wait until a test lets them go. Cloning gives another handle to the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    state: Arc<watch::Sender<(usize, bool)>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            state: Arc::new(watch::Sender::new((0, false))),
        }
    }
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns when so many requests have arrived.
    pub async fn reached_by(&self, requests: usize) {
        // The sender is in `self`, so waiting cannot fail.
        let _ = self
            .state
            .subscribe()
            .wait_for(|(arrived, _)| *arrived >= requests)
            .await;
    }

    /// Lets all go that wait and all that will come.
    pub fn open(&self) {
        self.state.send_modify(|(_, open)| *open = true);
    }

    async fn pass(&self) {
        self.state.send_modify(|(arrived, _)| *arrived += 1);
        let _ = self.state.subscribe().wait_for(|(_, open)| *open).await;
    }
}

#[derive(Debug)]
struct Entry {
    verb: Option<Verb>,
    prefix: String,
    misfortune: Misfortune,
    always: bool,
}

/// Carries out a script: each request takes the first entry that matches its verb and the start of its key (or of its
/// listing's prefix), and uses it up.
#[derive(Debug, Clone)]
pub struct Faults {
    inner: Arc<dyn Store>,
    script: Arc<Mutex<Vec<Entry>>>,
}

impl Faults {
    /// Wraps a store, with an empty script.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            script: Arc::default(),
        }
    }

    /// Adds an entry for one request: of this verb, or any for `None`, on keys that start with `prefix`.
    pub fn once(&self, verb: impl Into<Option<Verb>>, prefix: &str, misfortune: Misfortune) -> &Self {
        self.add(verb.into(), prefix, misfortune, false)
    }

    /// Adds an entry that is never used up.
    pub fn always(&self, verb: impl Into<Option<Verb>>, prefix: &str, misfortune: Misfortune) -> &Self {
        self.add(verb.into(), prefix, misfortune, true)
    }

    /// Forgets the rest of the script.
    pub fn clear(&self) {
        self.script().clear();
    }

    /// Entries that are not used up.
    #[must_use]
    pub fn left(&self) -> usize {
        self.script().len()
    }

    fn add(&self, verb: Option<Verb>, prefix: &str, misfortune: Misfortune, always: bool) -> &Self {
        self.script().push(Entry {
            verb,
            prefix: prefix.to_owned(),
            misfortune,
            always,
        });
        self
    }

    fn script(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, verb: Verb, name: &str) -> Misfortune {
        let mut script = self.script();
        let found = script.iter().position(|entry| {
            entry.verb.is_none_or(|wanted| wanted == verb) && name.starts_with(&entry.prefix)
        });
        match found {
            None => Misfortune::Pass,
            Some(at) if script[at].always => script[at].misfortune.clone(),
            Some(at) => script.remove(at).misfortune,
        }
    }

    fn error(&self, verb: Verb, name: &str, kind: ErrorKind) -> Error {
        let attempt = Attempt::new(verb, name, self.location());
        let source = format!("a scripted fault: {kind}").into();
        match kind {
            ErrorKind::NotFound => Error::NotFound(attempt),
            ErrorKind::AlreadyExists => Error::AlreadyExists(attempt),
            ErrorKind::Denied => Error::Denied {
                attempt,
                hint: None,
                source,
            },
            ErrorKind::Unavailable => Error::Unavailable {
                attempt,
                hint: None,
                source,
            },
            ErrorKind::Timeout => Error::Timeout {
                attempt,
                hint: None,
                source,
            },
            ErrorKind::Corrupt => Error::Short {
                attempt,
                needed: 1,
                size: Some(0),
            },
            ErrorKind::Unsupported => Error::Unsupported {
                attempt,
                reason: "a scripted fault".to_owned(),
            },
            _ => Error::Io { attempt, source },
        }
    }

    /// What is done before the request: waiting, or refusing it.
    async fn before(&self, misfortune: &Misfortune, verb: Verb, name: &str) -> Result<(), Error> {
        match misfortune {
            Misfortune::Reject(kind) => Err(self.error(verb, name, *kind)),
            Misfortune::DiskFull => Err(Error::NoSpace {
                attempt: Attempt::new(verb, name, self.location()),
                source: "a scripted fault".into(),
            }),
            Misfortune::Slow(wait) => {
                tokio::time::sleep(*wait).await;
                Ok(())
            }
            Misfortune::Hold(gate) => {
                gate.pass().await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What is done behind the request.
    async fn after<T>(
        &self,
        misfortune: &Misfortune,
        verb: Verb,
        name: &str,
        done: Result<T, Error>,
    ) -> Result<T, Error> {
        match misfortune {
            Misfortune::LoseReply(kind) => Err(self.error(verb, name, *kind)),
            Misfortune::HoldReply(gate) => {
                gate.pass().await;
                done
            }
            _ => done,
        }
    }
}

fn spoil(misfortune: &Misfortune, bytes: Bytes) -> Bytes {
    match misfortune {
        Misfortune::Truncate(length) => bytes.slice(..bytes.len().min(*length)),
        Misfortune::FlipByte(place) if !bytes.is_empty() => {
            let mut changed = bytes.to_vec();
            let place = place % changed.len();
            changed[place] ^= 1;
            changed.into()
        }
        _ => bytes,
    }
}

#[async_trait]
impl Store for Faults {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.inner.room().await
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        let (verb, name) = (Verb::Create, key.as_str());
        let misfortune = self.next(verb, name);
        self.before(&misfortune, verb, name).await?;
        let done = self.inner.create(key, spoil(&misfortune, body)).await;
        self.after(&misfortune, verb, name, done).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let (verb, name) = (Verb::Get, key.as_str());
        let misfortune = self.next(verb, name);
        self.before(&misfortune, verb, name).await?;
        let got = self.inner.get(key).await.map(|bytes| spoil(&misfortune, bytes));
        self.after(&misfortune, verb, name, got).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        let (verb, name) = (Verb::GetRange, key.as_str());
        let misfortune = self.next(verb, name);
        self.before(&misfortune, verb, name).await?;
        let got = self.inner.get_range(key, range).await;
        let got = got.map(|bytes| spoil(&misfortune, bytes));
        self.after(&misfortune, verb, name, got).await
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let (verb, name) = (Verb::Head, key.as_str());
        let misfortune = self.next(verb, name);
        self.before(&misfortune, verb, name).await?;
        let found = self.inner.head(key).await;
        self.after(&misfortune, verb, name, found).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        let verb = Verb::List;
        let misfortune = self.next(verb, prefix);
        self.before(&misfortune, verb, prefix).await?;
        let page = self.inner.list(prefix, after).await;
        self.after(&misfortune, verb, prefix, page).await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let (verb, name) = (Verb::Delete, key.as_str());
        let misfortune = self.next(verb, name);
        self.before(&misfortune, verb, name).await?;
        let done = self.inner.delete(key).await;
        self.after(&misfortune, verb, name, done).await
    }

    fn versions(&self) -> Option<Arc<dyn Versions>> {
        self.inner.versions()
    }

    async fn refuses_damage(&self, key: &Key) -> Result<Option<bool>, Error> {
        self.inner.refuses_damage(key).await
    }
}
