//! CrateDB, from release 5 on, over HTTP.
//!
//! It has no transactions: each statement stands for itself, and changes of our own rows are made only if the row is as it was read
//! (`_seq_no`, `_primary_term`). What was written is found by others after `REFRESH TABLE`.

mod archive;
mod audit;
mod batch;
mod catalogue;
mod definitions;
mod erase;
mod lease;
mod leaving;
mod materialize;
mod measure;
mod partition;
mod policies;
mod query;
mod reallocate;
mod rollup;
mod rows;
mod snapshot;
mod span;
mod statement;
mod tables;
mod together;
mod whereabouts;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ostler_api::document::{PolicyChanged, RetentionEntry, RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::{Pace, Policy, Strategy, TableName, UndoItem, UndoProof, UndoWork};
use ostler_api::tables::{Defined, DefinitionKind, TableItem, TableProof, Tables, TablesWork};
use ostler_cratedb::quote::identifier;
use ostler_cratedb::{Answer, Client, Error as ServerError, Target as Place};
use ostler_operations::Operation;
use ostler_store::Store;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use serde_json::Value;

use crate::archive::Shelves;
use crate::class::ClassKey;
use crate::facts::Table;
use crate::item::{begun, goes_on, key, too_many};
use crate::strategy::{Besides, Target, Task, problem};
use crate::{Database, Error, Measured, fault};
use batch::Batch;
use lease::Held;
use statement::{Bound, about_partition, about_rows_of, fill, quoted};

/// A CrateDB cluster with its policies.
#[derive(Debug, Clone)]
pub struct CrateDb {
    client: Client,
    /// The schema of policies.
    schema: String,
    /// The lease of this runner.
    lease: Arc<Mutex<Option<Held>>>,
}

impl CrateDb {
    /// Prepares; nobody is asked yet.
    ///
    /// # Errors
    /// Those of [`Client::new`].
    pub fn open(place: &Place, schema: &str) -> Result<Self, Failure> {
        Ok(Self {
            client: Client::new(place)?,
            schema: schema.to_owned(),
            lease: Arc::default(),
        })
    }

    async fn ask(&self, statement: &Bound) -> Result<Answer, ServerError> {
        self.client.execute(&statement.sql, &statement.args).await
    }

    /// Runs a statement about our own tables.
    async fn own(&self, template: &str, args: &[Value]) -> Result<Answer, ServerError> {
        let sql = fill(template, &[("schema", &identifier(&self.schema))]);
        self.client.execute(&sql, args).await
    }

    /// The only number of an answer.
    async fn number(&self, statement: &Bound) -> Result<u64, Failure> {
        let answer = self.ask(statement).await?;
        let found = answer
            .rows
            .first()
            .and_then(|row| row.first())
            .and_then(Value::as_u64);
        Ok(found.ok_or_else(|| self.client.unexpected(&statement.sql, "no number"))?)
    }

    /// Makes what was written to a table visible.
    async fn refresh(&self, table: &TableName) -> Result<(), Failure> {
        let sql = fill(
            include_str!("queries/refresh_table.sql"),
            &[("table", &quoted(table))],
        );
        self.client.execute(&sql, &[]).await?;
        Ok(())
    }
}

/// What is wrong with one item, apart from what ends the operation: a server that is gone, a lease that is lost.
fn of_item<T>(result: Result<T, Failure>) -> Result<Result<T, RetentionProblem>, Failure> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(failure) if failure.kind().is_transient() => Err(failure),
        Err(failure) if matches!(failure.kind(), ErrorKind::Cancelled | ErrorKind::Busy) => Err(failure),
        Err(failure) => Ok(Err(problem(failure.kind(), failure.messages().join(": ")))),
    }
}

impl CrateDb {
    /// What is wrong with one table, as long as the cluster answers: also what may pass, such as a shard that is missing.
    async fn of_table<T>(&self, result: Result<T, Failure>) -> Result<Result<T, RetentionProblem>, Failure> {
        match result {
            Err(failure) if failure.kind().is_transient() => Ok(Err(fault::of_policy(self, failure).await?)),
            other => of_item(other),
        }
    }
}

