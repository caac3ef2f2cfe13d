//! A partition that goes: detached, counted, dropped; attached again when that fails.

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::{Pace, TableName};
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_vocabulary::{ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use super::catalogue::CONCURRENTLY;
use super::patience::Patience;
use super::statement::{fill, quoted};
use super::{Postgres, key, of_item, too_many};
use crate::Database;
use crate::archive::Shelves;
use crate::archive::keep;
use crate::strategy::{Target, Task, problem};

/// How a partition stands to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Attached,
    /// Somebody began to detach it and did not end.
    Detaching,
    Detached,
}

/// What `standing.sql` says.
struct Found {
    table: TableName,
    standing: Standing,
    bounds: String,
    /// Whether it can be detached while others work.
    concurrently: bool,
}

/// The statement that detaches.
pub(super) fn statement(concurrently: bool, parent: &TableName, partition: &TableName) -> String {
    let template = match concurrently {
        true => include_str!("queries/detach_concurrently.sql"),
        false => include_str!("queries/detach.sql"),
    };
    named(template, parent, partition)
}

/// The statement that drops.
pub(super) fn drop_statement(partition: &TableName) -> String {
    fill(
        include_str!("queries/drop.sql"),
        &[("partition", &quoted(partition))],
    )
}

fn named(template: &str, parent: &TableName, partition: &TableName) -> String {
    let (parent, partition) = (quoted(parent), quoted(partition));
    fill(template, &[("parent", &parent), ("partition", &partition)])
}

impl Postgres {
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
        let detach = |step: Step| async move { of_item(self.detach(item, target, pace, &step).await) };
        // Whoever stops the operation, or its failing elsewhere, does not leave rows that no query finds.
        let back = (self.clone(), item.clone(), target.clone());
        let undo = move |_| {
            let (it, item, target) = back.clone();
            async move { it.attach(&item, &target, pace, &CancellationToken::new()).await }
        };
        let detached: Result<(), RetentionProblem> =
            op.step("detach").key(&key).run_with_undo(detach, undo).await?;
        if let Err(problem) = detached {
            proof.problem = Some(problem);
            return Ok(proof);
        }
        let count = |_| async {
            let found = self.measure(&item.table, target).await;
            self.of_table(found.map(|found| found.rows)).await
        };
        let counted: Result<u64, RetentionProblem> = op.step("count").key(&key).retries(3).run(count).await?;
        let counted = counted.and_then(|rows| too_many(item, rows).map_or(Ok(rows), Err));
        let kept = match counted {
            Err(problem) => Err(problem),
            Ok(rows) => {
                proof.before = rows;
                match self.compared(op, item, task, rows).await? {
                    Ok(()) => keep::keep(self, op, item, task, shelves).await?,
                    Err(problem) => Err(problem),
                }
            }
        };
        let dropped = match &kept {
            Err(problem) => Err(problem.clone()),
            Ok(kept) => {
                proof.archive = kept.as_ref().and_then(|kept| keep::proof(task, kept));
                let compared = task.proven.as_ref().map(|_| proof.before);
                let rows = kept.as_ref().map(|kept| kept.tally.rows).or(compared);
                let drop = |step: Step| async move {
                    of_item(self.drop_partition(item, target, rows, pace, &step).await)
                };
                op.step("drop").key(&key).run(drop).await?
            }
        };
        match dropped {
            Ok(()) => {
                proof.removed = proof.before;
                if let Some(proven) = &task.proven {
                    op.step("move on")
                        .key(&key)
                        .retries(3)
                        .run(|_| async { self.partition_is_gone((target, proven)).await })
                        .await?;
                    proof.note = Some(format!("the sums are in rollup {}", proven.rollup));
                }
            }
            Err(problem) => {
                proof.problem = Some(problem);
                proof.after = proof.before;
                if proof.archive.take().is_some() {
                    keep::withdraw(self, op, item, task, shelves, kept.ok().flatten()).await?;
                }
                let attach = |step: Step| async move {
                    of_item(self.attach(item, target, pace, &step.cancelled).await)
                };
                let attached: Result<(), RetentionProblem> = op.step("attach").key(&key).run(attach).await?;
                proof.note = Some(match attached {
                    Ok(()) => "it is attached again".to_owned(),
                    Err(problem) => format!("it is detached and still there: {}", problem.reason),
                });
            }
        }
        Ok(proof)
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

