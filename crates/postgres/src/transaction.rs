//! Statements that all happen or none.

use tokio_postgres::Row;

use crate::connection::Session;
use crate::{Error, Parameter};

/// A transaction of a [`crate::Connection`]. Dropping it rolls it back.
pub struct Transaction<'a> {
    inner: tokio_postgres::Transaction<'a>,
    session: Session,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(inner: tokio_postgres::Transaction<'a>, session: Session) -> Self {
        Self { inner, session }
    }

    /// All rows.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::Deadline`].
    pub async fn query(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Error> {
        let work = self.inner.query_typed(statement, parameters);
        self.session.run(self.inner.client(), statement, work).await
    }

    /// The one row.
    ///
    /// # Errors
    /// Also [`Error::Row`] when there is not exactly one.
    pub async fn one(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Row, Error> {
        let rows = self.query(statement, parameters).await?;
        self.session.only(statement, rows)
    }

    /// How many rows were changed.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::Deadline`].
    pub async fn execute(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<u64, Error> {
        let work = self.inner.execute_typed(statement, parameters);
        self.session.run(self.inner.client(), statement, work).await
    }

    /// Any number of statements, without parameters and results.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::Deadline`].
    pub async fn batch(&self, statements: &str) -> Result<(), Error> {
        let work = self.inner.batch_execute(statements);
        self.session.run(self.inner.client(), statements, work).await
    }

    /// The library's transaction, for what has no method here. Errors are to be named by [`Self::failed`].
    #[must_use]
    pub fn inner(&self) -> &tokio_postgres::Transaction<'a> {
        &self.inner
    }

    /// A library's error with the name of this connection and the head of the statement.
    #[must_use]
    pub fn failed(&self, statement: &str, source: tokio_postgres::Error) -> Error {
        self.session.statement(statement, source)
    }

    /// A row that is not what the statement promises.
    #[must_use]
    pub fn unexpected(&self, statement: &str, reason: impl Into<String>) -> Error {
        self.session.unexpected(statement, reason)
    }

    /// Makes it all happen. An error of a lost session leaves open whether it did.
    ///
    /// # Errors
    /// [`Error::Statement`].
    pub async fn commit(self) -> Result<(), Error> {
        let session = self.session;
        let done = self.inner.commit().await;
        done.map_err(|source| session.statement("COMMIT", source))
    }

    /// Makes none of it happen.
    ///
    /// # Errors
    /// [`Error::Statement`].
    pub async fn rollback(self) -> Result<(), Error> {
        let session = self.session;
        let done = self.inner.rollback().await;
        done.map_err(|source| session.statement("ROLLBACK", source))
    }
}