#[async_trait]
impl Database for CrateDb {
    fn name(&self) -> String {
        self.client.name()
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[
            Strategy::Drop,
            Strategy::Delete,
            Strategy::KeepLast,
            Strategy::Archive,
            Strategy::Downsample,
            Strategy::Reallocate,
            Strategy::Snapshot,
        ]
    }

    fn class_key(&self, strategy: Strategy) -> Option<ClassKey> {
        match strategy {
            Strategy::Reallocate => Some(ClassKey::Attribute),
            Strategy::Snapshot => Some(ClassKey::Repository),
            _ => None,
        }
    }

    async fn policies(&self) -> Result<Vec<Policy>, Failure> {
        let rows = self.read_policies().await?;
        Ok(rows.into_iter().map(|row| row.policy).collect())
    }

    async fn change(&self, changes: &[PolicyChanged]) -> Result<(), Failure> {
        self.write(changes).await
    }

    async fn history(&self, limit: i64) -> Result<Vec<RetentionEntry>, Failure> {
        self.read_history(limit).await
    }

    async fn facts(&self, table: &TableName) -> Result<Option<Table>, Failure> {
        self.read_facts(table).await
    }

    async fn look_around(&self, facts: Table, policy: &Policy) -> Result<Table, Failure> {
        self.look_for(facts, policy).await
    }

    async fn measure(&self, table: &TableName, target: &Target) -> Result<Measured, Failure> {
        let mut all = self.measure_all(&[(table, target)]).await?;
        Ok(all.pop().unwrap_or_default())
    }

    async fn measure_all(&self, items: &[(&TableName, &Target)]) -> Result<Vec<Measured>, Failure> {
        let mut all = vec![Measured::default(); items.len()];
        self.measure_partitions(items, &mut all).await?;
        for (index, (table, target)) in items.iter().enumerate() {
            match target {
                Target::Values { .. } => {}
                Target::Rows { .. } => {
                    self.refresh(table).await?;
                    let statement = self.measuring(table, target)?;
                    let answer = self.ask(&statement).await?;
                    let row = answer.rows.first().map(Vec::as_slice).unwrap_or_default();
                    all[index] = self.measured(row, target.column().1, &statement)?;
                }
                Target::Partition { .. } | Target::Room { .. } => return Err(Error::ForeignPlan.into()),
            }
        }
        Ok(all)
    }

    async fn count(&self, table: &TableName) -> Result<u64, Failure> {
        self.refresh(table).await?;
        self.number(&Bound {
            sql: fill(include_str!("queries/count.sql"), &[("table", &quoted(table))]),
            args: Vec::new(),
        })
        .await
    }

    fn statements(&self, facts: &Table, table: &TableName, task: &Task) -> Vec<String> {
        match &task.target {
            Target::Values { table, partition, .. } => {
                let block = include_str!("queries/block.sql");
                let block = about_partition(block, table, partition, &[("blocked", "true")]).written();
                let drop = about_rows_of(include_str!("queries/drop.sql"), table, partition).written();
                match &task.besides {
                    None if task.shelf.is_some() => {
                        vec![block, archive::shown(table, &task.target), drop]
                    }
                    None => [vec![block], self.proving(facts, task), vec![drop]].concat(),
                    Some(Besides::Tablespace { .. }) => Vec::new(),
                    Some(Besides::Reallocate { attribute, value }) => {
                        vec![reallocate::requiring(table, partition, attribute, value).written()]
                    }
                    Some(Besides::Snapshot { repository }) => {
                        let name = snapshot::name(table, partition, "OPERATION");
                        let make = snapshot::making(repository, &name, table, partition).written();
                        vec![block, make, drop]
                    }
                }
            }
            target @ Target::Rows { .. } if task.shelf.is_some() => {
                vec![archive::shown(table, target), archive::removing(table, &[])]
            }
            target @ Target::Rows { .. } => rows::statement(table, target)
                .map(|statement| statement.written())
                .into_iter()
                .collect(),
            Target::Partition { .. } | Target::Room { .. } => Vec::new(),
        }
    }

