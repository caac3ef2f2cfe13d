//! One store: its schema, its transactions, and what became of those whose end was not heard.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_vocabulary::Timestamp;

use super::open::{Open, breaks, is_exhausted, shifted};
use super::server::{DEADLINE, Lent, PATIENCE, Server};
use super::{bridge, statement};
use crate::{Error, Fault, Kind, Transaction, Value, values};

/// How long it is asked what became of a transaction: longer than the server keeps one open whose client is gone.
const ASKING: Duration = Duration::from_secs(60);
/// Between two tries to reach a server.
const PAUSE: Duration = Duration::from_millis(100);

/// One store in its schema.
#[derive(Debug)]
pub(crate) struct Schema {
    what: &'static str,
    name: String,
    server: Arc<Server>,
}

/// How one try went.
enum Tried<T, E> {
    Over(Result<T, E>),
    /// The session was lost, and nothing was changed.
    Again(E),
}

/// What a transaction is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Read,
    /// Writing what must survive the machine.
    Write,
    /// Writing what need not.
    WriteLightly,
    /// Making the schema; the same twice is the same as once.
    Migrate,
}

impl Schema {
    /// Makes the schema, or brings it to the newest version.
    pub fn open(kind: &Kind, server: &Arc<Server>) -> Result<Self, Error> {
        let schema = Self {
            what: kind.what,
            name: format!("{}_{}", server.beginning, kind.schema),
            server: Arc::clone(server),
        };
        server.check()?;
        schema.run(Purpose::Migrate, |db| schema.migrate(kind, db))?;
        Ok(schema)
    }

