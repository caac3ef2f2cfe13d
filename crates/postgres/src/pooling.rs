//! Whether a pooler between us and the server lends server processes out by transaction.

use std::time::Duration;

use crate::{Connection, Error, Options, Target};

const PROCESS: &str = "SELECT pg_catalog.pg_backend_pid()";
/// A pooler of sessions with none to spare lets the second connection wait.
const PATIENCE: Duration = Duration::from_secs(2);

impl Connection {
    /// Whether one server process serves this connection as long as it is open. Behind a pooler of transactions none does: what
    /// a session keeps – its locks, LISTEN, settings – stays with a process that the next client is given.
    ///
    /// A second connection to the same target tells: it is given the process that idles for the first one, or the first one gets
    /// another when it asks again. Where no second connection is to be had, the answer is yes.
    ///
    /// # Errors
    /// This connection's [`Error::Statement`], [`Error::Deadline`].
    pub async fn keeps_its_process(&self, target: &Target) -> Result<bool, Error> {
        let options = Options {
            statement_timeout: Some(PATIENCE),
            ..Options::default()
        };
        let first = self.process().await?;
        let Ok(other) = Self::open(target, &options).await else {
            return Ok(true);
        };
        let others = other.process().await.ok();
        // Twice: of two processes that are lent out in turn, the second time it is not the first one.
        let kept = others != Some(first) && self.process().await? == first && self.process().await? == first;
        // Not closed, which would wait for the statement that is waited for.
        drop(other);
        Ok(kept)
    }

    async fn process(&self) -> Result<i32, Error> {
        Ok(self.one(PROCESS, &[]).await?.get(0))
    }
}
