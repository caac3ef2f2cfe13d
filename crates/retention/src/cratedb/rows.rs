//! Rows that go: by pieces of time, with a rest after each, counted before and after.

use std::time::Duration;

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::{Pace, TableName};
use ostler_cratedb::quote::identifier;
use ostler_operations::{Operation, Step};
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::Value;
use tokio::time::Instant;

use super::statement::{Bound, filled, of_rows, quoted, ranked};
use super::{CrateDb, begun, key, of_item, too_many};
use crate::Database;
use crate::passes::Pass;
use crate::strategy::{Target, problem};

/// So many rows go in one statement at first.
const FIRST_ROWS: u64 = 10_000;
/// Fewer rows in a statement are not worth one of their own.
const FEWEST_ROWS: u64 = 500;

/// What a look found: rows that go, and from when on.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct Found {
    pub rows: u64,
    /// The least value, where it is a number.
    from: Option<i64>,
}

/// So many of those that are not the newest of their key go in one statement, which ranks all rows of the table.
const RANKED_ROWS: u64 = 50_000;

/// The statement that removes them all.
pub(super) fn statement(table: &TableName, target: &Target) -> Option<Bound> {
    if let Some(ranked) = ranked(table, target) {
        return Some(without(table, ranked, ""));
    }
    let (condition, args) = of_rows(target)?;
    Some(bound(table, &condition, args))
}

fn bound(table: &TableName, condition: &str, args: Vec<Value>) -> Bound {
    let places = [("table", quoted(table)), ("condition", condition.to_owned())];
    Bound {
        sql: filled(include_str!("queries/drop.sql"), &places),
        args,
    }
}

/// The statement that removes rows of a query of their ids.
fn without(table: &TableName, ranked: Bound, limit: &str) -> Bound {
    let places = [
        ("table", quoted(table)),
        ("ranked", ranked.sql),
        ("limit", limit.to_owned()),
    ];
    Bound {
        sql: filled(include_str!("queries/drop_ranked.sql"), &places),
        args: ranked.args,
    }
}

impl CrateDb {
    pub(super) async fn remove_rows(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
    ) -> Result<RetentionProof, Failure> {
        let key = key(item);
        let mut proof = begun(item);
        let look = |_| async {
            let found = self.of_table(self.find_rows(&item.table, target).await).await?;
            Ok(found.and_then(|found| too_many(item, found.rows).map_or(Ok(found), Err)))
        };
        let looked: Result<Found, RetentionProblem> = op.step("look").key(&key).retries(3).run(look).await?;
        let found = match looked {
            Ok(found) => found,
            Err(problem) => {
                proof.problem = Some(problem);
                return Ok(proof);
            }
        };
        (proof.before, proof.after) = (found.rows, found.rows);
        if found.rows == 0 {
            return Ok(proof);
        }
        let pass = Pass {
            delete: |found: Found, step: Step| async move {
                step.progress.add_total(found.rows);
                of_item(self.delete(item, target, found, pace, &step).await)
            },
            prove: || async { self.of_table(self.find_rows(&item.table, target).await).await },
            tell: |proof, left: Found| {
                proof.after = left.rows;
                proof.removed = proof.before.saturating_sub(left.rows);
            },
            leaves: format!("rows of {} that were deleted stay deleted", item.table),
        };
        pass.again_and_again(op, item, found, &mut proof).await?;
        if proof.problem.is_none() && proof.after > 0 {
            let reason = format!("{} such rows are left: they came meanwhile", proof.after);
            proof.problem = Some(problem(ErrorKind::Conflict, reason));
        }
        Ok(proof)
    }

    pub(super) async fn find_rows(&self, table: &TableName, target: &Target) -> Result<Found, Failure> {
        let found = self.measure(table, target).await?;
        let (_, type_name) = target.column();
        let from = found.oldest.as_deref();
        let from = from.and_then(|oldest| super::span::parameter(oldest, type_name)?.as_i64());
        Ok(Found {
            rows: found.rows,
            from,
        })
    }

    /// Goes once through them, from the oldest on.
    async fn delete(
        &self,
        item: &RetentionItem,
        target: &Target,
        found: Found,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        if let Some(ranked) = ranked(&item.table, target) {
            return self.delete_ranked(item, ranked, pace, step).await;
        }
        let (condition, args) = of_rows(target).ok_or(crate::Error::ForeignPlan)?;
        let end = args.first().and_then(Value::as_i64);
        let (Some(from), Some(end)) = (found.from, end) else {
            let all = bound(&item.table, &condition, args);
            return self.delete_by(&all, step).await.map(drop);
        };
        let column = identifier(target.column().0);
        let mut from = from;
        let mut left = found.rows;
        let mut width = first_width(found.rows, end.saturating_sub(from));
        while from < end {
            let to = last_of(from, width, left, end);
            let start = Instant::now();
            let piece = match to == end {
                // With what came before the first one meanwhile.
                true => bound(&item.table, &condition, args.clone()),
                false => bound(&item.table, &format!("{column} < ?"), vec![to.into()]),
            };
            let piece = self.delete_by(&piece, step).await?;
            let took = start.elapsed();
            width = next_width(width, piece, took, Duration::from_millis(pace.batch_ms));
            left = left.saturating_sub(piece);
            from = to;
            if piece > 0 && from < end {
                rest(took.mul_f64(pace.rest.clamp(0.0, 100.0)), step).await?;
            }
        }
        Ok(())
    }

