//! Rows that go: in batches that take a fraction of a second, with a rest after each, each counted in the statement that
//! deletes.

use std::time::Duration;

use ostler_api::document::{RetentionItem, RetentionProof};
use ostler_api::retention::Pace;
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_postgres::quote::{identifier, literal};
use ostler_vocabulary::{ErrorKind, Failure};
use tokio::time::Instant;

use super::catalogue::{CONCURRENTLY, Leaf};
use super::patience::{Patience, rest};
use super::statement::{condition, fill, quoted, ranked};
use super::{Postgres, key, of_item, too_many};
use crate::Database;
use crate::passes::Pass;
use crate::strategy::{Form, Target, problem};

const FIRST_ROWS: i64 = 1_000;
const FEWEST_ROWS: i64 = 50;
const MOST_ROWS: i64 = 50_000;
const FIRST_BLOCKS: i64 = 32;
/// More rows than so many blocks can hold are more than a batch may have.
const MOST_BLOCKS: i64 = 256;
const ROWS_OF_BLOCKS: i64 = 100_000;

/// In which order a table's rows are gone through.
#[derive(Debug)]
enum Way {
    /// By time, along an index; on from this value.
    Time(Option<String>),
    /// Block by block, from this one on.
    Blocks(i64),
    /// As they come.
    Any,
}

impl Postgres {
    pub(super) async fn remove_rows(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        mut proof: RetentionProof,
    ) -> Result<RetentionProof, Failure> {
        proof.after = proof.before;
        let before = proof.before;
        let pass = Pass {
            delete: |_, step: Step| async move {
                step.progress.add_total(before);
                of_item(self.delete(op, item, target, pace, &step).await)
            },
            prove: || async { of_item(self.prove(op, item, target).await) },
            tell: |proof, (removed, after)| (proof.removed, proof.after) = (removed, after),
            leaves: format!("rows of {} that were deleted stay deleted", item.table),
        };
        pass.again_and_again(op, item, (0, before), &mut proof).await?;
        let left = "they came meanwhile, or others hold them";
        self.end(op, item, (ErrorKind::Busy, left), proof).await
    }

    /// Says why rows are left, if any are, and forgets how far the deletion was.
    pub(super) async fn end(
        &self,
        op: &Operation,
        item: &RetentionItem,
        (kind, left): (ErrorKind, &str),
        mut proof: RetentionProof,
    ) -> Result<RetentionProof, Failure> {
        if proof.problem.is_none() && proof.after > 0 {
            let reason = format!("{} such rows are left: {left}", proof.after);
            proof.problem = Some(problem(kind, reason));
        }
        op.step("forget")
            .key(key(item))
            .retries(3)
            .run(|_| async {
                self.progress(op, item, include_str!("queries/forget_progress.sql"))
                    .await
            })
            .await?;
        Ok(proof)
    }

    pub(super) async fn look_at_rows(&self, item: &RetentionItem, target: &Target) -> Result<u64, Failure> {
        for leaf in self.leaves(&item.table, target.column().0).await? {
            if !leaf.is_table {
                return Err(Failure::new(
                    ErrorKind::Unsupported,
                    format!("{} is no table with rows of its own", leaf.table),
                ));
            }
        }
        let rows = self.measure(&item.table, target).await?.rows;
        too_many(item, rows).map_or(Ok(rows), |refused| {
            Err(Failure::new(refused.kind, refused.reason))
        })
    }

    /// Goes once through all tables with rows.
    async fn delete(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let blocks_are_ranges = self.release().await? >= CONCURRENTLY;
        for leaf in self.leaves(&item.table, target.column().0).await? {
            self.sweep(op, item, target, pace, step, &leaf, blocks_are_ranges)
                .await?;
        }
        Ok(())
    }

