//! A partition that goes: writes to it blocked, counted, kept, dropped; as it was before when it stays.

use async_trait::async_trait;
use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::TableName;
use ostler_operations::{Operation, Step, UndoEnd};
use ostler_vocabulary::{Failure, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::partition::identity;
use super::statement::about_partition;
use super::{CrateDb, begun, goes_on, key, of_item};
use crate::archive::Shelves;
use crate::archive::keep::Source;
use crate::facts::Values;
use crate::item::planned;
use crate::removal::{self, Partition, Ready, Undo, Words, complete};
use crate::strategy::{Proven, Target, Task};

/// What was found of a partition before anything was done to it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Standing {
    /// As steps of version 2 have it: whether it is there.
    There(bool),
    Found {
        there: bool,
        /// Whether writes to it were blocked.
        blocked: bool,
    },
}

impl Standing {
    pub fn is_there(self) -> bool {
        match self {
            Self::There(there) | Self::Found { there, .. } => there,
        }
    }

    pub fn is_blocked(self) -> bool {
        matches!(self, Self::Found { blocked: true, .. })
    }
}

/// A partition that goes.
struct Leaving<'a> {
    database: &'a CrateDb,
    item: &'a RetentionItem,
    task: &'a Task,
    shelves: &'a dyn Shelves,
    owner: String,
    before: Before,
}

/// What is put back when it stays.
#[derive(Debug, Clone, Copy)]
struct Before {
    /// Whether writes to it were blocked.
    blocked: bool,
    /// From when on the rollup that has to have its sums said that raw rows are kept.
    kept_from: Option<Timestamp>,
}

impl Leaving<'_> {
    fn place(&self) -> Result<(&TableName, &Values), Failure> {
        match &self.task.target {
            Target::Values { table, partition, .. } => Ok((table, partition)),
            _ => Err(crate::Error::ForeignPlan.into()),
        }
    }
}

#[async_trait]
impl Partition for Leaving<'_> {
    const WORDS: Words = Words {
        hide: "block writes",
        show: "allow writes",
        hidden: "it is still there and takes no rows",
        retries: 3,
        outlives_connection: true,
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

    async fn hide(&self, _: &Step) -> Result<(), Failure> {
        let (table, partition) = self.place()?;
        self.database.confirm_lease().await?;
        self.database.block(table, partition).await
    }

    async fn show(&self, _: &CancellationToken) -> Result<bool, Failure> {
        self.database.leave(self.task, self.before).await
    }

    fn shown(&self) -> &'static str {
        match self.before.blocked {
            true => "it takes no rows, as before",
            false => "it takes rows again",
        }
    }

    fn undo(&self) -> Undo {
        let back = (self.database.clone(), self.item.clone(), self.task.clone());
        let (owner, before) = (self.owner.clone(), self.before);
        Box::new(move || {
            let ((database, item, task), owner) = (back.clone(), owner.clone());
            Box::pin(async move {
                // Who has the lease by now may be at work on it.
                database.nobody_else(&owner).await?;
                let there = database.leave(&task, before).await?;
                Ok(if there { UndoEnd::Undone } else { complete(&item) })
            })
        })
    }

    async fn count(&self) -> Result<Option<u64>, Failure> {
        let (table, partition) = self.place()?;
        self.database.count_if_there(table, partition).await
    }

    async fn prepare(&self, op: &Operation, rows: u64) -> Result<Result<Ready, RetentionProblem>, Failure> {
        match &self.task.proven {
            Some(proven) => {
                let place = self.place()?;
                let compared = self
                    .database
                    .compared(op, self.item, place, (proven, rows))
                    .await?;
                Ok(compared.map(|note| Ready {
                    kept: None,
                    note: Some(note),
                }))
            }
            None => {
                let kept = self
                    .database
                    .keep_first(op, self.item, self.task, self.shelves)
                    .await?;
                Ok(kept.map(|(kept, note)| Ready { kept, note }))
            }
        }
    }

    async fn drop(&self, ready: &Ready, rows: u64, _: &Step) -> Result<(), Failure> {
        let place = self.place()?;
        self.database
            .drop_kept(place, self.task, ready.kept.as_ref(), rows)
            .await
    }

    async fn end(&self, _: &Operation, _: &mut RetentionProof) -> Result<(), Failure> {
        Ok(())
    }
}

