//! The statements that make, mark and remove buckets, and what a plan shows of them.

use async_trait::async_trait;
use ostler_api::tables::{RefreshRollup, Rollup, RollupState, TablesWork};
use ostler_cratedb::quote::identifier;
use ostler_vocabulary::{Failure, Timestamp};
use serde_json::Value;

use super::super::CrateDb;
use super::super::statement::{Bound, filled, quoted};
use super::sheet::Sheet;
use super::{read_moment, sketch};
use crate::Database;
use crate::rollup::{self, Differing, Levels, Window};

/// A column takes the new value, unless who made the row has the lease later than who writes it now.
pub(super) fn changed(column: &str) -> String {
    kept_or(column, &format!("excluded.{column}"))
}

fn kept_or(column: &str, new: &str) -> String {
    format!("{column} = CASE WHEN \"ostler_made\" <= excluded.\"ostler_made\" THEN {new} ELSE {column} END")
}

impl Sheet {
    /// The statements that make the buckets of a window, in their order.
    pub fn make(&self, window: &Window, made: i64) -> Vec<String> {
        let (table, condition) = self.source(window);
        let source = (table.as_str(), condition.as_str());
        let level = window.level as usize;
        let outputs = self.outputs();
        let mut changes: Vec<String> = outputs.iter().map(|it| changed(&identifier(&it.name))).collect();
        for value in self.sketched() {
            let count = identifier(&format!("{}_count", value.column));
            let (places, times) = sketch::columns(value);
            // Where no number is left, no place is.
            changes.extend([&places, &times].map(|column| {
                kept_or(
                    column,
                    &format!("CASE WHEN excluded.{count} > 0 THEN {column} END"),
                )
            }));
        }
        changes.extend(["\"ostler_proven\"", "\"ostler_made\""].map(changed));
        let places = [
            ("level", self.table(level)),
            ("columns", self.columns()),
            ("series", self.series()),
            ("made", made.to_string()),
            ("sums", self.sums(level, source, false)),
            ("changes", changes.join(", ")),
        ];
        let mut statements = vec![filled(include_str!("../queries/rollup_make.sql"), &places)];
        let sketched = self.sketched();
        statements.extend(sketched.map(|value| self.make_sketch(window, value, source, made)));
        statements
    }

    /// Removes buckets of a window that were not made anew: nothing is in them any more.
    pub fn clear(&self, window: &Window, made: i64) -> Bound {
        self.about(
            include_str!("../queries/rollup_clear.sql"),
            (window.level as usize, window.from, window.to),
            vec![made.into()],
        )
    }

    /// Makes the buckets of a window this runner's, whatever is in them.
    pub fn seal(&self, level: usize, (from, to): (Timestamp, Timestamp), made: i64) -> Bound {
        let template = include_str!("../queries/rollup_seal.sql");
        self.about(template, (level, from, to), vec![made.into(), made.into()])
    }

    /// Says of buckets that the next level was compared with them.
    pub fn prove(&self, level: usize, (from, to): (Timestamp, Timestamp), made: i64) -> Bound {
        self.about(
            include_str!("../queries/rollup_prove.sql"),
            (level, from, to),
            vec![made.into()],
        )
    }

    fn about(
        &self,
        template: &str,
        (level, from, to): (usize, Timestamp, Timestamp),
        args: Vec<Value>,
    ) -> Bound {
        let places = [
            ("table", self.table(level)),
            ("window", Self::bucket_window(from, to)),
        ];
        Bound {
            sql: filled(template, &places),
            args,
        }
    }

    /// Rows that a level is made from, of those that meet a condition.
    pub fn counting(&self, level: usize, condition: &str) -> String {
        let rows = match level {
            0 => "count(*)",
            _ => "coalesce(sum(\"samples\"), 0)",
        };
        self.counted(level, rows, condition)
    }

    /// The same with how many buckets there are.
    pub fn counting_buckets(&self, window: &Window) -> String {
        let condition = Self::bucket_window(window.from, window.to);
        let rows = "coalesce(sum(\"samples\"), 0), count(*)";
        self.counted(window.level as usize, rows, &condition)
    }

