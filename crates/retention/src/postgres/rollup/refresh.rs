//! Levels brought up to date: windows of whole buckets, each made anew in one transaction with the watermark, so that readers
//! see either all of it or nothing, and with how far the operation is, so that whoever was killed goes on there.

use std::time::Duration;

use async_trait::async_trait;
use ostler_api::document::RetentionProblem;
use ostler_api::retention::Pace;
use ostler_api::tables::{TableItem, TableProof};
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use tokio::time::Instant;

use super::super::patience::{Patience, rest};
use super::super::statement::{fill, quoted};
use super::super::{Postgres, of_item, planned};
use super::plan::{clear, make};
use super::sheet::{Sheet, moment};
use crate::rollup::{Found, Made, Maker, Window, after, refresh};

/// How many buckets a refresh begins with, and how long a transaction is to take.
const FIRST_BUCKETS: i64 = 64;
const WANTED: Duration = Duration::from_secs(5);

#[async_trait]
impl Maker for Postgres {
    async fn roll_up(
        &self,
        op: &Operation,
        window: &Window,
        pace: Pace,
        step: &Step,
    ) -> Result<Result<Made, RetentionProblem>, Failure> {
        of_item(self.make_level(op, window, pace, step).await)
    }

    async fn read_back(&self, window: &Window) -> Result<Result<Found, RetentionProblem>, Failure> {
        of_item(self.found_of(window).await)
    }
}

impl Postgres {
    pub(in super::super) async fn refresh(
        &self,
        op: &Operation,
        item: &TableItem,
        pace: Pace,
    ) -> Result<TableProof, Failure> {
        let proof = refresh(self, op, item, pace).await?;
        let window: Window = planned(&item.detail)?;
        let window = &window;
        op.step("forget")
            .key(&item.object)
            .retries(3)
            .run(|_| async { self.forget_point(op, window).await })
            .await?;
        Ok(proof)
    }

    /// Makes a level from the one before, window by window, on from where this operation is.
    async fn make_level(
        &self,
        op: &Operation,
        window: &Window,
        pace: Pace,
        step: &Step,
    ) -> Result<Made, Failure> {
        let (rollup, states) = self.rollup(&window.rollup).await?;
        let sheet = self.sheet(&window.rollup, rollup).await?;
        let level = window.level as usize;
        let width = sheet.widths.get(level - 1).copied().unwrap_or(1);
        let kept = states.get(level - 1).and_then(|state| state.kept_from);
        if kept.is_some_and(|kept| kept > window.from) {
            return Err(Failure::new(
                ErrorKind::Conflict,
                "rows of that time have gone since the plan was made",
            ));
        }
        let (mut made, mut from) = self.made_before(op, window).await?;
        let mut buckets = FIRST_BUCKETS;
        let mut patience = Patience::new(pace.lock_wait_ms);
        while from < window.to {
            let to = after(from, width.saturating_mul(buckets)).min(window.to);
            let start = Instant::now();
            let part = Window {
                from,
                to,
                ..window.clone()
            };
            let done = match self.make_window(&sheet, &part, Some(op)).await? {
                Ok(done) => done,
                Err(error) => {
                    patience.after(error, &step.cancelled).await?;
                    continue;
                }
            };
            patience = Patience::new(pace.lock_wait_ms);
            step.progress.add_done(done.source);
            made = made.and(done);
            from = to;
            let took = start.elapsed();
            buckets = match took {
                took if took * 4 < WANTED => buckets.saturating_mul(4),
                took if took > WANTED * 2 => (buckets / 2).max(1),
                _ => buckets,
            };
            rest(Duration::ZERO, &step.cancelled).await?;
        }
        Ok(made)
    }

