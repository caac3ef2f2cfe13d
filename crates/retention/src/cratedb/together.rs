//! Partitions of one table that go together: each is blocked by a statement of its own, as the server wants it; all else is one
//! statement for all of them. What is wrong with one stops no other.

use std::collections::BTreeMap;

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::TableName;
use ostler_cratedb::quote::identifier;
use ostler_operations::{Operation, Step};
use ostler_vocabulary::{ErrorKind, Failure, Unit};
use serde_json::Value;

use super::partition::is_it;
use super::statement::{Bound, fill, quoted};
use super::{CrateDb, begun, of_item, too_many};
use crate::facts::Values;
use crate::strategy::{Target, Task, problem};

/// More of them are several batches: what a step tells has an end.
const MOST: usize = 250;

/// Partitions that go together.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    table: TableName,
    /// Their only column.
    column: String,
    partitions: Vec<Values>,
}

/// What counting gave.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Counted {
    /// Rows of each; `None` for one that is gone.
    Rows(Vec<Option<u64>>),
    /// Why none could be counted.
    Wrong(RetentionProblem),
}

impl From<Result<Vec<Option<u64>>, RetentionProblem>> for Counted {
    fn from(counted: Result<Vec<Option<u64>>, RetentionProblem>) -> Self {
        match counted {
            Ok(rows) => Self::Rows(rows),
            Err(problem) => Self::Wrong(problem),
        }
    }
}

/// What is wrong with each, if anything is.
type Verdicts = Vec<Option<RetentionProblem>>;

impl Batch {
    /// The first of these items that go together; `None` if the first goes alone.
    pub fn of(items: &[RetentionItem]) -> Option<Self> {
        let mut batch: Option<Self> = None;
        for item in items.iter().take(MOST) {
            let Some((table, partition)) = plain(item) else {
                break;
            };
            let Some((column, _)) = partition.values.first() else {
                break;
            };
            let batch = batch.get_or_insert_with(|| Self {
                table: table.clone(),
                column: column.clone(),
                partitions: Vec::new(),
            });
            if batch.table != table || batch.column != *column {
                break;
            }
            batch.partitions.push(partition);
        }
        batch.filter(|batch| batch.len() > 1)
    }

    pub fn len(&self) -> usize {
        self.partitions.len()
    }

    /// By what its steps are told from others.
    fn key(&self, items: &[RetentionItem]) -> String {
        let first = items.first().map(super::key).unwrap_or_default();
        format!("{} partitions from {first} on", self.len())
    }

    fn values(&self, which: &[bool]) -> Value {
        let pairs = self.partitions.iter().zip(which);
        pairs
            .filter(|(_, wanted)| **wanted)
            .map(|(partition, _)| partition.values[0].1.clone())
            .collect()
    }

    /// A statement about all rows of some of them, in whose file `{condition}` names them.
    fn about(&self, template: &str, which: &[bool]) -> Bound {
        let column = identifier(&self.column);
        let (table, condition) = (quoted(&self.table), format!("{column} = ANY(?)"));
        let places = [
            ("table", table.as_str()),
            ("column", &column),
            ("condition", &condition),
        ];
        Bound {
            sql: fill(template, &places),
            args: vec![self.values(which)],
        }
    }
}

/// A partition of one value that is dropped and nothing else.
fn plain(item: &RetentionItem) -> Option<(TableName, Values)> {
    let task: Task = serde_json::from_value(item.detail.clone()).ok()?;
    let Target::Values { table, partition, .. } = task.target else {
        return None;
    };
    let one = partition.values.len() == 1 && partition.values.iter().all(|(_, value)| !value.is_null());
    let alone = task.besides.is_some() || task.shelf.is_some() || task.proven.is_some();
    (one && !alone).then_some((table, partition))
}

