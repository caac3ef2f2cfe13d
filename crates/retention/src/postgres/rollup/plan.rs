//! Which buckets a refresh makes, and by which statements.

use ostler_api::tables::{RefreshRollup, TableItem, TablesWork};
use ostler_vocabulary::{Failure, Timestamp};

use super::super::statement::fill;
use super::super::{Postgres, detail_of, one_line};
use super::sheet::Sheet;
use crate::column::TimeColumn;
use crate::rollup::{Differing, Window, late, looked_at, windows};
use crate::{Database, cutoff};

impl Postgres {
    pub(in super::super) async fn plan_refresh(
        &self,
        request: &mut RefreshRollup,
        now: Timestamp,
    ) -> Result<TablesWork, Failure> {
        let (rollup, states) = self.rollup(&request.name).await?;
        let sheet = self.sheet(&request.name, rollup).await?;
        let utc = jiff::tz::TimeZone::UTC;
        let until = cutoff::read(request.until.as_deref(), &utc, now)?;
        request.until = Some(until.to_string());
        let since = match &request.since {
            Some(text) => Some(cutoff::read(Some(text), &utc, now)?),
            None => None,
        };
        request.since = since.map(|since| since.to_string());
        let mut notes = Vec::new();
        let first = self.oldest_from(&sheet, 0, None).await?;
        if let (Some(kept), Some(first)) = (states.first().and_then(|state| state.kept_from), first)
            && first < kept
        {
            notes.push(format!(
                "{} has rows before {kept}, from where on its rows are kept: they came after their buckets were proven, and are in none",
                sheet.rollup.table
            ));
        }
        let windows = windows(&request.name, &sheet.rollup, &states, (first, since, until))?;
        let mut items = Vec::new();
        let looked_at = first.and_then(|first| looked_at(&sheet.rollup, &states, &windows, first));
        if let Some((from, to)) = looked_at {
            let found = self.differing(&sheet, from, to).await?;
            let late = late(&request.name, &sheet.rollup, &states, &windows, &found)?;
            notes.extend(late.notes);
            for (window, reason) in late.windows {
                let mut item = item(&sheet, &window, reason)?;
                // Several of a level are told apart by where they begin.
                item.object = format!("{} from {}", item.object, window.from);
                items.push(item);
            }
        }
        if windows.is_empty() && items.is_empty() {
            notes.push(match first {
                Some(_) => "every whole bucket is summed up".to_owned(),
                None => format!("{} has no rows", sheet.rollup.table),
            });
        }
        for window in windows {
            let every = sheet.rollup.levels[window.level as usize - 1].every;
            let reason = format!("buckets of {every} from {} to {}", window.from, window.to);
            items.push(item(&sheet, &window, reason)?);
        }
        Ok(TablesWork {
            database: self.name(),
            items,
            notes,
        })
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

/// A window as an item of a plan.
fn item(sheet: &Sheet, window: &Window, reason: String) -> Result<TableItem, Failure> {
    let level = window.level as usize;
    let (source, condition, table) = sheet.source(level, window.from, window.to);
    Ok(TableItem {
        object: sheet.rollup.level_table(&sheet.name, level).to_string(),
        action: "roll up".to_owned(),
        reason,
        rows: None,
        statements: vec![
            one_line(&clear(&table, window)),
            one_line(&make(sheet, level, &table, (&source, &condition))),
        ],
        detail: detail_of(window)?,
    })
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
