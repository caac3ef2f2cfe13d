//! Levels brought up to date: windows of whole buckets, each made anew, read back and compared with what it is made from before the
//! watermark moves, and with how far the operation is, so that whoever was killed goes on there.

use std::time::Duration;

use async_trait::async_trait;
use ostler_api::document::RetentionProblem;
use ostler_api::retention::Pace;
use ostler_operations::{Operation, Step};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use serde_json::Value;

use super::super::rows::rest;
use super::super::{CrateDb, of_item};
use super::read_moment;
use super::sheet::Sheet;
use crate::rollup::{Found, Made, Maker, Window, after};

/// A statement sums up so many rows, or one bucket of each series.
const ROWS: u64 = 200_000;
/// How often a window is made while rows of it keep coming.
const TRIES: u32 = 3;

#[async_trait]
impl Maker for CrateDb {
    async fn roll_up(
        &self,
        op: &Operation,
        window: &Window,
        _pace: Pace,
        step: &Step,
    ) -> Result<Result<Made, RetentionProblem>, Failure> {
        of_item(self.make_level(op, window, step).await)
    }

    async fn read_back(&self, window: &Window) -> Result<Result<Found, RetentionProblem>, Failure> {
        of_item(self.found_of(window).await)
    }
}

impl CrateDb {
    /// Makes a level from the one before, window by window, on from where this operation is.
    async fn make_level(&self, op: &Operation, window: &Window, step: &Step) -> Result<Made, Failure> {
        let (sheet, states) = self.rollup(&window.rollup).await?;
        let level = window.level as usize;
        let kept = states.get(level - 1).and_then(|state| state.kept_from);
        if kept.is_some_and(|kept| kept > window.from) {
            return Err(Failure::new(
                ErrorKind::Conflict,
                "rows of that time have gone since the plan was made",
            ));
        }
        let point = format!("{} {}", op.id(), window.from);
        let (mut made, from) = self.made_before(&sheet, window, &point).await?;
        let left = Window {
            from,
            ..window.clone()
        };
        self.refresh_quoted(&sheet.table(level - 1)).await?;
        for part in self.parts(&sheet, &left).await? {
            rest(Duration::ZERO, step).await?;
            let done = self.make_window(&sheet, &part).await?;
            self.advance((&window.rollup, window.level), part.to, &point)
                .await?;
            step.progress.add_done(done.source);
            made = made.and(done);
        }
        Ok(made)
    }

    /// A window in parts of whole buckets, by how many rows there are: the same for the same rows, however long they take.
    pub(super) async fn parts(&self, sheet: &Sheet, window: &Window) -> Result<Vec<Window>, Failure> {
        let (_, condition) = sheet.source(window);
        let counting = sheet.counted(window.level as usize - 1, "count(*)", &condition);
        let [rows] = self.numbers(counting).await?;
        let width = sheet.widths.get(window.level as usize - 1).copied().unwrap_or(1);
        Ok(split(window, width, rows))
    }

    /// Makes the buckets of a window anew, and counts what they are made from.
    pub(super) async fn make_window(&self, sheet: &Sheet, window: &Window) -> Result<Made, Failure> {
        let level = window.level as usize;
        let (source, condition) = sheet.source(window);
        let table = sheet.table(level);
        let counting = sheet.counting(level - 1, &condition);
        let mut last = Made::default();
        for _ in 0..TRIES {
            self.refresh_quoted(&source).await?;
            self.refresh_quoted(&table).await?;
            let [before] = self.numbers(counting.clone()).await?;
            let generation = self.generation(std::slice::from_ref(&table)).await?;
            for statement in sheet.make(window, generation) {
                self.confirm_lease().await?;
                self.client.execute(&statement, &[]).await?;
                self.refresh_quoted(&table).await?;
            }
            self.confirm_lease().await?;
            self.ask(&sheet.clear(window, generation)).await?;
            self.refresh_quoted(&table).await?;
            self.refresh_quoted(&source).await?;
            let [samples, groups] = self.numbers(sheet.counting_buckets(window)).await?;
            let [later] = self.numbers(counting.clone()).await?;
            // There is no snapshot: rows that come meanwhile are in the buckets or not, and no other ones are.
            let expected = samples.clamp(before.min(later), before.max(later));
            last = Made {
                source: expected,
                samples,
                groups,
            };
            let whole = match sheet.counting_places(window) {
                Some(statement) => {
                    let [counted, placed] = self.numbers(statement).await?;
                    counted == placed
                }
                None => true,
            };
            if samples == expected && whole {
                return Ok(last);
            }
        }
        Err(Failure::new(
            ErrorKind::Corrupt,
            format!("{} of {} rows were summed up", last.samples, last.source),
        )
        .with_hint("rows came while they were summed up, or the server left out some that do not fit the level's table: try again"))
    }

