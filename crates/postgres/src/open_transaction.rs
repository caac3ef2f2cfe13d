//! A transaction of a session that several functions share.

use futures::FutureExt;

use crate::{Connection, Error};

/// An open transaction of a shared [`Connection`]: all statements of the connection belong to it until it ends. Dropping it
/// rolls it back, before any later statement of the connection; so does a future that is dropped while it holds it.
#[must_use = "dropping it rolls it back"]
#[derive(Debug)]
pub struct OpenTransaction<'a> {
    connection: &'a Connection,
    is_open: bool,
}

impl Connection {
    /// Begins a transaction by these statements, of which the first is a `BEGIN`.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::Deadline`].
    pub async fn begin(&self, statements: &str) -> Result<OpenTransaction<'_>, Error> {
        // Made first: the server may begin it although nobody waits for the answer any more.
        let transaction = OpenTransaction {
            connection: self,
            is_open: true,
        };
        self.batch(statements).await?;
        Ok(transaction)
    }
}

impl OpenTransaction<'_> {
    /// Commits it. An error of a lost session leaves open whether it was committed.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::Deadline`].
    pub async fn commit(self) -> Result<(), Error> {
        self.end("COMMIT").await
    }

    /// Rolls it back.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::Deadline`].
    pub async fn rollback(self) -> Result<(), Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, statement: &str) -> Result<(), Error> {
        let ended = self.connection.batch(statement).await;
        self.is_open = false;
        ended
    }
}

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        if self.is_open {
            // The first poll sends it; the session's own task reads the answer. A lost session has rolled back too.
            let _ = self.connection.client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}