impl CrateDb {
    pub(super) async fn remove_batch(
        &self,
        op: &Operation,
        items: &[RetentionItem],
        batch: &Batch,
    ) -> Result<Vec<RetentionProof>, Failure> {
        let key = batch.key(items);
        let key = key.as_str();
        let mut proofs: Vec<RetentionProof> = items.iter().map(begun).collect();
        let there: Vec<bool> = op
            .step("look")
            .key(key)
            .retries(3)
            .run(|_| async { self.standing(batch).await })
            .await?;
        for (proof, there) in proofs.iter_mut().zip(&there) {
            proof.note = (!there).then(|| "it was gone already".to_owned());
        }
        let block = |step: Step| async move {
            step.progress.add_total(batch.len() as u64);
            self.confirm_lease().await?;
            self.block_all(batch, true, Some(&step)).await
        };
        // Whoever stops the operation, or its failing elsewhere, does not leave partitions that take no rows.
        let back = (self.clone(), op.id().to_string(), batch.clone());
        let undo = move |_| {
            let (it, owner, batch) = back.clone();
            async move {
                it.nobody_else(&owner).await?;
                it.block_all(&batch, false, None).await.map(drop)
            }
        };
        let mut wrong: Verdicts = op
            .step("block writes")
            .key(key)
            .unit(Unit::Objects)
            .retries(3)
            .run_with_undo(block, undo)
            .await?;
        let counted: Counted = op
            .step("count")
            .key(key)
            .retries(3)
            .run(|_| async { Ok(self.of_table(self.count_all(batch).await).await?.into()) })
            .await?;
        let counted = match counted {
            Counted::Rows(rows) => rows,
            Counted::Wrong(problem) => {
                // The table cannot be counted: none of them goes.
                let stays = there.iter().map(|there| there.then(|| problem.clone()));
                wrong = wrong
                    .into_iter()
                    .zip(stays)
                    .map(|(wrong, stays)| wrong.or(stays))
                    .collect();
                vec![None; batch.len()]
            }
        };
        for (place, item) in items.iter().enumerate() {
            match counted.get(place).copied().flatten() {
                Some(rows) => {
                    proofs[place].before = rows;
                    wrong[place] = wrong[place].take().or_else(|| too_many(item, rows));
                }
                None if there[place] && wrong[place].is_none() => {
                    proofs[place].note = Some("it is gone: an earlier try removed it".to_owned());
                }
                None => {}
            }
        }
        let going: Vec<Option<u64>> = counted
            .iter()
            .zip(&wrong)
            .map(|(rows, wrong)| rows.filter(|_| wrong.is_none()))
            .collect();
        let going = going.as_slice();
        let dropped: Verdicts = op
            .step("drop")
            .key(key)
            .retries(3)
            .run(|_| async { self.drop_all(batch, going).await })
            .await?;
        for (place, dropped) in dropped.into_iter().enumerate() {
            wrong[place] = wrong[place].take().or(dropped);
            if going[place].is_some() && wrong[place].is_none() {
                proofs[place].removed = proofs[place].before;
            }
        }
        self.allow_writes(op, key, batch, (wrong, &counted), &mut proofs)
            .await?;
        op.step("record")
            .key(key)
            .retries(3)
            .run(|_| async { self.record_all(op, items, &proofs).await })
            .await?;
        Ok(proofs)
    }

    /// Lets what stays take rows again, and writes down why it stays.
    async fn allow_writes(
        &self,
        op: &Operation,
        key: &str,
        batch: &Batch,
        (wrong, counted): (Verdicts, &[Option<u64>]),
        proofs: &mut [RetentionProof],
    ) -> Result<(), Failure> {
        let stays: Vec<Values> = batch
            .partitions
            .iter()
            .zip(&wrong)
            .filter(|(_, wrong)| wrong.is_some())
            .map(|(partition, _)| partition.clone())
            .collect();
        let mut opened = Vec::new();
        if !stays.is_empty() {
            let stays = Batch {
                partitions: stays,
                ..batch.clone()
            };
            let stays = &stays;
            opened = op
                .step("allow writes")
                .key(key)
                .retries(3)
                .run(|_| async move { self.block_all(stays, false, None).await })
                .await?;
        }
        let mut opened: std::vec::IntoIter<Option<RetentionProblem>> = opened.into_iter();
        for ((proof, wrong), rows) in proofs.iter_mut().zip(wrong).zip(counted) {
            let Some(wrong) = wrong else { continue };
            proof.after = rows.unwrap_or(0);
            proof.note = Some(match opened.next().flatten() {
                None => "it takes rows again".to_owned(),
                Some(problem) => format!("it is still there and takes no rows: {}", problem.reason),
            });
            proof.problem = Some(wrong);
        }
        Ok(())
    }

