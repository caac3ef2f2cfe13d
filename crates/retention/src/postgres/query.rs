//! A statement of a user, as an operation: once, in a transaction that also writes what came of it.

use ostler_api::tables::{Evidence, RunQuery, TableItem, TableProof, TablesWork};
use ostler_operations::Operation;
use ostler_postgres::Type;
use ostler_vocabulary::{Failure, Unit};

use super::{Postgres, of_item, planned};
use crate::Database;
use crate::query::Running;
use crate::tables::begun;

impl Postgres {
    /// What would be run. The server is asked whether it understands it, and runs nothing.
    pub(super) async fn plan_query(&self, request: &RunQuery) -> Result<TablesWork, Failure> {
        let running = Running::of(self, request).await?;
        self.understood(&running.statement()?).await?;
        Ok(TablesWork {
            database: self.name(),
            items: vec![running.item(request)?],
            notes: Vec::new(),
        })
    }

    /// Whether the server understands a statement.
    pub(super) async fn understood(&self, statement: &str) -> Result<(), Failure> {
        let work = async {
            self.as_the_user_would().await?;
            let prepared = self.session.client().prepare(statement).await;
            prepared.map_err(|error| self.session.failed(statement, error))?;
            Ok(())
        };
        self.all_or_none(include_str!("queries/begin_reading.sql"), work)
            .await
    }

    pub(super) async fn run_query(&self, op: &Operation, item: &TableItem) -> Result<TableProof, Failure> {
        let running: Running = planned(&item.detail)?;
        let statement = running.statement()?;
        self.run_noted(
            op,
            item,
            ("run", "what the statement did stays done"),
            (include_str!("queries/begin_user_statement.sql"), &statement),
        )
        .await
    }

    /// Runs a statement in a transaction of its own, which begins with `begin` and also notes what it affected: once,
    /// however often its step is.
    pub(super) async fn run_noted(
        &self,
        op: &Operation,
        item: &TableItem,
        (step, leaves): (&str, &str),
        (begin, statement): (&str, &str),
    ) -> Result<TableProof, Failure> {
        let mut proof = begun(item);
        let run = |_| async move { of_item(self.run_once(op, item, begin, statement).await) };
        let ran: Result<u64, _> = op
            .step(step)
            .key(&item.object)
            .unit(Unit::Rows)
            .leaves(leaves)
            .run(run)
            .await?;
        match ran {
            Err(problem) => proof.problem = Some(problem),
            Ok(rows) => {
                proof.rows = rows;
                let written = op
                    .step("read back")
                    .key(&item.object)
                    .retries(3)
                    .run(|_| async { self.rows_of(op, item).await })
                    .await?;
                let written: Option<u64> = written;
                proof.evidence = vec![Evidence::equal(
                    "rows that it affected, as its transaction wrote them",
                    rows,
                    written.unwrap_or(0),
                )];
            }
        }
        op.step("forget")
            .key(&item.object)
            .retries(3)
            .run(|_| async { self.forget_rows(op, item).await })
            .await?;
        Ok(proof)
    }

    /// Runs it, unless this operation has. The statement and the note of it are one transaction.
    async fn run_once(
        &self,
        op: &Operation,
        item: &TableItem,
        begin: &str,
        statement: &str,
    ) -> Result<u64, Failure> {
        let work = async {
            self.prepare().await?;
            if let Some(rows) = self.rows_of(op, item).await? {
                return Ok(rows);
            }
            self.as_the_user_would().await?;
            let rows = self.session.execute(statement, &[]).await?;
            self.session.batch(include_str!("queries/path_own.sql")).await?;
            let (operation, number) = (op.id().to_string(), i64::try_from(rows).unwrap_or(i64::MAX));
            let parameters = [
                (&operation as _, Type::TEXT),
                (&item.object as _, Type::TEXT),
                (&number as _, Type::INT8),
            ];
            let add = self.own(include_str!("queries/add_progress.sql"));
            self.session.execute(&add, &parameters).await?;
            Ok(rows)
        };
        self.all_or_none(begin, work).await
    }

    /// What this operation's statement affected, if it was run.
    async fn rows_of(&self, op: &Operation, item: &TableItem) -> Result<Option<u64>, Failure> {
        let operation = op.id().to_string();
        let parameters = [(&operation as _, Type::TEXT), (&item.object as _, Type::TEXT)];
        let rows = self
            .session
            .query(&self.own(include_str!("queries/progress_row.sql")), &parameters)
            .await?;
        Ok(rows
            .first()
            .map(|row| u64::try_from(row.get::<_, i64>(0)).unwrap_or(0)))
    }

    async fn forget_rows(&self, op: &Operation, item: &TableItem) -> Result<(), Failure> {
        let operation = op.id().to_string();
        let parameters = [(&operation as _, Type::TEXT), (&item.object as _, Type::TEXT)];
        let forget = self.own(include_str!("queries/forget_progress.sql"));
        self.session.execute(&forget, &parameters).await?;
        Ok(())
    }
}
