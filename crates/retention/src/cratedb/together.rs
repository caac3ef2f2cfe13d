//! Partitions of one table that go together: each is blocked by a statement of its own, as the server wants it; all else is one
//! statement for all of them. What is wrong with one stops no other.

use std::collections::BTreeMap;

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_operations::{Operation, Step, UndoEnd};
use ostler_vocabulary::{ErrorKind, Failure, Unit};
use serde_json::Value;

use super::batch::Batch;
use super::leaving::Standing;
use super::partition::is_it;
use super::{CrateDb, begun, of_item, too_many};
use crate::facts::Values;
use crate::strategy::problem;

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
        let found: Vec<Standing> = op
            .step("look")
            .key(key)
            .retries(3)
            .run(|_| async { self.standings(batch).await })
            .await?;
        let there: Vec<bool> = found.iter().map(|found| found.is_there()).collect();
        // An operator's own block stays.
        let blocked: Vec<bool> = found.iter().map(|found| found.is_blocked()).collect();
        for (proof, there) in proofs.iter_mut().zip(&there) {
            proof.note = (!there).then(|| "it was gone already".to_owned());
        }
        let block = |step: Step| async move {
            step.progress.add_total(batch.len() as u64);
            self.confirm_lease().await?;
            self.block_all(batch, true, Some(&step)).await
        };
        // Whoever stops the operation, or its failing elsewhere, does not leave partitions that take no rows.
        let back = (self.clone(), op.id().to_string(), batch.clone(), blocked.clone());
        let undo = move |_| {
            let (it, owner, batch, blocked) = back.clone();
            async move {
                it.nobody_else(&owner).await?;
                it.open_all(&batch, &blocked).await
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
        let open = self
            .allow_writes(op, key, batch, (wrong, &counted, &blocked), &mut proofs)
            .await?;
        for proof in proofs.iter().filter(|_| open) {
            let (action, table) = (&proof.action, &proof.table);
            op.settle(
                key,
                match &proof.problem {
                    None => format!("{action} {table}: {} rows", proof.removed),
                    Some(problem) => format!("{action} {table}: it stays: {}", problem.reason),
                },
            );
        }
        op.step("record")
            .key(key)
            .retries(3)
            .run(|_| async { self.record_all(op, items, &proofs).await })
            .await?;
        Ok(proofs)
    }

    /// Lets what stays take rows as before, and writes down why it stays. Whether all do.
    async fn allow_writes(
        &self,
        op: &Operation,
        key: &str,
        batch: &Batch,
        (wrong, counted, blocked): (Verdicts, &[Option<u64>], &[bool]),
        proofs: &mut [RetentionProof],
    ) -> Result<bool, Failure> {
        let to_open: Vec<bool> = wrong
            .iter()
            .zip(blocked)
            .map(|(wrong, blocked)| wrong.is_some() && !blocked)
            .collect();
        let stays = &batch.some(&to_open);
        let mut opened = Vec::new();
        if !stays.partitions.is_empty() {
            opened = op
                .step("allow writes")
                .key(key)
                .retries(3)
                .run(|_| async move { self.block_all(stays, false, None).await })
                .await?;
        }
        let mut opened: std::vec::IntoIter<Option<RetentionProblem>> = opened.into_iter();
        let mut all = true;
        for (place, wrong) in wrong.into_iter().enumerate() {
            let (Some(wrong), proof) = (wrong, &mut proofs[place]) else {
                continue;
            };
            proof.after = counted.get(place).copied().flatten().unwrap_or(0);
            let verdict = to_open[place].then(|| opened.next().flatten());
            proof.note = Some(match verdict {
                None => "it takes no rows, as before".to_owned(),
                Some(None) => "it takes rows again".to_owned(),
                Some(Some(problem)) => {
                    all = false;
                    format!("it is still there and takes no rows: {}", problem.reason)
                }
            });
            proof.problem = Some(wrong);
        }
        Ok(all)
    }

    /// Which of them are there, being the very ones of the plan.
    async fn standing(&self, batch: &Batch) -> Result<Vec<bool>, Failure> {
        let args = batch.idents();
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

    /// What there is of each, before anything is done to it.
    async fn standings(&self, batch: &Batch) -> Result<Vec<Standing>, Failure> {
        let there = self.standing(batch).await?;
        let sql = include_str!("queries/blocked_all.sql");
        let answer = self.client.execute(sql, &batch.idents()).await?;
        let blocked: Vec<&str> = answer
            .rows
            .iter()
            .filter_map(|row| row.first()?.as_str())
            .collect();
        let found = batch.partitions.iter().zip(there);
        Ok(found
            .map(|(partition, there)| Standing::Found {
                there,
                blocked: there && blocked.contains(&partition.ident.as_str()),
            })
            .collect())
    }

    /// Allows writes to each that was not blocked before. When all are gone, nothing is to be undone.
    async fn open_all(&self, batch: &Batch, blocked: &[bool]) -> Result<UndoEnd, Failure> {
        if !self.standing(batch).await?.contains(&true) {
            let what = format!(
                "drop partition: {} partitions of {} are gone",
                batch.len(),
                batch.table
            );
            return Ok(UndoEnd::Complete(what));
        }
        let free: Vec<bool> = blocked.iter().map(|blocked| !blocked).collect();
        let refused = self.block_all(&batch.some(&free), false, None).await?;
        match refused.into_iter().flatten().next() {
            Some(problem) => Err(Failure::new(problem.kind, problem.reason)),
            None => Ok(UndoEnd::Undone),
        }
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
