//! A statement of a user, as an operation. There are no transactions: that it begins is written down before, and what came of it
//! after. One that was cut off in between is not run again, and the report says that nobody knows.

use ostler_api::tables::{Evidence, RunQuery, TableItem, TableProof, TablesWork};
use ostler_operations::Operation;
use ostler_vocabulary::{ErrorKind, Failure, Unit};
use serde_json::Value;

use super::audit::UNFINISHED;
use super::statement::fill;
use super::{CrateDb, of_item};
use crate::item::planned;
use crate::query::Running;
use crate::tables::begun;

/// What `EXPLAIN` takes.
const EXPLAINED: &[&str] = &["select", "with", "insert", "values"];

impl CrateDb {
    /// What would be run. The server is asked whether it understands it, where it can be, and runs nothing.
    pub(super) async fn plan_query(&self, request: &RunQuery) -> Result<TablesWork, Failure> {
        let running = Running::of(self, request).await?;
        let statement = running.statement()?;
        let first: String = statement.chars().take_while(char::is_ascii_alphabetic).collect();
        let mut notes = Vec::new();
        if EXPLAINED.contains(&first.to_ascii_lowercase().as_str()) {
            let explain = fill(include_str!("queries/explain.sql"), &[("statement", &statement)]);
            self.client.execute(&explain, &[]).await?;
        } else {
            notes.push("the server says only when it runs whether it understands this".to_owned());
        }
        Ok(TablesWork {
            database: self.client.name(),
            items: vec![running.item(request)?],
            notes,
        })
    }

    pub(super) async fn run_query(
        &self,
        op: &Operation,
        item: &TableItem,
        name: &str,
    ) -> Result<TableProof, Failure> {
        let running: Running = planned(&item.detail)?;
        let statement = running.statement()?;
        let statement = statement.as_str();
        let mut proof = begun(item);
        let run = |_| async move { of_item(self.run_once(op, item, name, statement).await) };
        let ran: Result<u64, _> = op
            .step("run")
            .key(&item.object)
            .unit(Unit::Rows)
            .leaves("what the statement did stays done")
            .run(run)
            .await?;
        match ran {
            Err(problem) => proof.problem = Some(problem),
            Ok(rows) => {
                proof.rows = rows;
                let written: Option<u64> = op
                    .step("read back")
                    .key(&item.object)
                    .retries(3)
                    .run(|_| async { self.rows_of(&entry(op, item)).await })
                    .await?;
                proof.evidence = vec![Evidence::equal(
                    "rows that it affected, as the audit of the cluster has them",
                    rows,
                    written.unwrap_or(0),
                )];
            }
        }
        Ok(proof)
    }

    /// Runs it, unless this operation has.
    async fn run_once(
        &self,
        op: &Operation,
        item: &TableItem,
        name: &str,
        statement: &str,
    ) -> Result<u64, Failure> {
        let entry = entry(op, item);
        let args = [
            entry.as_str().into(),
            item.action.as_str().into(),
            name.into(),
            item.object.as_str().into(),
            UNFINISHED.into(),
            op.id().to_string().into(),
        ];
        self.confirm_lease().await?;
        match self.own(include_str!("queries/begin_run.sql"), &args).await {
            Err(error) if error.is_duplicate_key() => {
                let ran = self.rows_of(&entry).await?;
                return ran.ok_or_else(|| {
                    let reason = "an earlier try was cut off, and it is not known whether the statement ran";
                    Failure::new(ErrorKind::Conflict, reason)
                        .with_hint("look at what it was to change; a new `ostler query run` runs it again")
                });
            }
            begun => begun?,
        };
        let answered = self.client.execute(statement, &[]).await;
        let answered = answered.map_err(Failure::from);
        let (rows, error) = match &answered {
            Ok(answer) => (u64::try_from(answer.rowcount).unwrap_or(0), Value::Null),
            // Whether it ran is not known.
            Err(failure) if failure.kind().is_transient() => (0, UNFINISHED.into()),
            Err(failure) => (0, failure.messages().join(": ").into()),
        };
        self.own(
            include_str!("queries/end_run.sql"),
            &[rows.into(), error, entry.into()],
        )
        .await?;
        answered.map(|_| rows)
    }

    /// How many rows it affected, if the audit says that it ran.
    async fn rows_of(&self, entry: &str) -> Result<Option<u64>, Failure> {
        let answer = self
            .own(include_str!("queries/run_row.sql"), &[entry.into()])
            .await?;
        Ok(match answer.rows.first().map(Vec::as_slice) {
            Some([rows, Value::Null]) => rows.as_u64(),
            _ => None,
        })
    }
}

/// By what its row of the audit is told from others.
fn entry(op: &Operation, item: &TableItem) -> String {
    format!("{} {}", op.id(), item.object)
}
