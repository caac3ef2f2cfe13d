//! Rollups: what one has to be, where buckets begin, and which of them a refresh makes. Pure.

mod define;
mod late;
mod plan;
mod proof;
mod refresh;

use ostler_api::tables::{Rollup, RollupState};
use ostler_vocabulary::{Period, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Error;
pub(crate) use define::{lengths_and_time, resolved};
pub use late::{Differing, Late, late, looked_at};
pub(crate) use plan::{Levels, plan};
pub(crate) use proof::{Compared, Made, Same, after, mended, unlike};
pub(crate) use refresh::{Found, Maker, refresh};

/// Where a bucket of every length begins: a Monday, so that weeks begin on Mondays. Microseconds since 1970.
pub const ORIGIN: i64 = 946_857_600_000_000;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Sums of floating point numbers are the same if they differ by less than this share of the sum of their absolute values.
pub const FLOAT_BOUND: &str = "1e-9";
/// PostgreSQL cuts longer names off.
const LONGEST_NAME: usize = 63;

/// Buckets that a refresh makes anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The rollup.
    pub rollup: String,
    /// The level, 1 being the finest.
    pub level: u32,
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

/// How long a bucket is, in microseconds; `None` when that depends on the calendar.
#[must_use]
pub fn width(every: &Period) -> Option<i64> {
    match every {
        Period::Limited {
            months: 0,
            days,
            nanoseconds,
        } if nanoseconds % 1_000 == 0 => i64::from(*days)
            .checked_mul(DAY)?
            .checked_add(nanoseconds / 1_000),
        _ => None,
    }
}

/// The beginning of the bucket that a moment is in.
#[must_use]
pub fn align(moment: Timestamp, width: i64) -> Timestamp {
    let since = moment.as_microsecond().saturating_sub(ORIGIN);
    let start = since - since.rem_euclid(width.max(1));
    Timestamp::from_microsecond(start.saturating_add(ORIGIN)).unwrap_or(moment)
}

/// The lengths of buckets, the finest first.
///
/// # Errors
/// [`Error::Definition`]
pub fn widths(name: &str, rollup: &Rollup) -> Result<Vec<i64>, Error> {
    let wrong = |reason: String| Error::Definition {
        what: "rollup",
        name: name.to_owned(),
        reason,
    };
    let mut widths: Vec<i64> = Vec::new();
    for level in &rollup.levels {
        let Some(width) = width(&level.every).filter(|width| *width >= SECOND && width % SECOND == 0) else {
            return Err(wrong(format!(
                "a bucket of {} is not as long as another: lengths are whole seconds, and neither months nor years",
                level.every
            )));
        };
        if let Some(finer) = widths.last()
            && (width <= *finer || width % finer != 0)
        {
            return Err(wrong(format!(
                "{} is no multiple of the level before: buckets are made of whole ones",
                level.every
            )));
        }
        widths.push(width);
    }
    if widths.is_empty() {
        return Err(wrong("it has no level".to_owned()));
    }
    Ok(widths)
}

/// Whether a rollup can be.
///
/// # Errors
/// [`Error::Definition`]
pub fn valid(name: &str, rollup: &Rollup) -> Result<(), Error> {
    let wrong = |reason: String| {
        Err(Error::Definition {
            what: "rollup",
            name: name.to_owned(),
            reason,
        })
    };
    let blank = |text: &str| text.trim().is_empty() || text.chars().any(char::is_control);
    if blank(name) {
        return wrong("its name is blank".to_owned());
    }
    widths(name, rollup)?;
    if rollup.values.is_empty() {
        return wrong("it sums up no column".to_owned());
    }
    if width(&rollup.late).is_none() {
        return wrong("late rows come after a time of a fixed length".to_owned());
    }
    if rollup.gap.as_ref().is_some_and(|gap| width(gap).is_none()) {
        return wrong("a gap has a fixed length".to_owned());
    }
    let mut seen: Vec<&str> = vec![&rollup.column];
    let named = rollup
        .by
        .iter()
        .chain(rollup.values.iter().map(|value| &value.column));
    for column in named {
        if seen.contains(&column.as_str()) {
            return wrong(format!("column {column} is there twice"));
        }
        seen.push(column);
    }
    let longest = rollup
        .values
        .iter()
        .map(|value| format!("{}_first_at", value.column))
        .chain((1..=rollup.levels.len()).map(|level| rollup.level_table(name, level).name))
        .find(|made| made.len() > LONGEST_NAME);
    match longest {
        Some(made) => wrong(format!("{made} would be longer than {LONGEST_NAME} bytes")),
        None => Ok(()),
    }
}

/// What a refresh makes: of each level whole buckets, from where it is, less what may come late, up to `until`; nothing whose
/// rows are gone. `first` is the oldest raw row.
///
/// # Errors
/// [`Error::Definition`]
pub fn windows(
    name: &str,
    rollup: &Rollup,
    states: &[RollupState],
    (first, since, until): (Option<Timestamp>, Option<Timestamp>, Timestamp),
) -> Result<Vec<Window>, Error> {
    let widths = widths(name, rollup)?;
    let late = width(&rollup.late).unwrap_or(0);
    let state = |level: usize| states.iter().find(|state| state.level as usize == level);
    let watermark = |level: usize| state(level).and_then(|state| state.watermark);
    let kept_from = |level: usize| state(level).and_then(|state| state.kept_from);
    let back = |moment: Timestamp| {
        Timestamp::from_microsecond(moment.as_microsecond().saturating_sub(late)).unwrap_or(moment)
    };
    let Some(mut from) = since.or(watermark(1).map(back)).or(first) else {
        return Ok(Vec::new());
    };
    let mut to = until;
    let mut windows = Vec::new();
    for (index, width) in widths.iter().enumerate() {
        let level = index + 1;
        from = align(watermark(level).map_or(from, |known| known.min(from)), *width);
        if let Some(kept) = kept_from(index) {
            from = from.max(kept);
        }
        to = align(to, *width);
        if from >= to {
            break;
        }
        windows.push(Window {
            rollup: name.to_owned(),
            level: u32::try_from(level).unwrap_or(u32::MAX),
            from,
            to,
        });
    }
    Ok(windows)
}

#[cfg(test)]
mod tests {
    use super::{align, valid, windows};
    use ostler_api::retention::TableName;
    use ostler_api::tables::{Rollup, RollupLevel, RollupState, RollupValue, ValueKind};
    use ostler_vocabulary::Timestamp;

    pub(super) fn rollup(levels: &[(&str, &str)]) -> Rollup {
        Rollup {
            table: TableName::in_public("readings"),
            column: "time".into(),
            unit: None,
            by: vec!["host".into()],
            values: vec![RollupValue {
                column: "cpu".into(),
                kind: ValueKind::Gauge,
                percentiles: false,
            }],
            levels: levels
                .iter()
                .map(|(every, keep)| RollupLevel {
                    every: every.parse().unwrap(),
                    keep: keep.parse().unwrap(),
                })
                .collect(),
            late: "10m".parse().unwrap(),
            look_back: None,
            gap: None,
            types: Default::default(),
        }
    }

    pub(super) fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn buckets_begin_at_full_units_also_before_1970() {
        let minute = 60_000_000;
        for (moment, width, start) in [
            ("2024-05-15T12:34:56.7Z", minute, "2024-05-15T12:34:00Z"),
            ("2024-05-15T12:34:00Z", minute, "2024-05-15T12:34:00Z"),
            ("1969-12-31T23:59:59.999999Z", minute, "1969-12-31T23:59:00Z"),
            ("2024-05-15T12:34:56Z", 86_400_000_000, "2024-05-15T00:00:00Z"),
            ("2024-05-15T12:34:56Z", 7 * 86_400_000_000, "2024-05-13T00:00:00Z"),
        ] {
            assert_eq!(align(at(moment), width), at(start), "{moment}");
        }
    }

    #[test]
    fn levels_are_multiples_of_each_other() {
        assert!(valid("r", &rollup(&[("1m", "7d"), ("1h", "90d"), ("1d", "INF")])).is_ok());
        for levels in [
            &[][..],
            &[("1mo", "1y")],
            &[("1ms", "1d")],
            &[("1h", "1d"), ("1h", "2d")],
            &[("1h", "1d"), ("90m", "2d")],
            &[("1h", "1d"), ("1m", "2d")],
        ] {
            assert!(valid("r", &rollup(levels)).is_err(), "{levels:?}");
        }
        let mut twice = rollup(&[("1m", "7d")]);
        twice.by.push("cpu".into());
        assert!(valid("r", &twice).is_err());
        assert!(valid(&"n".repeat(62), &rollup(&[("1m", "7d")])).is_err());
    }

    #[test]
    fn a_refresh_makes_whole_buckets_and_none_whose_rows_are_gone() {
        let rollup = rollup(&[("1m", "7d"), ("1h", "90d")]);
        let shown = |states: &[RollupState], since: Option<&str>| -> Vec<String> {
            let first = Some(at("2024-01-01T00:20:30Z"));
            let until = at("2024-01-01T05:30:30Z");
            windows("r", &rollup, states, (first, since.map(at), until))
                .unwrap()
                .into_iter()
                .map(|window| format!("{} {} {}", window.level, window.from, window.to))
                .collect()
        };
        assert_eq!(
            shown(&[], None),
            [
                "1 2024-01-01T00:20:00Z 2024-01-01T05:30:00Z",
                "2 2024-01-01T00:00:00Z 2024-01-01T05:00:00Z"
            ]
        );
        let state = |level, kept: Option<&str>, watermark: Option<&str>| RollupState {
            level,
            table: TableName::in_public("t"),
            kept_from: kept.map(at),
            watermark: watermark.map(at),
        };
        let states = [
            state(0, Some("2024-01-01T04:55:00Z"), None),
            state(1, None, Some("2024-01-01T05:00:00Z")),
            state(2, None, Some("2024-01-01T05:00:00Z")),
        ];
        assert_eq!(
            shown(&states, None),
            [
                "1 2024-01-01T04:55:00Z 2024-01-01T05:30:00Z",
                "2 2024-01-01T04:00:00Z 2024-01-01T05:00:00Z"
            ]
        );
        assert_eq!(
            shown(&states, Some("2024-01-01T01:00:00Z"))[0],
            "1 2024-01-01T04:55:00Z 2024-01-01T05:30:00Z"
        );
    }
}
