//! PostgreSQL, from release 13 on.

mod ahead;
mod archive;
mod archived_rows;
mod brief;
mod catalogue;
mod delete;
mod detach;
mod erase;
mod leaving;
mod materialize;
mod patience;
mod policies;
mod query;
mod reading;
mod relocate;
mod rollup;
mod statement;
mod sweep;
mod tables;
mod undo;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use ostler_api::document::{PolicyChanged, RetentionEntry, RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::{Pace, Policy, Strategy, TableName, UndoItem, UndoProof, UndoWork};
use ostler_api::tables::{Defined, DefinitionKind, TableItem, TableProof, Tables, TablesWork};
use ostler_operations::Operation;
use ostler_postgres::{Connection, Options, Target as Place, Type};
use ostler_store::Store;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use crate::archive::Shelves;
use crate::class::ClassKey;
use crate::facts::Table;
use crate::item::{begun, detail_of, key, one_line, planned, too_many};
use crate::strategy::{Besides, Target, Task, problem};
use crate::{Database, Error, Measured};
use statement::{Naming, condition, fill, measuring, quoted, ranked};

/// How often, 300 ms each, it is tried to be the only runner.
const LOCK_TRIES: u32 = 5;

/// A PostgreSQL database with its policies, by one session.
#[derive(Debug, Clone)]
pub struct Postgres {
    session: Arc<Connection>,
    place: Place,
    /// The schema of policies.
    schema: String,
    /// How long locks are waited for while tables are looked at, in milliseconds.
    lock_wait: Arc<AtomicU64>,
}

impl Postgres {
    /// Connects. A pooler between us and the server has to keep the session: advisory locks are the session's.
    ///
    /// # Errors
    /// Those of [`Connection::open`].
    pub async fn open(place: &Place, schema: &str) -> Result<Self, Failure> {
        let options = Options {
            application_name: Some("ostler retention".to_owned()),
            statement_timeout: None,
        };
        let session = Connection::open(place, &options).await?;
        session.batch(include_str!("queries/settings.sql")).await?;
        Ok(Self {
            session: Arc::new(session),
            place: place.clone(),
            schema: schema.to_owned(),
            lock_wait: Arc::new(AtomicU64::new(Pace::default().lock_wait_ms)),
        })
    }

    /// The same with a session that is not lost, as the only runner. It begins when the server has ended the lost one.
    async fn live(&self) -> Result<Self, Failure> {
        if !self.session.is_closed() {
            return Ok(self.clone());
        }
        let live = Self::open(&self.place, &self.schema).await?;
        live.become_only_runner().await?;
        Ok(live)
    }

    async fn become_only_runner(&self) -> Result<(), Failure> {
        // The server may still be ending the session of one that was killed.
        for _ in 0..LOCK_TRIES {
            match self
                .session
                .query(include_str!("queries/exclude_others.sql"), &[])
                .await
            {
                Ok(_) => return Ok(()),
                Err(error) if error.sqlstate() == Some("55P03") => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Busy {
            database: self.name(),
        }
        .into())
    }

    /// What became of an item, in the audit of the database.
    async fn record(
        &self,
        op: &Operation,
        item: &RetentionItem,
        proof: &RetentionProof,
    ) -> Result<(), Failure> {
        let error = proof.problem.as_ref().map(|problem| problem.reason.clone());
        let of = (item.action.as_str(), item.policy.as_str(), item.table.to_string());
        self.record_in_audit(op, of, proof.removed, error).await
    }

    /// What an operation did: the action, by which policy or definition, and on what.
    async fn record_in_audit(
        &self,
        op: &Operation,
        (action, by, place): (&str, &str, String),
        rows: u64,
        error: Option<String>,
    ) -> Result<(), Failure> {
        let statement = self.own(include_str!("queries/audit_run.sql"));
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let operation = op.id().to_string();
        let parameters = [
            (&action as _, Type::TEXT),
            (&by as _, Type::TEXT),
            (&place as _, Type::TEXT),
            (&rows as _, Type::INT8),
            (&error as _, Type::TEXT),
            (&operation as _, Type::TEXT),
        ];
        self.session.execute(&statement, &parameters).await?;
        Ok(())
    }
}

/// What is wrong with one item, apart from what ends the operation: a server that is gone, or does not know us any more.
fn of_item<T>(result: Result<T, Failure>) -> Result<Result<T, RetentionProblem>, Failure> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(failure) if failure.kind().is_transient() || failure.kind() == ErrorKind::Cancelled => {
            Err(failure)
        }
        Err(failure) => Ok(Err(problem(failure.kind(), failure.messages().join(": ")))),
    }
}

#[async_trait]
impl Database for Postgres {
    fn name(&self) -> String {
        self.session.name().to_owned()
    }

    fn wait_for_locks(&self, milliseconds: u64) {
        self.lock_wait.store(milliseconds, Ordering::Relaxed);
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[
            Strategy::Drop,
            Strategy::Delete,
            Strategy::KeepLast,
            Strategy::Archive,
            Strategy::Downsample,
            Strategy::Ahead,
            Strategy::Reallocate,
        ]
    }

    fn class_key(&self, strategy: Strategy) -> Option<ClassKey> {
        (strategy == Strategy::Reallocate).then_some(ClassKey::Tablespace)
    }

