//! Which buckets a refresh makes, and by which statements.

use async_trait::async_trait;
use ostler_api::tables::{RefreshRollup, Rollup, TablesWork};
use ostler_vocabulary::{Failure, Timestamp};

use super::super::Postgres;
use super::super::statement::fill;
use super::sheet::Sheet;
use crate::Database;
use crate::column::TimeColumn;
use crate::rollup::{self, Differing, Levels, Window};

/// A rollup in PostgreSQL.
struct Known<'a> {
    it: &'a Postgres,
    sheet: &'a Sheet,
}

#[async_trait]
impl Levels for Known<'_> {
    fn rollup(&self) -> (&str, &Rollup) {
        (&self.sheet.name, &self.sheet.rollup)
    }

    async fn first(&self) -> Result<Option<Timestamp>, Failure> {
        self.it.oldest_from(self.sheet, 0, None).await
    }

    async fn differing(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Differing>, Failure> {
        self.it.differing(self.sheet, from, to).await
    }

    fn statements(&self, window: &Window) -> Vec<String> {
        let level = window.level as usize;
        let (source, condition, table) = self.sheet.source(level, window.from, window.to);
        vec![
            clear(&table, window),
            make(self.sheet, level, &table, (&source, &condition)),
        ]
    }
}

impl Postgres {
    pub(in super::super) async fn plan_refresh(
        &self,
        request: &mut RefreshRollup,
        now: Timestamp,
    ) -> Result<TablesWork, Failure> {
        let (rollup, states) = self.rollup(&request.name).await?;
        let sheet = self.sheet(&request.name, rollup).await?;
        let known = Known {
            it: self,
            sheet: &sheet,
        };
        rollup::plan(&known, &states, (self.name(), now), request).await
    }

    /// Buckets of the first level that have other rows than the table.
    async fn differing(
        &self,
        sheet: &Sheet,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Differing>, Failure> {
        let utc = jiff::tz::TimeZone::UTC;
        let rows = self.session.query(&sheet.differing(from, to), &[]).await?;
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        Ok(rows
            .iter()
            .filter_map(|row| {
                Some(Differing {
                    bucket: TimeColumn::Moment.moment(row.get(0), &utc)?,
                    rows: number(row.get(1)),
                    samples: number(row.get(2)),
                })
            })
            .collect())
    }
}

/// Removes the buckets of a window.
pub(super) fn clear(table: &str, window: &Window) -> String {
    let of = Sheet::bucket_window(window.from, window.to);
    fill(
        include_str!("../queries/rollup_clear.sql"),
        &[("table", table), ("window", &of)],
    )
}

/// Makes them.
pub(super) fn make(sheet: &Sheet, level: usize, table: &str, (source, condition): (&str, &str)) -> String {
    fill(
        include_str!("../queries/rollup_make.sql"),
        &[
            ("level", table),
            ("columns", &sheet.columns()),
            ("select", &sheet.summed(level, source, condition)),
        ],
    )
}