    /// Goes once through one table.
    #[allow(clippy::too_many_arguments, reason = "all of them are what a batch needs")]
    async fn sweep(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        step: &Step,
        leaf: &Leaf,
        blocks_are_ranges: bool,
    ) -> Result<(), Failure> {
        let Target::Rows {
            form,
            last,
            type_name,
            ..
        } = target
        else {
            return Ok(());
        };
        let mut way = match (last, form) {
            (Some(_), _) => Way::Any,
            // An index of text is not in the order of bytes.
            (None, form) if leaf.has_order && *form != Some(Form::Ulid) => Way::Time(None),
            (None, _) if blocks_are_ranges => Way::Blocks(0),
            (None, _) => Way::Any,
        };
        let mut size = match way {
            Way::Blocks(_) => FIRST_BLOCKS,
            _ => FIRST_ROWS,
        };
        let mut patience = Patience::new(pace.lock_wait_ms);
        loop {
            let limit = if matches!(way, Way::Blocks(_)) {
                ROWS_OF_BLOCKS
            } else {
                size
            };
            let statement = self.batch(leaf, target, &way, size, limit);
            let (operation, place) = (op.id().to_string(), key(item));
            let parameters = [(&operation as _, Type::TEXT), (&place as _, Type::TEXT)];
            let start = Instant::now();
            let row = match self.session.one(&statement, &parameters).await {
                Ok(row) => row,
                Err(error) => {
                    patience.after(error, &step.cancelled).await?;
                    continue;
                }
            };
            patience = Patience::new(pace.lock_wait_ms);
            let took = start.elapsed();
            let gone: i64 = row.get(1);
            step.progress.add_done(u64::try_from(gone).unwrap_or(0));
            let done = match &mut way {
                Way::Time(from) => {
                    let newest: Option<String> = row.get(2);
                    *from = newest.map(|newest| format!("{}::{type_name}", literal(&newest).trim_start()));
                    gone == 0
                }
                Way::Blocks(from) => {
                    *from += size;
                    *from >= leaf.blocks
                }
                Way::Any => gone == 0,
            };
            if done {
                return Ok(());
            }
            let most = if matches!(way, Way::Blocks(_)) {
                MOST_BLOCKS
            } else {
                MOST_ROWS
            };
            let least = if matches!(way, Way::Blocks(_)) {
                1
            } else {
                FEWEST_ROWS
            };
            size = next_size(size, took, Duration::from_millis(pace.batch_ms)).clamp(least, most);
            // Nothing was deleted, nobody was disturbed.
            let pause = if gone == 0 {
                Duration::ZERO
            } else {
                took.mul_f64(pace.rest.clamp(0.0, 100.0))
            };
            rest(pause, &step.cancelled).await?;
        }
    }

    /// The statement of a batch.
    fn batch(&self, leaf: &Leaf, target: &Target, way: &Way, size: i64, limit: i64) -> String {
        let table = quoted(&leaf.table);
        let column = identifier(target.column().0);
        let mut of_rows = match ranked(&table, target) {
            Some(ranked) => {
                format!("ctid = ANY (ARRAY(SELECT ostler_row FROM ({ranked} LIMIT {limit}) AS old))")
            }
            None => condition(target),
        };
        let mut order = String::new();
        match way {
            Way::Time(from) => {
                order = format!("ORDER BY {column}");
                if let Some(from) = from {
                    of_rows.push_str(&format!(" AND {column} >= {from}"));
                }
            }
            Way::Blocks(from) => {
                let to = from + size;
                of_rows.push_str(&format!(
                    " AND ctid >= '({from},0)'::tid AND ctid < '({to},0)'::tid"
                ));
            }
            Way::Any => {}
        }
        let places = [
            ("table", table.as_str()),
            ("column", &column),
            ("condition", &of_rows),
            ("order", &order),
            ("rows", &limit.to_string()),
            ("schema", &identifier(&self.schema)),
        ];
        fill(include_str!("queries/delete_batch.sql"), &places)
    }

    /// How many rows were removed, by what the batches wrote, and how many such rows there are.
    pub(super) async fn prove(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
    ) -> Result<(u64, u64), Failure> {
        let removed = self
            .progress(op, item, include_str!("queries/removed.sql"))
            .await?;
        Ok((removed, self.measure(&item.table, target).await?.rows))
    }

    /// Asks for, or forgets, what was removed so far.
    pub(super) async fn progress(
        &self,
        op: &Operation,
        item: &RetentionItem,
        template: &str,
    ) -> Result<u64, Failure> {
        let (operation, place) = (op.id().to_string(), key(item));
        let parameters = [(&operation as _, Type::TEXT), (&place as _, Type::TEXT)];
        let rows = self.session.query(&self.own(template), &parameters).await?;
        let removed = rows.first().map_or(0, |row| row.get::<_, i64>(0));
        Ok(u64::try_from(removed).unwrap_or(0))
    }
}

/// The size of the next batch: what would have taken as long as it should, at most twice as much, at least half.
pub(super) fn next_size(size: i64, took: Duration, wanted: Duration) -> i64 {
    let ratio = wanted.as_secs_f64() / took.as_secs_f64().max(0.000_1);
    if ratio >= 2.0 {
        size * 2
    } else if ratio <= 0.5 {
        size / 2
    } else if ratio < 0.9 {
        size * 9 / 10
    } else if ratio > 1.1 {
        size * 11 / 10
    } else {
        size
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, next_size};

    #[test]
    fn batches_grow_and_shrink_towards_the_time_they_may_take() {
        for (took, next) in [
            (1, 2_000),
            (50, 2_000),
            (80, 1_100),
            (100, 1_000),
            (120, 900),
            (500, 500),
        ] {
            let found = next_size(1_000, Duration::from_millis(took), Duration::from_millis(100));
            assert_eq!(found, next, "{took} ms");
        }
    }
}
