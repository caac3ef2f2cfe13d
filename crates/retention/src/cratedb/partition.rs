//! How a partition is blocked, counted, compared, kept and dropped.

use ostler_api::document::{RetentionItem, RetentionProblem};
use ostler_api::retention::TableName;
use ostler_operations::{Operation, Step};
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::Value;

use super::statement::{about_partition, about_rows_of};
use super::{CrateDb, key, of_item, snapshot};
use crate::archive::Shelves;
use crate::archive::keep::{self, Kept};
use crate::facts::Values;
use crate::strategy::{Besides, Proven, Target, Task, problem};

impl CrateDb {
    /// Compares it with the rollup that has to have its sums, and says there that it goes.
    pub(super) async fn compared(
        &self,
        op: &Operation,
        item: &RetentionItem,
        (table, partition): (&TableName, &Values),
        (proven, rows): (&Proven, u64),
    ) -> Result<Result<String, RetentionProblem>, Failure> {
        let compare = |_| async { of_item(self.prove_partition((table, partition), proven).await) };
        let found: Result<u64, RetentionProblem> =
            op.step("compare").key(key(item)).retries(3).run(compare).await?;
        match found {
            Ok(found) if found == rows => {}
            Ok(found) => {
                let reason = format!("{rows} rows were counted, and {found} were compared with the rollup");
                return Ok(Err(problem(ErrorKind::Conflict, reason)));
            }
            Err(problem) => return Ok(Err(problem)),
        }
        let go = |_| async { of_item(self.let_partition_go((table, partition), proven).await) };
        let gone: Result<(), RetentionProblem> = op.step("move on").key(key(item)).retries(3).run(go).await?;
        Ok(gone.map(|()| format!("the sums are in rollup {}", proven.rollup)))
    }

    /// Keeps it where its policy says: in an archive, or in a snapshot, of which it tells.
    pub(super) async fn keep_first(
        &self,
        op: &Operation,
        item: &RetentionItem,
        task: &Task,
        shelves: &dyn Shelves,
    ) -> Result<Result<(Option<Kept>, Option<String>), RetentionProblem>, Failure> {
        if task.shelf.is_some() {
            let kept = keep::keep(self, op, item, task, shelves).await?;
            return Ok(kept.map(|kept| (kept, None)));
        }
        let (Target::Values { table, partition, .. }, Some(Besides::Snapshot { repository })) =
            (&task.target, &task.besides)
        else {
            return Ok(Ok((None, None)));
        };
        let keep = |step: Step| async move {
            of_item(
                self.keep_in_snapshot(op, item, (table, partition), repository, &step)
                    .await,
            )
        };
        let name = snapshot::name(table, partition, &op.id().to_string());
        let kept: Result<u64, RetentionProblem> = op
            .step("snapshot")
            .key(key(item))
            .retries(3)
            .leaves(format!("snapshot {repository}.{name}"))
            .run(keep)
            .await?;
        Ok(kept.map(|shards| {
            let shards = if shards == 1 {
                "1 shard".to_owned()
            } else {
                format!("{shards} shards")
            };
            let note = format!("kept in snapshot {repository}.{name}: {shards}, whole");
            (None, Some(note))
        }))
    }

    /// Whether the very partition of the plan is there. One that came after it, of the same values, is another one.
    pub(super) async fn is_there(&self, table: &TableName, partition: &Values) -> Result<bool, Failure> {
        let args = identity(table, partition);
        let answer = self
            .client
            .execute(
                include_str!("queries/standing.sql"),
                &[args.clone(), args].concat(),
            )
            .await?;
        let row = answer.rows.first().map(Vec::as_slice).unwrap_or_default();
        Ok(is_it(row, partition))
    }

    /// Stops writes to it. One that is gone has none.
    pub(super) async fn block(&self, table: &TableName, partition: &Values) -> Result<(), Failure> {
        if !self.is_there(table, partition).await? {
            return Ok(());
        }
        self.set_block(table, partition, true).await
    }

