//! What a rollup sums up goes: raw rows, and buckets of a level, when the level after has the same sums. The rows that are
//! deleted are the rows that are compared: both is one statement, which is taken back when a single group differs.

use std::time::Duration;

use ostler_api::document::{RetentionItem, RetentionProof};
use ostler_api::retention::Pace;
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_postgres::quote::identifier;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use tokio::time::Instant;

use super::super::patience::{Patience, rest};
use super::super::statement::{fill, quoted};
use super::super::sweep::next_size;
use super::super::{Postgres, key, of_item};
use super::sheet::{Sheet, moment};
use crate::bounds::range_of;
use crate::column::TimeColumn;
use crate::passes::Pass;
use crate::rollup::{Compared, Window, after, align, mended, unlike};
use crate::strategy::{Proven, Target};

/// Fewer rows in a statement are not worth one of their own.
const FEW_ROWS: u64 = 50;

impl Postgres {
    /// The sheet of the rollup that has to have the sums, and the window that is up to a target's boundary.
    async fn proven_by(&self, proven: &Proven) -> Result<(Sheet, Option<Timestamp>), Failure> {
        let (rollup, states) = self.rollup(&proven.rollup).await?;
        let sheet = self.sheet(&proven.rollup, rollup).await?;
        let kept = states
            .get(proven.level as usize)
            .and_then(|state| state.kept_from);
        Ok((sheet, kept))
    }

    /// Rows that go, window by window.
    pub(in super::super) async fn remove_summed(
        &self,
        op: &Operation,
        item: &RetentionItem,
        (target, proven): (&Target, &Proven),
        pace: Pace,
        mut proof: RetentionProof,
    ) -> Result<RetentionProof, Failure> {
        let before = proof.before;
        let pass = Pass {
            delete: |_, step: Step| async move {
                step.progress.add_total(before);
                of_item(self.delete_summed(op, item, (target, proven), pace, &step).await)
            },
            prove: || async { of_item(self.prove(op, item, target).await) },
            tell: |proof, (removed, after)| (proof.removed, proof.after) = (removed, after),
            leaves: format!(
                "rows of {} that were deleted stay deleted, and stay in the rollup",
                item.table
            ),
        };
        pass.once(op, &key(item), (0, before), &mut proof).await?;
        let left = "they came after their buckets were proven, and are in none";
        let mut proof = self.end(op, item, (ErrorKind::Conflict, left), proof).await?;
        if proof.problem.is_none() {
            proof.note = Some(format!("the sums are in rollup {}", proven.rollup));
        }
        Ok(proof)
    }

    async fn delete_summed(
        &self,
        op: &Operation,
        item: &RetentionItem,
        (target, proven): (&Target, &Proven),
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let (sheet, kept) = self.proven_by(proven).await?;
        let level = proven.level as usize + 1;
        let width = sheet.widths.get(level - 1).copied().unwrap_or(1);
        let time = match proven.level {
            0 => sheet.time,
            _ => TimeColumn::Moment,
        };
        let utc = jiff::tz::TimeZone::UTC;
        let Target::Rows {
            boundary: Some(boundary),
            ..
        } = target
        else {
            return Err(Failure::new(ErrorKind::Invalid, "rows without a boundary"));
        };
        let end = time
            .moment(boundary, &utc)
            .map(|end| align(end, width))
            .ok_or_else(|| Failure::new(ErrorKind::Invalid, format!("{boundary} is no moment")))?;
        let mut buckets: i64 = 1;
        let mut patience = Patience::new(pace.lock_wait_ms);
        let mut begin = kept;
        loop {
            // Where there is nothing for a long time, nothing is looked for.
            let oldest = self.oldest_from(&sheet, proven.level, begin).await?;
            let Some(oldest) = oldest.filter(|oldest| *oldest < end) else {
                return Ok(());
            };
            let from = align(oldest, width).max(begin.unwrap_or(Timestamp::MIN));
            let to = after(from, width.saturating_mul(buckets)).min(end);
            let window = Window {
                rollup: proven.rollup.clone(),
                level: proven.level + 1,
                from,
                to,
            };
            let start = Instant::now();
            let compared = match self.delete_window(op, item, &sheet, &window).await {
                Ok(compared) => compared,
                Err(error) => {
                    patience.after(error, &step.cancelled).await?;
                    continue;
                }
            };
            if compared.different > 0 {
                // Rows that came late: while all of them are there, buckets can be made anew.
                self.mend(&sheet, &window, pace, step).await?;
                let compared = match self.delete_window(op, item, &sheet, &window).await {
                    Ok(compared) => compared,
                    Err(error) => {
                        patience.after(error, &step.cancelled).await?;
                        continue;
                    }
                };
                if compared.different > 0 {
                    return Err(unlike(&window, compared));
                }
            }
            patience = Patience::new(pace.lock_wait_ms);
            let took = start.elapsed();
            step.progress.add_done(compared.rows);
            begin = Some(to);
            // Where there are few rows, fewer buckets make no statement quicker.
            buckets = match compared.rows {
                0..FEW_ROWS => buckets.saturating_mul(2),
                _ => next_size(buckets.max(2), took, Duration::from_millis(pace.batch_ms)).max(1),
            };
            rest(took.mul_f64(pace.rest.clamp(0.0, 100.0)), &step.cancelled).await?;
        }
    }