    /// Makes the buckets of a window anew, and counts what they are made from, in one snapshot. An error of the server comes
    /// back inside, for who wants to wait.
    pub(super) async fn make_window(
        &self,
        sheet: &Sheet,
        window: &Window,
        op: Option<&Operation>,
    ) -> Result<Result<Made, ostler_postgres::Error>, Failure> {
        let begin = include_str!("../queries/begin_snapshot.sql");
        let transaction = match self.session.begin(begin).await {
            Ok(transaction) => transaction,
            Err(error) => return Ok(Err(error)),
        };
        match self.make_window_once(sheet, window, op).await {
            Ok(made) if made.source == made.samples => Ok(transaction.commit().await.map(|()| made)),
            Ok(made) => Err(Failure::new(
                ErrorKind::Corrupt,
                format!("{} of {} rows were summed up", made.samples, made.source),
            )),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn make_window_once(
        &self,
        sheet: &Sheet,
        window: &Window,
        op: Option<&Operation>,
    ) -> Result<Made, ostler_postgres::Error> {
        let level = window.level as usize;
        let (source, condition, table) = sheet.source(level, window.from, window.to);
        self.session.batch(&clear(&table, window)).await?;
        let made = self
            .session
            .one(&make(sheet, level, &table, (&source, &condition)), &[])
            .await?;
        let rows = match level {
            1 => "count(*)",
            _ => "coalesce(sum(samples), 0)::bigint",
        };
        let count = fill(
            include_str!("../queries/rollup_count.sql"),
            &[("rows", rows), ("table", &source), ("window", &condition)],
        );
        let counted = self.session.one(&count, &[]).await?;
        self.move_mark(
            include_str!("../queries/rollup_advance.sql"),
            (&window.rollup, window.level),
            window.to,
        )
        .await?;
        if let Some(op) = op {
            let statement = self.own(include_str!("../queries/set_progress.sql"));
            let (operation, place) = (op.id().to_string(), point(window));
            let at = window.to.as_microsecond();
            let parameters = [
                (&operation as _, Type::TEXT),
                (&place as _, Type::TEXT),
                (&at as _, Type::INT8),
            ];
            self.session.execute(&statement, &parameters).await?;
        }
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        Ok(Made {
            source: number(counted.get(0)),
            samples: number(made.get(0)),
            groups: number(made.get(1)),
        })
    }

    /// What this operation made of a window before it was killed, and where it goes on.
    async fn made_before(&self, op: &Operation, window: &Window) -> Result<(Made, Timestamp), Failure> {
        let statement = self.own(include_str!("../queries/removed.sql"));
        let (operation, place) = (op.id().to_string(), point(window));
        let parameters = [(&operation as _, Type::TEXT), (&place as _, Type::TEXT)];
        let row = self.session.one(&statement, &parameters).await?;
        let at = Timestamp::from_microsecond(row.get(0)).unwrap_or(window.from);
        if at <= window.from {
            return Ok((Made::default(), window.from));
        }
        let done = Window {
            to: at,
            ..window.clone()
        };
        let (samples, groups, _) = self.found_of(&done).await?;
        let made = Made {
            source: samples,
            samples,
            groups,
        };
        Ok((made, at))
    }

    async fn forget_point(&self, op: &Operation, window: &Window) -> Result<(), Failure> {
        let statement = self.own(include_str!("../queries/forget_progress.sql"));
        let (operation, place) = (op.id().to_string(), point(window));
        let parameters = [(&operation as _, Type::TEXT), (&place as _, Type::TEXT)];
        self.session.execute(&statement, &parameters).await?;
        Ok(())
    }

    /// Moves a watermark, or the moment from which a level is kept, forward.
    pub(super) async fn move_mark(
        &self,
        template: &str,
        (rollup, level): (&str, u32),
        to: Timestamp,
    ) -> Result<(), ostler_postgres::Error> {
        let places = [
            ("schema", ostler_postgres::quote::identifier(&self.schema)),
            ("to", moment(to)),
        ];
        let places: Vec<(&str, &str)> = places
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let level = i32::try_from(level).unwrap_or(i32::MAX);
        let parameters = [(&rollup as _, Type::TEXT), (&level as _, Type::INT4)];
        self.session
            .execute(&fill(template, &places), &parameters)
            .await?;
        Ok(())
    }

    /// The rows that a window's buckets are made of, how many they are, and up to when the level is summed up, as a later
    /// statement finds them.
    async fn found_of(&self, window: &Window) -> Result<Found, Failure> {
        let (rollup, states) = self.rollup(&window.rollup).await?;
        let level = window.level as usize;
        let table = quoted(&rollup.level_table(&window.rollup, level));
        let count = fill(
            include_str!("../queries/rollup_count.sql"),
            &[
                ("rows", "coalesce(sum(samples), 0)::bigint, count(*)"),
                ("table", &table),
                ("window", &Sheet::bucket_window(window.from, window.to)),
            ],
        );
        let row = self.session.one(&count, &[]).await?;
        let number = |at| u64::try_from(row.get::<_, i64>(at)).unwrap_or(0);
        Ok((
            number(0),
            number(1),
            states.get(level).and_then(|state| state.watermark),
        ))
    }
}

/// What tells how far a window is from others' progress.
fn point(window: &Window) -> String {
    format!("level {} of rollup {}", window.level, window.rollup)
}
