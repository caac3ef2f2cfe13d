//! What a refresh does: which windows are made, and for which rows that came late. What every database does alike.

use async_trait::async_trait;
use ostler_api::tables::{RefreshRollup, Rollup, RollupState, TableItem, TablesWork};
use ostler_vocabulary::{Failure, Timestamp};

use super::{Differing, Window, late, looked_at, windows};
use crate::cutoff;
use crate::item::{detail_of, one_line};

/// A rollup in its database.
#[async_trait]
pub(crate) trait Levels: Send + Sync {
    /// What it is called, and what it is.
    fn rollup(&self) -> (&str, &Rollup);

    /// The oldest raw row.
    async fn first(&self) -> Result<Option<Timestamp>, Failure>;

    /// Buckets of the first level that have other rows than the table.
    async fn differing(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Differing>, Failure>;

    /// What is sent to the server for a window, for people.
    fn statements(&self, window: &Window) -> Vec<String>;
}

/// Works out what a refresh does; the moments of the request are filled in.
///
/// # Errors
/// [`crate::Error::Definition`]; moments that are none; failures of the database.
pub(crate) async fn plan(
    levels: &dyn Levels,
    states: &[RollupState],
    (database, now): (String, Timestamp),
    request: &mut RefreshRollup,
) -> Result<TablesWork, Failure> {
    let (name, rollup) = levels.rollup();
    let utc = jiff::tz::TimeZone::UTC;
    let until = cutoff::read(request.until.as_deref(), &utc, now)?;
    request.until = Some(until.to_string());
    let since = match &request.since {
        Some(text) => Some(cutoff::read(Some(text), &utc, now)?),
        None => None,
    };
    request.since = since.map(|since| since.to_string());
    let mut notes = Vec::new();
    let first = levels.first().await?;
    if let (Some(kept), Some(first)) = (states.first().and_then(|state| state.kept_from), first)
        && first < kept
    {
        notes.push(format!(
            "{} has rows before {kept}, from where on its rows are kept: they came after their buckets were proven, and are in none",
            rollup.table
        ));
    }
    let windows = windows(name, rollup, states, (first, since, until))?;
    let mut items = Vec::new();
    let looked_at = first.and_then(|first| looked_at(rollup, states, &windows, first));
    if let Some((from, to)) = looked_at {
        let found = levels.differing(from, to).await?;
        let late = late(name, rollup, states, &windows, &found)?;
        notes.extend(late.notes);
        for (window, reason) in late.windows {
            let mut item = item(levels, &window, reason)?;
            // Several of a level are told apart by where they begin.
            item.object = format!("{} from {}", item.object, window.from);
            items.push(item);
        }
    }
    if windows.is_empty() && items.is_empty() {
        notes.push(match first {
            Some(_) => "every whole bucket is summed up".to_owned(),
            None => format!("{} has no rows", rollup.table),
        });
    }
    for window in windows {
        let every = rollup.levels[window.level as usize - 1].every;
        let reason = format!("buckets of {every} from {} to {}", window.from, window.to);
        items.push(item(levels, &window, reason)?);
    }
    Ok(TablesWork {
        database,
        items,
        notes,
    })
}

/// A window as an item of a plan.
fn item(levels: &dyn Levels, window: &Window, reason: String) -> Result<TableItem, Failure> {
    let (name, rollup) = levels.rollup();
    let statements = levels.statements(window);
    Ok(TableItem {
        object: rollup.level_table(name, window.level as usize).to_string(),
        action: "roll up".to_owned(),
        reason,
        rows: None,
        statements: statements.iter().map(|statement| one_line(statement)).collect(),
        detail: detail_of(window)?,
    })
}