    async fn policies(&self) -> Result<Vec<Policy>, Failure> {
        self.read_policies().await
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
        let statement = measuring(table, target);
        let row = self.read_one(&statement).await?;
        Ok(Measured {
            rows: u64::try_from(row.get::<_, i64>(0)).unwrap_or(0),
            oldest: row.get(1),
            newest: row.get(2),
        })
    }

    async fn count(&self, table: &TableName) -> Result<u64, Failure> {
        let statement = fill(include_str!("queries/count.sql"), &[("table", &quoted(table))]);
        let row = self.read_one(&statement).await?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    }

    fn statements(&self, facts: &Table, table: &TableName, task: &Task) -> Vec<String> {
        let target = &task.target;
        match target {
            Target::Partition { id, .. } if let Some(Besides::Tablespace { tablespace }) = &task.besides => {
                relocate::statements(facts, *id, tablespace)
            }
            Target::Partition { parent, .. } => {
                vec![
                    detach::statement(facts.detaches_concurrently, parent, table),
                    detach::drop_statement(table),
                ]
            }
            Target::Room { parent, from, to, .. } => {
                vec![
                    ahead::making(table, parent),
                    ahead::attaching(table, parent, from, to),
                ]
            }
            // CrateDB's.
            Target::Values { .. } => Vec::new(),
            Target::Rows { .. } => vec![match ranked(&quoted(table), target, Naming::Short) {
                Some(ranked) => format!(
                    "DELETE FROM {} WHERE ctid IN (SELECT ostler_row FROM ({}) AS old)",
                    quoted(table),
                    one_line(&ranked)
                ),
                None => format!(
                    "DELETE FROM {} WHERE {}",
                    quoted(table),
                    condition(target, Naming::Short)
                ),
            }],
        }
    }

    async fn exclude_others(&self, _: &Operation) -> Result<(), Failure> {
        self.become_only_runner().await
    }

    async fn close(self: Box<Self>) {
        // What an operation may still take back has it too, and ends it when it is dropped.
        if let Some(session) = Arc::into_inner(self.session) {
            session.close().await;
        }
    }

    async fn database(&self) -> Result<String, Failure> {
        self.database_name().await
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

    async fn bring_back(
        &self,
        op: &Operation,
        work: &UndoWork,
        files: &[&UndoItem],
        archive: (&str, &dyn Store),
        pace: Pace,
    ) -> Result<Vec<UndoProof>, Failure> {
        self.bring_archive_back(op, work, files, archive, pace).await
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
        let task: Task = planned(&item.detail)?;
        let mut proof = begun(item);
        let look = |_| async { self.of_table(self.look(item, &task).await).await };
        let looked: Result<Option<u64>, RetentionProblem> =
            op.step("look").key(key(item)).retries(3).run(look).await?;
        match looked {
            Err(problem) => proof.problem = Some(problem),
            Ok(None) => proof.note = Some("it was gone already".to_owned()),
            Ok(Some(rows)) => {
                proof.before = rows;
                proof = match (&task.target, &task.shelf) {
                    (Target::Partition { .. }, _)
                        if let Some(Besides::Tablespace { tablespace }) = &task.besides =>
                    {
                        self.relocate(op, item, (&task.target, tablespace), pace, proof)
                            .await?
                    }
                    (Target::Partition { .. }, _) if task.besides.is_some() => {
                        return Err(Error::ForeignPlan.into());
                    }
                    (Target::Partition { .. }, _) => {
                        self.remove_partition(op, item, &task, pace, shelves, proof)
                            .await?
                    }
                    (Target::Values { .. }, _) => return Err(Error::ForeignPlan.into()),
                    (Target::Room { .. }, _) => self.make_room(op, item, &task.target, pace, proof).await?,
                    (Target::Rows { .. }, None) if let Some(proven) = &task.proven => {
                        self.remove_summed(op, item, (&task.target, proven), pace, proof)
                            .await?
                    }
                    (Target::Rows { .. }, None) => {
                        self.remove_rows(op, item, &task.target, pace, proof).await?
                    }
                    (Target::Rows { .. }, Some(_)) => {
                        self.archive_rows(op, item, &task, pace, shelves, proof).await?
                    }
                };
            }
        }
        op.step("record")
            .key(key(item))
            .retries(3)
            .run(|_| async { self.record(op, item, &proof).await })
            .await?;
        Ok(proof)
    }
}

impl Postgres {
    /// How many of the rows that are to go are there, where that is known by now; `None` for a partition that is gone.
    async fn look(&self, item: &RetentionItem, task: &Task) -> Result<Option<u64>, Failure> {
        let target = &task.target;
        let table = match target {
            Target::Room { parent, .. } => parent,
            _ => &item.table,
        };
        if let Some((id, ..)) = self.look_up(table).await? {
            let found = self.obstacles(id).await?;
            let obstacle = found.of(&item.table, target, task.besides.as_ref(), |_| true);
            if let Some(problem) = obstacle {
                return Err(Failure::new(problem.kind, problem.reason));
            }
        }
        match target {
            Target::Partition { .. } => Ok(self.look_at_partition(item, target).await?.then_some(0)),
            Target::Room { .. } => self.look_at_room(item, target).await,
            Target::Values { .. } => Err(Error::ForeignPlan.into()),
            Target::Rows { .. } => self.look_at_rows(item, target).await.map(Some),
        }
    }
}