    /// Deletes those that are not among the newest of their key. What is deleted is ranked no more only after a refresh.
    async fn delete_ranked(
        &self,
        item: &RetentionItem,
        ranked: Bound,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let piece = without(&item.table, ranked, &format!("LIMIT {RANKED_ROWS}"));
        loop {
            let start = Instant::now();
            let gone = self.delete_by(&piece, step).await?;
            self.refresh(&item.table).await?;
            if gone < RANKED_ROWS {
                return Ok(());
            }
            rest(start.elapsed().mul_f64(pace.rest.clamp(0.0, 100.0)), step).await?;
        }
    }

    /// One statement.
    async fn delete_by(&self, piece: &Bound, step: &Step) -> Result<u64, Failure> {
        self.confirm_lease().await?;
        let answer = self.ask(piece).await?;
        let gone = u64::try_from(answer.rowcount).unwrap_or(0);
        step.progress.add_done(gone);
        Ok(gone)
    }
}

/// How much time the first statement takes away: all of it, when there are few rows.
fn first_width(rows: u64, span: i64) -> i64 {
    if rows <= FIRST_ROWS {
        return span.max(1);
    }
    let pieces = i64::try_from(rows.div_ceil(FIRST_ROWS)).unwrap_or(i64::MAX);
    (span / pieces).max(1)
}

/// Up to where the next one goes, when so many rows are left. The last ones go together, whatever time is left.
fn last_of(from: i64, width: i64, left: u64, end: i64) -> i64 {
    match left {
        0..FEWEST_ROWS => end,
        _ => from.saturating_add(width).min(end),
    }
}

/// How much the next one takes away: what would have taken as long as it should, at most twice as much, at least half. Where there
/// are few rows, less time makes no statement quicker: what takes its time is the way to the server.
fn next_width(width: i64, rows: u64, took: Duration, wanted: Duration) -> i64 {
    if rows < FEWEST_ROWS {
        return width.saturating_mul(2);
    }
    let ratio = wanted.as_secs_f64() / took.as_secs_f64().max(0.000_1);
    if ratio >= 2.0 {
        width.saturating_mul(2)
    } else if ratio <= 0.5 {
        (width / 2).max(1)
    } else {
        width
    }
}

/// Waits, unless the operation is to stop.
pub(super) async fn rest(pause: Duration, step: &Step) -> Result<(), Failure> {
    tokio::select! {
        biased;
        () = step.cancelled.cancelled() => Err(Failure::new(ErrorKind::Cancelled, "somebody asked for it to stop")),
        () = tokio::time::sleep(pause) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, first_width, last_of, next_width};

    #[test]
    fn pieces_of_time_follow_from_rows_and_from_how_long_they_took() {
        assert_eq!(first_width(10_000, 1_000), 1_000);
        assert_eq!(first_width(100_000, 1_000), 100);
        assert_eq!(first_width(u64::MAX, 5), 1);
        for (rows, took, next) in [
            (1_000, 1, 200),
            (1_000, 60, 100),
            (1_000, 500, 50),
            (499, 500, 200),
        ] {
            let found = next_width(100, rows, Duration::from_millis(took), Duration::from_millis(100));
            assert_eq!(found, next, "{rows} rows, {took} ms");
        }
        assert_eq!(
            next_width(1, 500, Duration::from_secs(9), Duration::from_millis(1)),
            1
        );
    }

    /// However slow every statement is, and wherever in the time the rows are.
    #[test]
    fn statements_come_to_an_end_when_each_takes_longer_than_it_may() {
        const YEAR: i64 = 365 * 86_400_000;
        for (count, crowded) in [(100_000_i64, false), (100_000, true), (499, false)] {
            let at = |row: i64| match crowded {
                true => YEAR / 2 + row,
                false => row * (YEAR / count),
            };
            let total = u64::try_from(count).unwrap();
            let (mut from, mut left, mut statements) = (0, total, 0_u64);
            let mut width = first_width(total, YEAR);
            while from < YEAR {
                let to = last_of(from, width, left, YEAR);
                let piece = (0..count).filter(|row| (from..to).contains(&at(*row))).count() as u64;
                width = next_width(width, piece, Duration::from_millis(260), Duration::from_millis(1));
                left = left.saturating_sub(piece);
                from = to;
                statements += 1;
                assert!(statements <= total / 100 + 100, "{width} at {from}");
            }
            assert_eq!(left, 0);
        }
    }
}
