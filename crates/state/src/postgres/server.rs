//! A PostgreSQL database with state in it: how it is reached, and the sessions with it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use ostler_postgres::{Connection, Dsn, Options, Target};
use ostler_vocabulary::{OperationId, Secret, Timestamp};

use super::bridge;
use super::open::AGREES;
use crate::Error;

/// The server's clock beside this machine's.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// By how many milliseconds the server's was ahead.
    ahead: i64,
    /// What this machine's showed, in milliseconds.
    here: i64,
    at: Instant,
}

/// Sessions of one process at most.
const SESSIONS: usize = 8;
/// How long a call waits: for a session, for other writers, for a server that is being started again.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// How long a statement may take: longer than it waits for other writers.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);
/// How many bytes the beginning of schemas' names has at most.
const LONGEST: usize = 40;

/// A PostgreSQL database with state in it. Sessions are opened as they are needed; several stores share them.
pub struct Server {
    target: Target,
    /// The beginning of the schemas' names.
    pub(super) beginning: String,
    sessions: Mutex<Sessions>,
    returned: Condvar,
    /// Whether the server was found to be new enough.
    is_checked: AtomicBool,
    /// Whether it did not answer when it was last asked: told once, however many wait for it.
    is_away: AtomicBool,
    /// The server's clock as it was read last.
    reading: Mutex<Option<Reading>>,
}

#[derive(Default)]
struct Sessions {
    idle: Vec<Session>,
    lent: usize,
}

/// A session, and what is known of its writes.
struct Session {
    connection: Arc<Connection>,
    /// By which its last write is found by whoever asks what became of it.
    id: String,
    /// How many writes it began.
    writes: i64,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}, {})", self.target.name(), self.beginning)
    }
}

impl Server {
    /// The database that a connection string names, completed by an environment; schemas' names begin with `schema`.
    /// Nothing is asked of it yet.
    ///
    /// # Errors
    /// What is wrong with the connection string or the name.
    pub fn new(
        dsn: &str,
        password: Option<Secret>,
        schema: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        Self::check_name(schema)?;
        let wrong = |source| Error::Server { source };
        let mut dsn = Dsn::parse(dsn).map_err(wrong)?;
        if let Some(password) = password {
            dsn = dsn.with_password(password);
        }
        let target = Target::resolve(&dsn, environment).map_err(wrong)?;
        Ok(Self {
            target: target.for_long_work(),
            beginning: schema.to_owned(),
            sessions: Mutex::default(),
            returned: Condvar::new(),
            is_checked: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
            reading: Mutex::default(),
        })
    }

    /// Whether schemas' names can begin so.
    ///
    /// # Errors
    /// [`Error::SchemaName`]
    pub fn check_name(schema: &str) -> Result<(), Error> {
        match is_name(schema) {
            true => Ok(()),
            false => Err(Error::SchemaName {
                name: schema.to_owned(),
            }),
        }
    }

    /// Its name in messages, without a password.
    #[must_use]
    pub fn name(&self) -> String {
        self.target.name()
    }