    /// Numbers that were counted, and numbers that are in sketches, of the buckets of a window.
    pub fn counting_places(&self, window: &Window) -> Option<String> {
        let sums = self.sketched().map(|value| {
            let count = identifier(&format!("{}_count", value.column));
            let (_, times) = sketch::columns(value);
            (
                format!("coalesce(sum({count}), 0)"),
                format!("coalesce(sum(array_sum({times})), 0)"),
            )
        });
        let (counts, times): (Vec<String>, Vec<String>) = sums.unzip();
        let rows = format!("{}, {}", counts.join(" + "), times.join(" + "));
        let condition = Self::bucket_window(window.from, window.to);
        (!counts.is_empty()).then(|| self.counted(window.level as usize, &rows, &condition))
    }

    pub fn counted(&self, level: usize, rows: &str, condition: &str) -> String {
        let places = [
            ("rows", rows.to_owned()),
            ("table", self.table(level)),
            ("window", condition.to_owned()),
        ];
        filled(include_str!("../queries/rollup_count.sql"), &places)
    }
}

/// A rollup in CrateDB.
struct Known<'a> {
    it: &'a CrateDb,
    sheet: &'a Sheet,
}

#[async_trait]
impl Levels for Known<'_> {
    fn rollup(&self) -> (&str, &Rollup) {
        (&self.sheet.name, &self.sheet.rollup)
    }

    async fn first(&self) -> Result<Option<Timestamp>, Failure> {
        self.it.refresh(&self.sheet.rollup.table).await?;
        self.it.oldest(self.sheet, 0).await
    }

    async fn differing(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Differing>, Failure> {
        let sheet = self.sheet;
        self.it.refresh_quoted(&sheet.table(1)).await?;
        let places = [
            ("bucket", sheet.bucket(&sheet.at(), 1)),
            ("table", quoted(&sheet.rollup.table)),
            ("raw_window", sheet.raw_window(from, to)),
            ("level", sheet.table(1)),
            ("window", Sheet::bucket_window(from, to)),
        ];
        let sql = filled(include_str!("../queries/rollup_late.sql"), &places);
        let answer = self.it.client.execute(&sql, &[]).await?;
        let found = answer.rows.iter().map(|row| match row.as_slice() {
            [bucket, rows, samples] => Some(Differing {
                bucket: read_moment(bucket)?,
                rows: rows.as_u64()?,
                samples: samples.as_u64()?,
            }),
            _ => None,
        });
        let found: Option<Vec<Differing>> = found.collect();
        Ok(found.ok_or_else(|| self.it.client.unexpected(&sql, "no bucket"))?)
    }

    fn statements(&self, window: &Window) -> Vec<String> {
        // The generation is known when it runs.
        let mut statements = self.sheet.make(window, 0);
        statements.push(self.sheet.clear(window, 0).written());
        statements
    }
}

impl CrateDb {
    pub(in super::super) async fn plan_rollup(
        &self,
        request: &mut RefreshRollup,
        now: Timestamp,
    ) -> Result<TablesWork, Failure> {
        let (sheet, states): (Sheet, Vec<RollupState>) = self.rollup(&request.name).await?;
        let known = Known {
            it: self,
            sheet: &sheet,
        };
        rollup::plan(&known, &states, (self.name(), now), request).await
    }

    /// The oldest row of a level, 0 for raw.
    pub(super) async fn oldest(&self, sheet: &Sheet, level: usize) -> Result<Option<Timestamp>, Failure> {
        let column = match level {
            0 => identifier(&sheet.rollup.column),
            _ => "\"bucket\"".to_owned(),
        };
        let places = [
            ("condition", format!("{column} IS NOT NULL")),
            ("column", column),
            ("table", sheet.table(level)),
        ];
        let sql = filled(include_str!("../queries/rollup_oldest.sql"), &places);
        let answer = self.client.execute(&sql, &[]).await?;
        let oldest = answer.rows.first().and_then(|row| row.first());
        Ok(match level {
            0 => oldest.and_then(|it| sheet.raw_moment(it.as_i64()?)),
            _ => oldest.and_then(read_moment),
        })
    }
}