    /// Which of them are there, being the very ones of the plan.
    async fn standing(&self, batch: &Batch) -> Result<Vec<bool>, Failure> {
        let idents: Value = batch.partitions.iter().map(|it| it.ident.clone()).collect();
        let args = [
            Value::from(batch.table.schema.clone()),
            Value::from(batch.table.name.clone()),
            idents,
        ];
        let known = self
            .client
            .execute(include_str!("queries/standing_all.sql"), &args)
            .await?;
        let shards = self
            .client
            .execute(include_str!("queries/which_all.sql"), &args)
            .await?;
        let known: Vec<&str> = known
            .rows
            .iter()
            .filter_map(|row| row.first()?.as_str())
            .collect();
        let uuids: BTreeMap<&str, &Value> = shards
            .rows
            .iter()
            .filter_map(|row| Some((row.first()?.as_str()?, row.get(1)?)))
            .collect();
        Ok(batch
            .partitions
            .iter()
            .map(|partition| {
                let ident = partition.ident.as_str();
                let uuid = uuids.get(ident).map_or(Value::Null, |uuid| (*uuid).clone());
                is_it(&[i64::from(known.contains(&ident)).into(), uuid], partition)
            })
            .collect())
    }

    /// Stops or allows writes to each that is there.
    async fn block_all(
        &self,
        batch: &Batch,
        blocked: bool,
        step: Option<&Step>,
    ) -> Result<Verdicts, Failure> {
        let there = self.standing(batch).await?;
        let mut verdicts = Verdicts::new();
        for (partition, there) in batch.partitions.iter().zip(there) {
            let mut verdict = None;
            if there {
                self.keep_lease_while(blocked).await?;
                verdict = of_item(self.set_block(&batch.table, partition, blocked).await)?.err();
            }
            verdicts.push(verdict);
            if let Some(step) = step {
                step.progress.add_done(1);
            }
        }
        Ok(verdicts)
    }

    /// While partitions are blocked one after another, the lease must not run out; whoever opens them again may have none.
    async fn keep_lease_while(&self, blocked: bool) -> Result<(), Failure> {
        match blocked {
            true => self.keep_lease().await,
            false => Ok(()),
        }
    }

    /// Rows of each; `None` for one that is gone.
    async fn count_all(&self, batch: &Batch) -> Result<Vec<Option<u64>>, Failure> {
        self.refresh(&batch.table).await?;
        let all = vec![true; batch.len()];
        let statement = batch.about(include_str!("queries/count_partitions.sql"), &all);
        let answer = self.ask(&statement).await?;
        let there = self.standing(batch).await?;
        let rows_of = |partition: &Values| {
            let mut rows = answer.rows.iter();
            let found = rows.find(|row| row.first() == Some(&partition.values[0].1));
            found.and_then(|row| row.get(1)?.as_u64()).unwrap_or(0)
        };
        Ok(batch
            .partitions
            .iter()
            .zip(there)
            .map(|(partition, there)| there.then(|| rows_of(partition)))
            .collect())
    }

    /// Drops those that have as many rows as were counted, in one statement; looks that they are gone.
    async fn drop_all(&self, batch: &Batch, expected: &[Option<u64>]) -> Result<Verdicts, Failure> {
        if expected.iter().all(Option::is_none) {
            return Ok(vec![None; batch.len()]);
        }
        let found = self.count_all(batch).await?;
        let mut verdicts = Verdicts::new();
        let mut going = Vec::new();
        for (found, expected) in found.iter().zip(expected) {
            let (mut goes, mut verdict) = (false, None);
            match (found, expected) {
                (Some(found), Some(expected)) if found == expected => goes = true,
                (Some(found), Some(expected)) => {
                    // A write that was under way when it was blocked.
                    let message = format!("it has {found} rows by now, and {expected} were counted");
                    verdict = Some(problem(ErrorKind::Conflict, message));
                }
                _ => {}
            }
            going.push(goes);
            verdicts.push(verdict);
        }
        if !going.contains(&true) {
            return Ok(verdicts);
        }
        self.confirm_lease().await?;
        let dropped = self
            .ask(&batch.about(include_str!("queries/drop.sql"), &going))
            .await;
        let refused = of_item(dropped.map_err(Failure::from))?.err();
        for (place, there) in self.standing(batch).await?.into_iter().enumerate() {
            if going[place] && there {
                let not = || problem(ErrorKind::Conflict, "the server did not drop it");
                verdicts[place] = Some(refused.clone().unwrap_or_else(not));
            }
        }
        Ok(verdicts)
    }
}