impl CrateDb {
    /// Whether writes to a partition are blocked, and the statement that allows them.
    pub(super) async fn left_partition(
        &self,
        item: &RetentionItem,
    ) -> Result<Option<(String, String)>, Failure> {
        let task: Task = planned(&item.detail)?;
        let Target::Values { table, partition, .. } = &task.target else {
            return Ok(None);
        };
        let blocked = self.is_there(table, partition).await? && self.is_blocked(table, partition).await?;
        Ok(blocked.then(|| {
            let template = include_str!("queries/block.sql");
            let remedy = about_partition(template, table, partition, &[("blocked", "false")]).written();
            ("takes no rows".to_owned(), remedy)
        }))
    }

    pub(super) async fn remove_partition(
        &self,
        op: &Operation,
        item: &RetentionItem,
        task: &Task,
        shelves: &dyn Shelves,
    ) -> Result<RetentionProof, Failure> {
        let mut proof = begun(item);
        let Target::Values { table, partition, .. } = &task.target else {
            return Ok(proof);
        };
        let key = key(item);
        let look = |_| async { of_item(self.standing_of(table, partition).await) };
        let found: Result<Standing, RetentionProblem> =
            op.step("look").key(&key).retries(3).run(look).await?;
        if !goes_on(found.clone().map(Standing::is_there), &mut proof) {
            return Ok(proof);
        }
        let known = match &task.proven {
            Some(proven) => self.known_before(op, &key, proven).await?,
            None => Ok(None),
        };
        let before = match known {
            Ok(kept_from) => Before {
                blocked: found.is_ok_and(Standing::is_blocked),
                kept_from,
            },
            Err(problem) => {
                proof.problem = Some(problem);
                return Ok(proof);
            }
        };
        let leaving = Leaving {
            database: self,
            item,
            task,
            shelves,
            owner: op.id().to_string(),
            before,
        };
        removal::remove(&leaving, op, (item, task), shelves, proof).await
    }

    /// What there is of a partition, before anything is done to it.
    async fn standing_of(&self, table: &TableName, partition: &Values) -> Result<Standing, Failure> {
        let there = self.is_there(table, partition).await?;
        let blocked = there && self.is_blocked(table, partition).await?;
        Ok(Standing::Found { there, blocked })
    }

    /// Whether writes to a partition are blocked.
    pub(super) async fn is_blocked(&self, table: &TableName, partition: &Values) -> Result<bool, Failure> {
        let sql = include_str!("queries/blocked.sql");
        let answer = self.client.execute(sql, &identity(table, partition)).await?;
        let blocked = answer.rows.first().and_then(|row| row.first()?.as_bool());
        Ok(blocked.unwrap_or(false))
    }

    /// From when on the rollup that has to have its sums says that raw rows are kept.
    async fn known_before(
        &self,
        op: &Operation,
        key: &str,
        proven: &Proven,
    ) -> Result<Result<Option<Timestamp>, RetentionProblem>, Failure> {
        let look = |_| async { of_item(self.raw_kept_from(proven).await) };
        op.step("look at rollup").key(key).retries(3).run(look).await
    }

    /// Puts back what was found before, as it stays; `false` when it is gone.
    async fn leave(&self, task: &Task, before: Before) -> Result<bool, Failure> {
        let Target::Values { table, partition, .. } = &task.target else {
            return Ok(true);
        };
        if !self.is_there(table, partition).await? {
            return Ok(false);
        }
        if let Some(proven) = &task.proven {
            self.keep_partition((table, partition), proven, before.kept_from)
                .await?;
        }
        if !before.blocked {
            self.set_block(table, partition, false).await?;
        }
        Ok(true)
    }
}