    /// What this operation made of a window before it was killed, and where it goes on.
    async fn made_before(
        &self,
        sheet: &Sheet,
        window: &Window,
        point: &str,
    ) -> Result<(Made, Timestamp), Failure> {
        let args = [window.rollup.as_str().into(), window.level.into()];
        let answer = self
            .own(include_str!("../queries/rollup_reached.sql"), &args)
            .await?;
        let reached = match answer.rows.first().map(Vec::as_slice) {
            Some([Value::String(by), reached]) if by == point => read_moment(reached),
            _ => None,
        };
        let Some(at) = reached.filter(|at| *at > window.from) else {
            return Ok((Made::default(), window.from));
        };
        let done = Window {
            to: at,
            ..window.clone()
        };
        self.refresh_quoted(&sheet.table(window.level as usize)).await?;
        let [samples, groups] = self.numbers(sheet.counting_buckets(&done)).await?;
        let made = Made {
            source: samples,
            samples,
            groups,
        };
        Ok((made, at))
    }

    /// The rows that a window's buckets are made of, how many they are, and up to when the level is summed up, as a later
    /// statement finds them.
    async fn found_of(&self, window: &Window) -> Result<Found, Failure> {
        let (sheet, states) = self.rollup(&window.rollup).await?;
        let level = window.level as usize;
        self.refresh_quoted(&sheet.table(level)).await?;
        let [samples, groups] = self.numbers(sheet.counting_buckets(window)).await?;
        let watermark = states.get(level).and_then(|state| state.watermark);
        Ok((samples, groups, watermark))
    }
}

/// A window in parts of whole buckets, so many rows in each if they come evenly.
fn split(window: &Window, width: i64, rows: u64) -> Vec<Window> {
    let span = window.to.as_microsecond() - window.from.as_microsecond();
    let buckets = span.div_euclid(width.max(1)).max(1);
    let wanted = i64::try_from(rows.div_ceil(ROWS).max(1)).unwrap_or(i64::MAX);
    let each = (buckets / wanted.min(buckets)).max(1).saturating_mul(width);
    let mut parts = Vec::new();
    let mut from = window.from;
    while from < window.to {
        let to = after(from, each).min(window.to);
        parts.push(Window {
            from,
            to,
            ..window.clone()
        });
        from = to;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{ROWS, split};
    use crate::rollup::Window;

    #[test]
    fn parts_are_whole_buckets_that_follow_from_rows() {
        let window = Window {
            rollup: "r".into(),
            level: 1,
            from: "2024-01-01T00:00:00Z".parse().unwrap(),
            to: "2024-01-01T00:10:00Z".parse().unwrap(),
        };
        let minute = 60_000_000;
        for (rows, parts) in [(0, 1), (ROWS, 1), (ROWS + 1, 2), (ROWS * 3, 4), (u64::MAX, 10)] {
            let found = split(&window, minute, rows);
            assert_eq!(found.len(), parts, "{rows}");
            assert_eq!((found[0].from, found[parts - 1].to), (window.from, window.to));
            assert!(
                found.windows(2).all(|pair| pair[0].to == pair[1].from),
                "{found:?}"
            );
        }
    }
}