    /// The same, for one that was just seen there.
    pub(super) async fn set_block(
        &self,
        table: &TableName,
        partition: &Values,
        blocked: bool,
    ) -> Result<(), Failure> {
        let word = if blocked { "true" } else { "false" };
        let template = include_str!("queries/block.sql");
        let statement = about_partition(template, table, partition, &[("blocked", word)]);
        match self.ask(&statement).await {
            Err(error) if error.is_unknown_partition() => Ok(()),
            done => Ok(done.map(drop)?),
        }
    }

    /// How many rows it has; `None` when it is gone. One statement tells rows and which partition it is, so that they are of one.
    pub(super) async fn count_if_there(
        &self,
        table: &TableName,
        partition: &Values,
    ) -> Result<Option<u64>, Failure> {
        let refresh = include_str!("queries/refresh_partition.sql");
        match self.ask(&about_partition(refresh, table, partition, &[])).await {
            Err(error) if error.is_unknown_partition() => return Ok(None),
            refreshed => refreshed?,
        };
        let mut count = about_rows_of(include_str!("queries/count_partition.sql"), table, partition);
        let which = identity(table, partition);
        count.args = [which.to_vec(), which.to_vec(), count.args].concat();
        let answer = self.ask(&count).await?;
        let row = answer.rows.first().map(Vec::as_slice).unwrap_or_default();
        let (Some(rows), which) = (
            row.first().and_then(Value::as_u64),
            row.get(1..).unwrap_or_default(),
        ) else {
            return Err(self.client.unexpected(&count.sql, "no number").into());
        };
        Ok(is_it(which, partition).then_some(rows))
    }

    /// Drops it, if its rows are those that were archived, where they were.
    pub(super) async fn drop_kept(
        &self,
        (table, partition): (&TableName, &Values),
        task: &Task,
        kept: Option<&Kept>,
        rows: u64,
    ) -> Result<(), Failure> {
        if let Some(kept) = kept {
            if kept.tally.rows != rows {
                let message = format!("{rows} rows were counted, and {} archived", kept.tally.rows);
                return Err(Failure::new(ErrorKind::Conflict, message));
            }
            if self.count_if_there(table, partition).await?.is_some() {
                self.is_as_kept(&task.target, kept).await?;
            }
        }
        self.drop_partition((table, partition), task.proven.as_ref(), rows)
            .await
    }

    /// Drops it, if it has as many rows as were counted, and the rollup has their sums; looks that it is gone.
    async fn drop_partition(
        &self,
        (table, partition): (&TableName, &Values),
        proven: Option<&Proven>,
        rows: u64,
    ) -> Result<(), Failure> {
        let Some(found) = self.count_if_there(table, partition).await? else {
            return Ok(());
        };
        if found != rows {
            // A write that was under way when it was blocked.
            let message = format!("it has {found} rows by now, and {rows} were counted");
            return Err(Failure::new(ErrorKind::Conflict, message));
        }
        if let Some(proven) = proven {
            self.prove_partition_again((table, partition), proven, rows)
                .await?;
        }
        self.confirm_lease().await?;
        self.ask(&about_rows_of(include_str!("queries/drop.sql"), table, partition))
            .await?;
        if self.is_there(table, partition).await? {
            let reason = problem(ErrorKind::Conflict, "the server did not drop it");
            return Err(Failure::new(reason.kind, reason.reason));
        }
        Ok(())
    }
}

/// What the server's catalogue knows a partition by.
pub(super) fn identity(table: &TableName, partition: &Values) -> [Value; 3] {
    [
        Value::from(table.schema.clone()),
        Value::from(table.name.clone()),
        Value::from(partition.ident.clone()),
    ]
}

/// Whether what `standing.sql` found is the partition of the plan: how many there are of its name, and which one it is.
pub(super) fn is_it(found: &[Value], partition: &Values) -> bool {
    let none = found.first().and_then(Value::as_i64) == Some(0);
    let uuid = found.get(1).and_then(Value::as_str);
    !none && uuid.is_none_or(|uuid| partition.uuid.is_empty() || uuid == partition.uuid)
}
