//! Reading of tables that are not ours: locks on them are waited for, and what is wrong with one of them is told from a session that
//! is gone.

use std::sync::atomic::Ordering;

use ostler_api::document::RetentionProblem;
use ostler_postgres::{Parameter, Row};
use ostler_vocabulary::Failure;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::patience::Patience;
use super::{Postgres, of_item};
use crate::fault;

impl Postgres {
    /// Reads from a table of others. A lock is waited for in short tries, so that nobody waits for us.
    pub(super) async fn read(
        &self,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let mut patience = Patience::new(self.lock_wait.load(Ordering::Relaxed));
        loop {
            match self.session.query(statement, parameters).await {
                Ok(rows) => return Ok(rows),
                Err(error) => patience.after(error, &CancellationToken::new()).await?,
            }
        }
    }

    /// The one row that a statement of a table of others gives.
    pub(super) async fn read_one(&self, statement: &str) -> Result<Row, Failure> {
        let mut rows = self.read(statement, &[]).await?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            _ => Err(self.session.unexpected(statement, "not one row").into()),
        }
    }

    /// A document for each row.
    pub(super) async fn documents<T: DeserializeOwned>(
        &self,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<T>, Failure> {
        let rows = self.session.query(statement, parameters).await?;
        self.documents_of(statement, &rows)
    }

    /// The documents that rows are.
    pub(super) fn documents_of<T: DeserializeOwned>(
        &self,
        statement: &str,
        rows: &[Row],
    ) -> Result<Vec<T>, Failure> {
        rows.iter()
            .map(|row| {
                let read = serde_json::from_str(row.get(0));
                Ok(read.map_err(|error| {
                    let reason = format!("JSON that is not as promised: {error}");
                    self.session.unexpected(statement, reason)
                })?)
            })
            .collect()
    }

    /// What is wrong with one table, as long as the session is there: also what may pass, such as a server behind a foreign table
    /// that does not answer.
    pub(super) async fn of_table<T>(
        &self,
        result: Result<T, Failure>,
    ) -> Result<Result<T, RetentionProblem>, Failure> {
        match result {
            Err(failure) if failure.kind().is_transient() => Ok(Err(fault::of_policy(self, failure).await?)),
            other => of_item(other),
        }
    }
}