    /// Whether it can be reached, and is new enough.
    ///
    /// # Errors
    /// What keeps us from it.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        let session = self.connect()?;
        let asked = bridge::wait(async move { session.one(include_str!("queries/version.sql"), &[]).await })?;
        let row = asked.map_err(|source| Error::Server { source })?;
        match row.get::<_, i32>(0) {
            130_000.. => {
                self.is_checked.store(true, Ordering::Relaxed);
                Ok(())
            }
            _ => Err(Error::OldServer { found: row.get(1) }),
        }
    }

    /// A session; `None` when none became free until `until`.
    pub(super) fn session(self: &Arc<Self>, until: Instant) -> Result<Option<Lent>, Error> {
        let mut sessions = self.lock();
        while sessions.lent >= SESSIONS {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            drop(sessions);
            bridge::patiently(|| {
                let sessions = self.lock();
                if sessions.lent >= SESSIONS {
                    drop(self.returned.wait_timeout(sessions, left));
                }
            });
            sessions = self.lock();
        }
        sessions.lent += 1;
        let idle = std::iter::from_fn(|| sessions.idle.pop()).find(|idle| !idle.connection.is_closed());
        drop(sessions);
        let mut lent = Lent {
            server: Arc::clone(self),
            session: None,
        };
        lent.session = Some(match idle {
            Some(session) => session,
            None => Session {
                connection: Arc::new(self.connect()?),
                id: OperationId::random().to_string(),
                writes: 0,
            },
        });
        Ok(Some(lent))
    }

    fn connect(&self) -> Result<Connection, Error> {
        let target = self.target.clone();
        let options = Options {
            application_name: Some("ostler state".to_owned()),
            statement_timeout: Some(DEADLINE),
        };
        bridge::wait(async move { Connection::open(&target, &options).await })?
            .map_err(|source| Error::Server { source })
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn does_not_answer(&self) {
        if !self.is_away.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the state's database {} does not answer, or has no room; it is asked until it does",
                self.name()
            );
        }
    }

    pub(super) fn answers(&self) {
        if self.is_away.swap(false, Ordering::Relaxed) {
            tracing::warn!("the state's database {} answers again", self.name());
        }
    }

    pub(super) fn set_ahead(&self, milliseconds: i64) {
        let reading = Reading {
            ahead: milliseconds,
            here: Timestamp::now().as_millisecond(),
            at: Instant::now(),
        };
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
    }

    /// By how many milliseconds the server's clock is ahead of this machine's.
    pub(super) fn ahead(&self) -> i64 {
        let reading = *self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        reading.map_or(0, |reading| {
            let elapsed = i64::try_from(reading.at.elapsed().as_millis()).unwrap_or(i64::MAX);
            let passed = Timestamp::now().as_millisecond().saturating_sub(reading.here);
            corrected(reading.ahead, passed, elapsed)
        })
    }

    /// By how much this machine's clock is ahead of the server's; negative when it is behind.
    #[must_use]
    pub fn clock_difference(&self) -> SignedDuration {
        SignedDuration::from_millis(self.ahead().saturating_neg())
    }
}

/// A session, lent. Dropping it ends it; [`Lent::give_back`] keeps it for the next.
pub(super) struct Lent {
    server: Arc<Server>,
    /// Only `None` while it is made or given back.
    session: Option<Session>,
}

impl Lent {
    pub fn session(&self) -> Result<Arc<Connection>, Error> {
        let session = self.session.as_ref().ok_or(Error::ShuttingDown)?;
        Ok(Arc::clone(&session.connection))
    }

    /// By which its writes are found.
    pub fn id(&self) -> &str {
        self.session.as_ref().map_or("", |session| &session.id)
    }

    /// The number of its last write.
    pub fn writes(&self) -> i64 {
        self.session.as_ref().map_or(0, |session| session.writes)
    }

    /// The number of its next write, which begins.
    pub fn next_write(&mut self) -> i64 {
        if let Some(session) = &mut self.session {
            session.writes += 1;
        }
        self.writes()
    }

    /// Nothing of it is at work, and no transaction is open.
    pub fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            self.server.lock().idle.push(session);
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.server.lock().lent -= 1;
        self.server.returned.notify_one();
    }
}

/// By how much the server's clock is ahead, after this machine's has shown `passed` milliseconds more while `elapsed` went by:
/// a clock that was set meanwhile is ahead by so much more or less.
fn corrected(ahead: i64, passed: i64, elapsed: i64) -> i64 {
    let set_by = passed.saturating_sub(elapsed);
    if set_by.abs() < AGREES {
        return ahead;
    }
    ahead.saturating_sub(set_by)
}

fn is_name(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.len() <= LONGEST
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(letters)
        && !name.starts_with("pg_")
}

#[cfg(test)]
mod tests {
    use super::{corrected, is_name};

    #[test]
    fn a_clock_that_was_set_since_the_last_look_is_seen_without_another_look() {
        let hours = 2 * 60 * 60 * 1000;
        for (ahead, passed, elapsed, expected) in [
            (0, 5000, 5000, 0),
            (0, 5400, 5000, 0),
            (0, 5000 + hours, 5000, -hours),
            (-hours, 5000 - hours, 5000, 0),
            (hours, 1000, 1000, hours),
        ] {
            assert_eq!(corrected(ahead, passed, elapsed), expected, "{ahead} {passed}");
        }
    }

    #[test]
    fn names_of_schemas_need_no_quotes() {
        for good in ["ostler", "o", "team_7"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "7", "Ostler", "a-b", "pg_x", "a\"b", &"a".repeat(41)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