    /// How the partition stands now, by the id that the plan has.
    async fn find(&self, target: &Target) -> Result<Option<Found>, ostler_postgres::Error> {
        let Target::Partition { id, parent_id, .. } = target else {
            return Ok(None);
        };
        let parameters = [(id as _, Type::OID), (parent_id as _, Type::OID)];
        let rows = self
            .session
            .query(include_str!("queries/standing.sql"), &parameters)
            .await?;
        Ok(rows.first().map(|row| Found {
            table: TableName {
                schema: row.get(0),
                name: row.get(1),
            },
            standing: match (row.get(2), row.get(3)) {
                (false, _) => Standing::Detached,
                (true, true) => Standing::Detaching,
                (true, false) => Standing::Attached,
            },
            bounds: row.get(4),
            concurrently: row.get::<_, i32>(6) >= CONCURRENTLY && !row.get::<_, bool>(5),
        }))
    }

    /// Whether the partition is still what the plan says.
    pub(super) async fn look_at_partition(
        &self,
        item: &RetentionItem,
        target: &Target,
    ) -> Result<bool, Failure> {
        let Target::Partition { parent, bounds, .. } = target else {
            return Ok(false);
        };
        let changed = |what: String| {
            Err(Failure::new(
                ErrorKind::Conflict,
                format!("it has changed since the plan: {what}"),
            ))
        };
        match self.find(target).await? {
            None => Ok(false),
            Some(found) if found.table != item.table => changed(format!("its name is {}", found.table)),
            Some(found) if found.standing == Standing::Detached => {
                changed(format!("it is no partition of {parent}"))
            }
            Some(found) if found.bounds != *bounds => changed(format!("its bounds are {}", found.bounds)),
            Some(_) => Ok(true),
        }
    }

    /// Detaches it, whatever came of earlier tries.
    async fn detach(
        &self,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let Target::Partition { parent, .. } = target else {
            return Ok(());
        };
        let mut patience = Patience::new(pace.lock_wait_ms);
        loop {
            let Some(found) = self.find(target).await? else {
                return Ok(());
            };
            let sql = match found.standing {
                Standing::Detached => return Ok(()),
                Standing::Detaching => {
                    named(include_str!("queries/detach_finalize.sql"), parent, &item.table)
                }
                Standing::Attached => statement(found.concurrently, parent, &item.table),
            };
            if let Err(error) = self.session.batch(&sql).await {
                patience.after(error, &step.cancelled).await?;
            }
        }
    }

    /// Drops it; with a number of rows, only if it has that many.
    async fn drop_partition(
        &self,
        item: &RetentionItem,
        target: &Target,
        rows: Option<u64>,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let mut patience = Patience::new(pace.lock_wait_ms);
        while let Some(found) = self.find(target).await? {
            if found.standing != Standing::Detached || found.table != item.table {
                return Err(Failure::new(
                    ErrorKind::Conflict,
                    "somebody attached or renamed it meanwhile",
                ));
            }
            if let Err(error) = self.drop_with(item, rows).await? {
                patience.after(error, &step.cancelled).await?;
            }
        }
        Ok(())
    }

    /// One try to drop it. Its rows are counted while nobody can write, even by its own name.
    async fn drop_with(
        &self,
        item: &RetentionItem,
        rows: Option<u64>,
    ) -> Result<Result<(), ostler_postgres::Error>, Failure> {
        let statement = drop_statement(&item.table);
        let Some(expected) = rows else {
            return Ok(self.session.batch(&statement).await);
        };
        let lock = fill(
            include_str!("queries/lock_table.sql"),
            &[("table", &quoted(&item.table))],
        );
        if let Err(error) = self.session.batch(&format!("BEGIN; {lock}")).await {
            self.session.batch("ROLLBACK").await?;
            return Ok(Err(error));
        }
        let rows = match self.count(&item.table).await {
            Ok(rows) => rows,
            Err(failure) => {
                // A session that is lost has rolled back too.
                let _ = self.session.batch("ROLLBACK").await;
                return Err(failure);
            }
        };
        if rows != expected {
            self.session.batch("ROLLBACK").await?;
            let message = format!("it has {rows} rows by now, and {expected} were kept or summed up");
            return Err(Failure::new(ErrorKind::Conflict, message));
        }
        let dropped = self.session.batch(&format!("{statement}; COMMIT")).await;
        if dropped.is_err() {
            self.session.batch("ROLLBACK").await?;
        }
        Ok(dropped)
    }

    /// Puts it back where it was.
    async fn attach(
        &self,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let Target::Partition { parent, bounds, .. } = target else {
            return Ok(());
        };
        let mut patience = Patience::new(pace.lock_wait_ms);
        loop {
            match self.find(target).await? {
                Some(found) if found.standing == Standing::Detached => {}
                _ => return Ok(()),
            }
            let (parent, partition) = (quoted(parent), quoted(&item.table));
            let places = [
                ("parent", parent.as_str()),
                ("partition", &partition),
                ("bounds", bounds),
            ];
            let sql = fill(include_str!("queries/attach.sql"), &places);
            if let Err(error) = self.session.batch(&sql).await {
                patience.after(error, stop).await?;
            }
        }
    }
}