    async fn exclude_others(&self, op: &Operation) -> Result<(), Failure> {
        self.take_lease(&op.id().to_string()).await
    }

    async fn close(self: Box<Self>) {
        if let Err(error) = self.give_lease_back().await {
            tracing::warn!(%error, "the lease of retention runs out by itself");
        }
    }

    async fn database(&self) -> Result<String, Failure> {
        self.cluster().await
    }

    async fn bring_back(
        &self,
        op: &Operation,
        work: &UndoWork,
        files: &[&UndoItem],
        archive: (&str, &dyn Store),
        _: Pace,
    ) -> Result<Vec<UndoProof>, Failure> {
        self.bring_archive_back(op, work, files, archive).await
    }

    async fn left_over(&self, item: &RetentionItem) -> Result<Option<(String, String)>, Failure> {
        self.left_partition(item).await
    }

    async fn remove(
        &self,
        op: &Operation,
        item: &RetentionItem,
        pace: Pace,
        shelves: &dyn Shelves,
    ) -> Result<RetentionProof, Failure> {
        let task: Task = serde_json::from_value(item.detail.clone()).map_err(|error| {
            Failure::new(
                ErrorKind::Unsupported,
                format!("the plan cannot be read: {error}"),
            )
        })?;
        let proof = match &task.target {
            target @ Target::Values { .. }
                if let Some(Besides::Reallocate { attribute, value }) = &task.besides =>
            {
                self.reallocate(op, item, target, (attribute, value)).await?
            }
            Target::Values { .. } if matches!(task.besides, Some(Besides::Tablespace { .. })) => {
                return Err(Error::ForeignPlan.into());
            }
            Target::Values { .. } => self.remove_partition(op, item, &task, shelves).await?,
            Target::Rows { .. } if let Some(proven) = &task.proven => {
                self.remove_summed(op, item, (&task.target, proven)).await?
            }
            Target::Rows { .. } if task.shelf.is_some() => {
                self.archive_rows(op, item, &task, pace, shelves).await?
            }
            Target::Rows { .. } => self.remove_rows(op, item, &task.target, pace).await?,
            Target::Partition { .. } | Target::Room { .. } => return Err(Error::ForeignPlan.into()),
        };
        op.step("record")
            .key(key(item))
            .retries(3)
            .run(|_| async { self.record(op, item, &proof).await })
            .await?;
        Ok(proof)
    }

    fn together(&self, items: &[RetentionItem]) -> usize {
        Batch::of(items).map_or(1, |batch| batch.len())
    }

    async fn remove_together(
        &self,
        op: &Operation,
        items: &[RetentionItem],
        pace: Pace,
        shelves: &dyn Shelves,
    ) -> Result<Vec<RetentionProof>, Failure> {
        match (Batch::of(items), items) {
            (Some(batch), _) if batch.len() == items.len() => self.remove_batch(op, items, &batch).await,
            (_, [item]) => Ok(vec![self.remove(op, item, pace, shelves).await?]),
            _ => Err(Error::ForeignPlan.into()),
        }
    }

    async fn definitions(&self, kind: DefinitionKind) -> Result<Vec<Defined>, Failure> {
        self.read_definitions(kind).await
    }

    async fn define(&self, defined: &Defined) -> Result<Vec<String>, Failure> {
        self.make_definition(defined).await
    }

    async fn undefine(&self, defined: &Defined, with_data: bool) -> Result<Vec<String>, Failure> {
        self.unmake_definition(defined, with_data).await
    }

    async fn plan_work(&self, request: &mut Tables, now: Timestamp) -> Result<TablesWork, Failure> {
        self.plan_tables(request, now).await
    }

    async fn do_work(
        &self,
        op: &Operation,
        request: &Tables,
        item: &TableItem,
    ) -> Result<TableProof, Failure> {
        self.do_tables(op, request, item).await
    }
}
