//! A transaction of a session.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use ostler_postgres::Connection;
use ostler_vocabulary::Timestamp;

use super::{bridge, statement};
use crate::{Fault, Value};

/// A clock that differs by less is taken for the same.
pub(super) const AGREES: i64 = 1000;

/// A transaction of a session.
pub(crate) struct Open {
    session: Arc<Connection>,
    /// By how many milliseconds the server's clock is ahead of this machine's.
    ahead: i64,
    /// Whether the session is lost, and with it the transaction.
    lost: Cell<bool>,
    /// Whether a statement was refused: nothing of the transaction can become final.
    refused: Cell<bool>,
    /// Whether the server has no room for it now.
    exhausted: Cell<bool>,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Open({:?})", self.session)
    }
}

impl Open {
    pub fn new(session: Arc<Connection>, ahead: i64) -> Self {
        Self {
            session,
            ahead,
            lost: Cell::new(false),
            refused: Cell::new(false),
            exhausted: Cell::new(false),
        }
    }

    pub fn execute(&self, sql: &str, values: &[Value]) -> Result<usize, Fault> {
        let (sql, values) = (statement::translated(sql), statement::kept(values));
        let changed =
            self.carry_out(
                |session| async move { session.execute(&sql, &statement::parameters(&values)).await },
            )?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<ostler_postgres::Row>, Fault> {
        let (sql, values) = (statement::translated(sql), statement::kept(values));
        self.carry_out(|session| async move { session.query(&sql, &statement::parameters(&values)).await })
    }

    /// Several statements without parameters.
    pub fn batch(&self, sql: &str) -> Result<(), Fault> {
        let sql = sql.to_owned();
        self.carry_out(|session| async move { session.batch(&sql).await })
    }

    pub fn time(&self, here: Timestamp) -> Timestamp {
        shifted(here, self.ahead)
    }

    pub fn is_lost(&self) -> bool {
        self.lost.get()
    }

    pub fn is_refused(&self) -> bool {
        self.refused.get()
    }

    /// Whether the server refused a statement for want of disk, memory or sessions: the same may succeed soon.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted.get()
    }

    fn carry_out<T: Send + 'static, F>(&self, work: impl FnOnce(Arc<Connection>) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, ostler_postgres::Error>> + Send + 'static,
    {
        let done = bridge::wait(work(Arc::clone(&self.session))).map_err(|_| Fault::ShuttingDown)?;
        done.map_err(|error| {
            self.refused.set(true);
            if breaks(&error) {
                self.lost.set(true);
            }
            if is_exhausted(&error) {
                self.exhausted.set(true);
            }
            error.into()
        })
    }
}

/// Whether the session is of no use any more.
pub(super) fn breaks(error: &ostler_postgres::Error) -> bool {
    error.is_lost() || matches!(error, ostler_postgres::Error::Deadline { .. })
}

/// Whether the server has no disk, memory or sessions left: class 53 of SQLSTATE.
pub(super) fn is_exhausted(error: &ostler_postgres::Error) -> bool {
    error.sqlstate().is_some_and(|code| code.starts_with("53"))
}

/// A time by the server's clock.
pub(super) fn shifted(here: Timestamp, ahead: i64) -> Timestamp {
    if ahead.abs() < AGREES {
        return here;
    }
    Timestamp::from_millisecond(here.as_millisecond().saturating_add(ahead)).unwrap_or(here)
}

#[cfg(test)]
mod tests {
    use ostler_vocabulary::Timestamp;

    use super::shifted;

    #[test]
    fn a_clock_that_is_off_by_a_second_or_more_is_corrected() {
        let at = |ms| Timestamp::from_millisecond(ms).expect("a time");
        for (ahead, expected) in [(0, 5000), (999, 5000), (-999, 5000), (1000, 6000), (-4000, 1000)] {
            assert_eq!(shifted(at(5000), ahead), at(expected), "{ahead}");
        }
    }
}