    /// The oldest row of a level (0 for raw) of a moment or later.
    pub(super) async fn oldest_from(
        &self,
        sheet: &Sheet,
        level: u32,
        from: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, Failure> {
        let (table, column, time) = match level {
            0 => (
                quoted(&sheet.rollup.table),
                identifier(&sheet.rollup.column),
                sheet.time,
            ),
            level => (
                quoted(&sheet.rollup.level_table(&sheet.name, level as usize)),
                "bucket".to_owned(),
                TimeColumn::Moment,
            ),
        };
        let condition = match (level, from) {
            (_, None) => "true".to_owned(),
            (0, Some(from)) => format!("{column} >= {}", sheet.raw_value(from)),
            (_, Some(from)) => format!("{column} >= {}", moment(from)),
        };
        let statement = fill(
            include_str!("../queries/oldest.sql"),
            &[("value", &column), ("table", &table), ("condition", &condition)],
        );
        let row = self.session.one(&statement, &[]).await?;
        let oldest: Option<String> = row.get(0);
        Ok(oldest.and_then(|oldest| time.moment(&oldest, &jiff::tz::TimeZone::UTC)))
    }

    /// Deletes the rows of a window if the level after has their sums; else nothing is changed.
    async fn delete_window(
        &self,
        op: &Operation,
        item: &RetentionItem,
        sheet: &Sheet,
        window: &Window,
    ) -> Result<Compared, ostler_postgres::Error> {
        // Raw rows are a user's, with triggers; levels are ours.
        let begin = match window.level {
            1 => include_str!("../queries/begin_removal.sql"),
            _ => "BEGIN",
        };
        let transaction = self.session.begin(begin).await?;
        let compared = self.delete_in_transaction(op, item, sheet, window).await?;
        match compared.different {
            0 => transaction.commit().await?,
            _ => transaction.rollback().await?,
        }
        Ok(compared)
    }

    async fn delete_in_transaction(
        &self,
        op: &Operation,
        item: &RetentionItem,
        sheet: &Sheet,
        window: &Window,
    ) -> Result<Compared, ostler_postgres::Error> {
        let level = window.level as usize;
        let (source, condition, _) = sheet.source(level, window.from, window.to);
        let gone = fill(
            include_str!("../queries/rollup_gone.sql"),
            &[("table", &source), ("condition", &condition)],
        );
        let compared = self
            .compare(sheet, window, &gone, ("ostler_gone", "true"))
            .await?;
        if compared.different > 0 {
            return Ok(compared);
        }
        let (operation, place) = (op.id().to_string(), key(item));
        let rows = i64::try_from(compared.rows).unwrap_or(i64::MAX);
        let parameters = [
            (&operation as _, Type::TEXT),
            (&place as _, Type::TEXT),
            (&rows as _, Type::INT8),
        ];
        let add = self.own(include_str!("../queries/more_progress.sql"));
        self.session.execute(&add, &parameters).await?;
        self.move_mark(
            include_str!("../queries/rollup_kept.sql"),
            (&window.rollup, window.level - 1),
            window.to,
        )
        .await?;
        Ok(compared)
    }

    /// Compares a level with what it is made from, group by group.
    async fn compare(
        &self,
        sheet: &Sheet,
        window: &Window,
        with: &str,
        source: (&str, &str),
    ) -> Result<Compared, ostler_postgres::Error> {
        let of = Sheet::bucket_window(window.from, window.to);
        let statement = sheet.compared(window.level as usize, with, source, &of);
        let row = self.session.one(&statement, &[]).await?;
        let number = |at| u64::try_from(row.get::<_, i64>(at)).unwrap_or(0);
        Ok(Compared {
            groups: number(0),
            different: number(1),
            rows: number(2),
        })
    }

    /// Makes the buckets of a window anew, and those of all levels after that are made from them.
    async fn mend(&self, sheet: &Sheet, window: &Window, pace: Pace, step: &Step) -> Result<(), Failure> {
        let (_, states) = self.rollup(&sheet.name).await?;
        for part in mended(window, &sheet.widths, &states) {
            let mut patience = Patience::new(pace.lock_wait_ms);
            while let Err(error) = self.make_window(sheet, &part, None).await? {
                patience.after(error, &step.cancelled).await?;
            }
        }
        Ok(())
    }

    /// Before a partition is detached: the rollup is given what came late, as long as all rows are there.
    pub(in super::super) async fn sum_up_partition(
        &self,
        (target, proven): (&Target, &Proven),
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let (sheet, _) = self.proven_by(proven).await?;
        let window = partition_window(&sheet, target, proven)?;
        let (source, condition, _) = sheet.source(1, window.from, window.to);
        let compared = self.compare(&sheet, &window, "", (&source, &condition)).await?;
        match compared.different {
            0 => Ok(()),
            _ => self.mend(&sheet, &window, pace, step).await,
        }
    }

    /// Whether the first level has the sums of a detached partition; tells its rows.
    pub(in super::super) async fn prove_partition(
        &self,
        item: &RetentionItem,
        (target, proven): (&Target, &Proven),
    ) -> Result<u64, Failure> {
        let (sheet, _) = self.proven_by(proven).await?;
        let window = partition_window(&sheet, target, proven)?;
        let source = quoted(&item.table);
        let compared = self.compare(&sheet, &window, "", (&source, "true")).await?;
        match compared.different {
            0 => Ok(compared.rows),
            _ => Err(unlike(&window, compared)),
        }
    }

    /// Says that the rows of a partition are gone.
    pub(in super::super) async fn partition_is_gone(
        &self,
        (target, proven): (&Target, &Proven),
    ) -> Result<(), Failure> {
        let (sheet, _) = self.proven_by(proven).await?;
        let window = partition_window(&sheet, target, proven)?;
        self.move_mark(
            include_str!("../queries/rollup_kept.sql"),
            (&proven.rollup, 0),
            window.to,
        )
        .await?;
        Ok(())
    }
}

/// The window of a partition's bounds.
fn partition_window(sheet: &Sheet, target: &Target, proven: &Proven) -> Result<Window, Failure> {
    let utc = jiff::tz::TimeZone::UTC;
    let range = match target {
        Target::Partition { bounds, .. } => range_of(bounds),
        _ => None,
    };
    let window =
        range.and_then(|(from, to)| Some((sheet.time.moment(&from, &utc)?, sheet.time.moment(&to, &utc)?)));
    let Some((from, to)) = window else {
        return Err(Failure::new(
            ErrorKind::Invalid,
            "its bounds do not tell which buckets it has",
        ));
    };
    Ok(Window {
        rollup: proven.rollup.clone(),
        level: 1,
        from,
        to,
    })
}