    pub fn write<T, E: From<Error>>(
        &self,
        light: bool,
        work: impl Fn(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let purpose = if light {
            Purpose::WriteLightly
        } else {
            Purpose::Write
        };
        self.run(purpose, work)
    }

    pub fn read<T, E: From<Error>>(&self, work: impl Fn(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        self.run(Purpose::Read, work)
    }

    pub fn time(&self, here: Timestamp) -> Timestamp {
        shifted(here, self.server.ahead())
    }

    fn run<T, E: From<Error>>(
        &self,
        purpose: Purpose,
        work: impl Fn(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (mut until, mut extended) = (Instant::now() + PATIENCE, false);
        loop {
            let began = Instant::now();
            match self.try_once(purpose, &work, until) {
                Tried::Over(done) => {
                    if done.is_ok() {
                        self.server.answers();
                    }
                    return done;
                }
                Tried::Again(_) if !extended && was_stopped(began.elapsed()) => {
                    tracing::warn!(
                        store = self.what,
                        "this process was stopped for a while; trying again"
                    );
                    (until, extended) = (Instant::now() + PATIENCE, true);
                }
                Tried::Again(error) if Instant::now() >= until => return Err(error),
                Tried::Again(_) => {
                    self.server.does_not_answer();
                    bridge::patiently(|| std::thread::sleep(PAUSE));
                }
            }
        }
    }

    fn try_once<T, E: From<Error>>(
        &self,
        purpose: Purpose,
        work: &impl Fn(&Transaction<'_>) -> Result<T, E>,
        until: Instant,
    ) -> Tried<T, E> {
        let failed = |source: Fault| self.failed(purpose, source);
        let mut lent = match self.server.session(until) {
            Ok(Some(lent)) => lent,
            Ok(None) => return Tried::Over(Err(Error::Busy { what: self.what }.into())),
            Err(Error::Server { source }) if is_passing(&source) => {
                return Tried::Again(Error::Server { source }.into());
            }
            Err(error) => return Tried::Over(Err(error.into())),
        };
        let open = match self.begin(purpose, &mut lent) {
            Ok(open) => open,
            Err(Fault::Postgres(error)) if breaks(&error) || is_exhausted(&error) => {
                return Tried::Again(failed(error.into()).into());
            }
            Err(fault) => return Tried::Over(Err(failed(fault).into())),
        };
        let done = work(&Transaction::of_postgres(self.what, attempted(purpose), &open));
        if open.is_lost() {
            let error = done.err().unwrap_or_else(|| failed(Fault::Refused).into());
            return Tried::Again(error);
        }
        let value = match done {
            Ok(value) if !open.is_refused() => value,
            other => {
                let is_exhausted = open.is_exhausted();
                if open.batch("ROLLBACK").is_ok() {
                    drop(open);
                    lent.give_back();
                }
                if is_exhausted && let Err(error) = other {
                    return Tried::Again(error);
                }
                return Tried::Over(other.and_then(|_| Err(failed(Fault::Refused).into())));
            }
        };
        match open.batch("COMMIT") {
            Ok(()) => {
                drop(open);
                lent.give_back();
                Tried::Over(Ok(value))
            }
            Err(Fault::Postgres(error)) if breaks(&error) => match purpose {
                Purpose::Read => Tried::Over(Ok(value)),
                Purpose::Migrate => Tried::Again(failed(error.into()).into()),
                Purpose::Write | Purpose::WriteLightly => match self.became_final(lent) {
                    Ok(true) => Tried::Over(Ok(value)),
                    Ok(false) => Tried::Again(failed(error.into()).into()),
                    Err(Error::Statement {
                        source: Fault::Postgres(source),
                        ..
                    }) => Tried::Over(Err(self.unknown(source).into())),
                    Err(_) => Tried::Over(Err(self.unknown(error).into())),
                },
            },
            Err(Fault::Postgres(error)) if is_exhausted(&error) => Tried::Again(failed(error.into()).into()),
            Err(fault) => Tried::Over(Err(failed(fault).into())),
        }
    }

    /// Begins a transaction, in one round trip; one that writes is alone then.
    fn begin(&self, purpose: Purpose, lent: &mut Lent) -> Result<Open, Fault> {
        let mode = match purpose {
            Purpose::Read => "REPEATABLE READ READ ONLY",
            // Each statement sees what those before us wrote who had the lock.
            _ => "READ COMMITTED READ WRITE",
        };
        let patience = PATIENCE.as_millis();
        let sql = format!(
            "BEGIN ISOLATION LEVEL {mode}; SET LOCAL search_path = {}, pg_catalog, pg_temp; \
             SET LOCAL lock_timeout = {patience}; SET LOCAL idle_in_transaction_session_timeout = {patience}",
            self.name
        );
        let session = lent.session().map_err(|_| Fault::ShuttingDown)?;
        if purpose == Purpose::Read {
            let open = Open::new(session, self.server.ahead());
            open.batch(&sql)?;
            return Ok(open);
        }
        let alone = values![self.name, purpose != Purpose::WriteLightly];
        let mark = (purpose != Purpose::Migrate).then(|| {
            let number = lent.next_write();
            values![lent.id(), number]
        });
        let before = Timestamp::now().as_millisecond();
        let carried = Arc::clone(&session);
        let begun = bridge::wait(async move {
            // Sent one behind the other, without waiting for answers.
            let begin = carried.batch(&sql);
            let lock = ask(&carried, include_str!("queries/alone.sql"), &alone);
            let marked = async {
                match &mark {
                    Some(mark) => ask(&carried, include_str!("queries/mark.sql"), mark)
                        .await
                        .map(drop),
                    None => Ok(()),
                }
            };
            let (begun, locked, marked) = tokio::join!(begin, lock, marked);
            begun?;
            let rows = locked?;
            marked?;
            Ok::<_, ostler_postgres::Error>(rows.first().map(|row| row.get::<_, i64>(1)))
        });
        let there = begun.map_err(|_| Fault::ShuttingDown)??;
        let after = Timestamp::now().as_millisecond();
        let ahead = there.map_or(0, |there| ahead_by(there, before, after));
        self.server.set_ahead(ahead);
        Ok(Open::new(session, ahead))
    }

    /// Whether the last write of a session that was lost in its COMMIT became final. Asked alone: who has the lock knows
    /// that the other transaction is over.
    fn became_final(&self, lost: Lent) -> Result<bool, Error> {
        let until = Instant::now() + ASKING;
        let asked = values![lost.id(), lost.writes()];
        // Others may need its place.
        drop(lost);
        loop {
            let answer = self.try_once(
                Purpose::Migrate,
                &|db: &Transaction<'_>| db.one(include_str!("queries/is_marked.sql"), &asked)?.get(0),
                until,
            );
            match answer {
                Tried::Over(Ok(is_final)) => return Ok(is_final),
                Tried::Over(Err(error)) | Tried::Again(error) if Instant::now() >= until => {
                    return Err(error);
                }
                // The other transaction may still be open: its server has not noticed that nobody is there any more.
                Tried::Over(Err(_)) | Tried::Again(_) => bridge::patiently(|| std::thread::sleep(PAUSE)),
            }
        }
    }

    fn unknown(&self, source: ostler_postgres::Error) -> Error {
        Error::Unknown {
            what: self.what,
            waited: ASKING,
            source,
        }
    }

    fn failed(&self, purpose: Purpose, source: Fault) -> Error {
        Error::Statement {
            attempted: attempted(purpose),
            what: self.what,
            source,
        }
    }

    fn migrate(&self, kind: &Kind, db: &Transaction<'_>) -> Result<(), Error> {
        let named = values![self.name];
        let row = db.one(include_str!("queries/schema_exists.sql"), &named)?;
        let (exists, ours, used): (bool, bool, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if used && !ours {
            return Err(Error::Foreign {
                what: self.what,
                place: self.place(),
            });
        }
        if !exists {
            db.batch(&format!("CREATE SCHEMA {}", self.name))?;
        }
        if !ours {
            db.batch(include_str!("queries/history.sql"))?;
        }
        let newest = db.optional(include_str!("queries/newest_version.sql"), &[])?;
        let found: u32 = newest.as_ref().map_or(Ok(0), |row| row.get(0))?;
        let known = kind.postgres.len() as u32;
        if found > known {
            return Err(Error::NewerSchema {
                what: self.what,
                place: self.place(),
                found,
                known,
                written_by: newest.map_or(Ok(String::new()), |row| row.get(1))?,
            });
        }
        for (sql, version) in kind.postgres.iter().zip(1u32..).skip(found as usize) {
            db.batch(sql)?;
            db.execute(
                include_str!("queries/record_migration.sql"),
                &values![version, kind.program],
            )?;
        }
        db.execute(include_str!("queries/forget_writers.sql"), &[])?;
        Ok(())
    }

    fn place(&self) -> String {
        format!("{} schema {}", self.server.name(), self.name)
    }
}

/// Whether a try used up all patience because this process was stopped, or its machine slept. One that ends with the deadline
/// of a statement waited for a server that hangs.
fn was_stopped(took: Duration) -> bool {
    const SLACK: Duration = Duration::from_millis(500);
    took > PATIENCE && !(DEADLINE..DEADLINE + SLACK).contains(&took)
}

/// By how much a clock is at least ahead of ours that showed this between two times of ours; negative when it is behind.
fn ahead_by(there: i64, before: i64, after: i64) -> i64 {
    there - there.clamp(before, after.max(before))
}

async fn ask(
    session: &ostler_postgres::Connection,
    sql: &str,
    values: &[Value],
) -> Result<Vec<ostler_postgres::Row>, ostler_postgres::Error> {
    session
        .query(&statement::translated(sql), &statement::parameters(values))
        .await
}

fn attempted(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Read => "read",
        Purpose::Write | Purpose::WriteLightly => "write",
        Purpose::Migrate => "open",
    }
}

/// Whether a server that could not be reached may be reached soon.
fn is_passing(error: &ostler_postgres::Error) -> bool {
    use ostler_vocabulary::{Classified as _, ErrorKind};
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ahead_by, was_stopped};

    #[test]
    fn a_slow_answer_is_no_difference_of_clocks() {
        for (there, expected) in [(100, 0), (5000, 0), (9000, 0), (12_000, 3000), (40, -60)] {
            assert_eq!(ahead_by(there, 100, 9000), expected, "{there}");
        }
    }

    #[test]
    fn a_process_that_was_stopped_is_told_from_a_server_that_hangs() {
        for (took, expected) in [
            (19.0, false),
            (21.0, true),
            (30.1, false),
            (31.0, true),
            (48.0, true),
        ] {
            assert_eq!(was_stopped(Duration::from_secs_f64(took)), expected, "{took}");
        }
    }
}
