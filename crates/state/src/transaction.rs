//! What the statements of a store run in.

use std::path::Path;

use ostler_vocabulary::Timestamp;

use crate::postgres::{Open, statement};
use crate::{Error, Fault, Row, Value, sqlite};

/// A transaction. It ends with the call that gave it.
///
/// Statements are in SQL that both databases understand, with parameters `?1`, `?2`, …; where they differ,
/// [`Transaction::is_postgres`] tells which one is asked.
#[derive(Debug)]
pub struct Transaction<'a> {
    what: &'static str,
    attempted: &'static str,
    way: Way<'a>,
}

#[derive(Debug)]
enum Way<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a Open),
}

impl<'a> Transaction<'a> {
    pub(crate) fn of_sqlite(
        what: &'static str,
        attempted: &'static str,
        db: &'a rusqlite::Connection,
    ) -> Self {
        Self {
            what,
            attempted,
            way: Way::Sqlite(db),
        }
    }

    pub(crate) fn of_postgres(what: &'static str, attempted: &'static str, open: &'a Open) -> Self {
        Self {
            what,
            attempted,
            way: Way::Postgres(open),
        }
    }

    /// Whether statements are for PostgreSQL.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self.way, Way::Postgres(_))
    }

    /// Changes rows; how many.
    ///
    /// # Errors
    /// [`Error::Statement`]
    pub fn execute(&self, sql: &str, values: &[Value]) -> Result<usize, Error> {
        self.named(match self.way {
            Way::Sqlite(db) => sqlite::execute(db, sql, values),
            Way::Postgres(open) => open.execute(sql, values),
        })
    }

    /// All rows.
    ///
    /// # Errors
    /// [`Error::Statement`]
    pub fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        match self.way {
            Way::Sqlite(db) => self.named(sqlite::query(db, self.what, sql, values)),
            Way::Postgres(open) => {
                let rows = self.named(open.query(sql, values))?;
                rows.iter().map(|row| statement::row(self.what, row)).collect()
            }
        }
    }

    /// Several statements of PostgreSQL without parameters.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), Error> {
        match self.way {
            Way::Sqlite(_) => Ok(()),
            Way::Postgres(open) => self.named(open.batch(sql)),
        }
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// [`Error::Statement`]
    pub fn optional(&self, sql: &str, values: &[Value]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// The row that there always is.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::NoRow`]
    pub fn one(&self, sql: &str, values: &[Value]) -> Result<Row, Error> {
        self.optional(sql, values)?
            .ok_or(Error::NoRow { what: self.what })
    }

    /// A time of this machine's clock by the clock that all who share the database have in common. In a file it is the same.
    /// In PostgreSQL it is the server's where that differs by a second or more: so whether somebody has been silent for too
    /// long does not hang on how well the clocks of several machines agree.
    #[must_use]
    pub fn time(&self, here: Timestamp) -> Timestamp {
        match self.way {
            Way::Sqlite(_) => here,
            Way::Postgres(open) => open.time(here),
        }
    }

    fn named<T>(&self, done: Result<T, Fault>) -> Result<T, Error> {
        done.map_err(|source| match (&self.way, source) {
            (Way::Sqlite(db), Fault::Sqlite(source)) => {
                let path = db.path().unwrap_or_default();
                sqlite::refused(self.attempted, self.what, Path::new(path), source)
            }
            (_, source) => Error::Statement {
                attempted: self.attempted,
                what: self.what,
                source,
            },
        })
    }
}
