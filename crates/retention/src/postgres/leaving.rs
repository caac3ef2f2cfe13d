//! A partition that goes: detached, counted, kept, dropped; attached again when it stays.

use std::sync::Arc;

use async_trait::async_trait;
use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::{Pace, TableName};
use ostler_operations::{Operation, Step, UndoEnd};
use ostler_vocabulary::{ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use super::detach::{Standing, attach_statement, finalize_statement};
use super::{Postgres, key, of_item, one_line, planned};
use crate::Database;
use crate::archive::keep::{self, Source, Witness};
use crate::archive::{Names, Shelves};
use crate::removal::{self, Partition, Ready, Undo, Words, complete};
use crate::strategy::{Target, Task, problem};

/// A partition that goes.
struct Leaving<'a> {
    database: &'a Postgres,
    item: &'a RetentionItem,
    task: &'a Task,
    pace: Pace,
    shelves: &'a dyn Shelves,
}

#[async_trait]
impl Partition for Leaving<'_> {
    const WORDS: Words = Words {
        hide: "detach",
        show: "attach",
        hidden: "it is detached and still there",
        retries: 0,
        // An undo waits for the end of the session before.
        outlives_connection: false,
    };

    fn source(&self) -> &dyn Source {
        self.database
    }

    fn of_item<T>(result: Result<T, Failure>) -> Result<Result<T, RetentionProblem>, Failure> {
        of_item(result)
    }

    async fn of_table<T: Send>(
        &self,
        result: Result<T, Failure>,
    ) -> Result<Result<T, RetentionProblem>, Failure> {
        self.database.of_table(result).await
    }

    async fn hide(&self, step: &Step) -> Result<(), Failure> {
        let target = &self.task.target;
        self.database.detach(self.item, target, self.pace, step).await
    }

    async fn show(&self, stop: &CancellationToken) -> Result<bool, Failure> {
        let target = &self.task.target;
        self.database.attach(self.item, target, self.pace, stop).await
    }

    fn shown(&self) -> &'static str {
        "it is attached again"
    }

    fn undo(&self) -> Undo {
        let back = (self.database.clone(), self.item.clone(), self.task.clone());
        let pace = self.pace;
        Box::new(move || {
            let (database, item, task) = back.clone();
            Box::pin(async move {
                let database = database.live().await?;
                let stop = CancellationToken::new();
                let there = database.attach(&item, &task.target, pace, &stop).await?;
                Ok(if there { UndoEnd::Undone } else { complete(&item) })
            })
        })
    }

    async fn count(&self) -> Result<Option<u64>, Failure> {
        let target = &self.task.target;
        match self.database.measure(&self.item.table, target).await {
            Ok(found) => Ok(Some(found.rows)),
            // By its id, as another table may have the name by now.
            Err(_) if self.database.find(target).await?.is_none() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn prepare(&self, op: &Operation, rows: u64) -> Result<Result<Ready, RetentionProblem>, Failure> {
        let Self {
            database, item, task, ..
        } = *self;
        if let Err(problem) = database.compared(op, item, task, rows).await? {
            return Ok(Err(problem));
        }
        let kept = keep::keep(database, op, item, task, self.shelves).await?;
        Ok(kept.map(|kept| Ready { kept, note: None }))
    }

    async fn drop(&self, ready: &Ready, rows: u64, step: &Step) -> Result<(), Failure> {
        let target = &self.task.target;
        let compared = self.task.proven.as_ref().map(|_| rows);
        let rows = ready.kept.as_ref().map(|kept| kept.tally.rows).or(compared);
        self.database
            .drop_partition(self.item, target, rows, self.pace, step)
            .await
    }

    async fn end(&self, op: &Operation, proof: &mut RetentionProof) -> Result<(), Failure> {
        let Some(proven) = &self.task.proven else {
            return Ok(());
        };
        let target = &self.task.target;
        op.step("move on")
            .key(key(self.item))
            .retries(3)
            .run(|_| async { self.database.partition_is_gone((target, proven)).await })
            .await?;
        proof.note = Some(format!("the sums are in rollup {}", proven.rollup));
        Ok(())
    }
}

/// Whether an archived partition is still there.
struct ArchivedPartition {
    database: Postgres,
    task: Task,
    table: TableName,
}

#[async_trait]
impl Witness for ArchivedPartition {
    async fn rows_are_there(&self) -> Result<Option<Names>, Failure> {
        let database = self.database.live().await?;
        let is_partition = matches!(self.task.target, Target::Partition { .. });
        if is_partition && database.find(&self.task.target).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(Names::new(&database.database_name().await?, &self.table)))
    }
}

impl Postgres {
    /// What tells an undo whether an archive has rows that no table has.
    pub(super) fn archived(&self, task: &Task, table: &TableName) -> Arc<dyn Witness> {
        Arc::new(ArchivedPartition {
            database: self.clone(),
            task: task.clone(),
            table: table.clone(),
        })
    }

    /// Whether a partition is detached, and the statement that attaches it.
    pub(super) async fn left_partition(
        &self,
        item: &RetentionItem,
    ) -> Result<Option<(String, String)>, Failure> {
        let task: Task = planned(&item.detail)?;
        let Target::Partition { parent, bounds, .. } = &task.target else {
            return Ok(None);
        };
        let found = self.find(&task.target).await?;
        Ok(found
            .filter(|found| found.standing != Standing::Attached)
            .map(|found| {
                let attach = attach_statement(parent, &found.table, bounds);
                let remedy = match found.standing {
                    Standing::Detaching => format!("{}; {attach}", finalize_statement(parent, &found.table)),
                    _ => attach,
                };
                let rows = match found.has_default {
                    true => format!(
                        ", whose default partition must have no rows of its range (move those into {})",
                        found.table
                    ),
                    false => String::new(),
                };
                (format!("is detached from {parent}{rows}"), one_line(&remedy))
            }))
    }

    pub(super) async fn remove_partition(
        &self,
        op: &Operation,
        item: &RetentionItem,
        task: &Task,
        pace: Pace,
        shelves: &dyn Shelves,
        mut proof: RetentionProof,
    ) -> Result<RetentionProof, Failure> {
        let key = key(item);
        let target = &task.target;
        if let Some(proven) = &task.proven {
            let sum = |step: Step| async move {
                of_item(self.sum_up_partition((target, proven), pace, &step).await)
            };
            let summed: Result<(), RetentionProblem> = op.step("sum up").key(&key).run(sum).await?;
            if let Err(problem) = summed {
                proof.problem = Some(problem);
                return Ok(proof);
            }
        }
        let leaving = Leaving {
            database: self,
            item,
            task,
            pace,
            shelves,
        };
        removal::remove(&leaving, op, (item, task), shelves, proof).await
    }

    /// Whether the rollup, where one has to, has the sums of the rows that were counted.
    async fn compared(
        &self,
        op: &Operation,
        item: &RetentionItem,
        task: &Task,
        rows: u64,
    ) -> Result<Result<(), RetentionProblem>, Failure> {
        let Some(proven) = &task.proven else {
            return Ok(Ok(()));
        };
        let compare = |_| async { of_item(self.prove_partition(item, (&task.target, proven)).await) };
        let found: Result<u64, RetentionProblem> =
            op.step("compare").key(key(item)).retries(3).run(compare).await?;
        Ok(match found {
            Ok(found) if found == rows => Ok(()),
            Ok(found) => Err(problem(
                ErrorKind::Conflict,
                format!("{rows} rows were counted, and {found} were compared with the rollup"),
            )),
            Err(problem) => Err(problem),
        })
    }
}
