//! Rows that came after their buckets were made, and later than a refresh expects: which buckets they are in, and which buckets of all
//! levels are made anew for them. Pure.

use jiff::tz::TimeZone;
use ostler_api::tables::{Rollup, RollupState};
use ostler_vocabulary::{Period, Timestamp};

use super::{Window, align, width, widths};
use crate::Error;

/// How far back late rows are looked for unless the rollup says otherwise, in days.
const LOOK_BACK_DAYS: i32 = 1;
/// More windows than this are joined to fewer.
const MOST_WINDOWS: usize = 32;

/// A bucket of the first level that is made from other rows than the table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Differing {
    /// Its first moment.
    pub bucket: Timestamp,
    /// Rows of the table.
    pub rows: u64,
    /// Rows that it was made from.
    pub samples: u64,
}

/// What is made anew for rows that came late.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Late {
    /// Windows with the reason of each; of each level in the order of time, finer levels first.
    pub windows: Vec<(Window, String)>,
    /// What somebody should know.
    pub notes: Vec<String>,
}

/// From when to when late rows are looked for: as far back as the rollup says, or from the `first` raw row on, up to what is made
/// anew anyway. Whole buckets, and none whose rows are gone.
#[must_use]
pub fn looked_at(
    rollup: &Rollup,
    states: &[RollupState],
    made_anew: &[Window],
    first: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let finest = width(&rollup.levels.first()?.every)?;
    let state = |level: u32| states.iter().find(|state| state.level == level);
    let watermark = state(1)?.watermark?;
    let to = made_anew
        .first()
        .map_or(watermark, |window| window.from.min(watermark));
    let look_back = rollup.look_back.unwrap_or_else(|| Period::days(LOOK_BACK_DAYS));
    let from = look_back.before(watermark, &TimeZone::UTC).unwrap_or(first);
    let kept = state(0).and_then(|state| state.kept_from);
    let from = align(from, finest).max(kept.unwrap_or(Timestamp::MIN));
    (from < to).then_some((from, to))
}

/// What is made anew. Buckets from which rows have gone stay as they are: who removes rows without the rollup wants to keep the sums.
///
/// # Errors
/// [`Error::Definition`]
pub fn late(
    name: &str,
    rollup: &Rollup,
    states: &[RollupState],
    made_anew: &[Window],
    found: &[Differing],
) -> Result<Late, Error> {
    let widths = widths(name, rollup)?;
    let mut late = Late::default();
    let fewer = found.iter().filter(|it| it.rows < it.samples).count();
    if fewer > 0 {
        late.notes.push(format!(
            "{fewer} buckets were made from rows that {} has not any more: they stay as they are",
            rollup.table
        ));
    }
    let grown: Vec<&Differing> = found.iter().filter(|it| it.rows > it.samples).collect();
    let end = |moment: Timestamp, width: i64| {
        Timestamp::from_microsecond(moment.as_microsecond().saturating_add(width)).unwrap_or(moment)
    };
    let finest = widths.first().copied().unwrap_or(1);
    let mut spans: Vec<(Timestamp, Timestamp)> = joined(
        grown
            .iter()
            .map(|it| (it.bucket, end(it.bucket, finest)))
            .collect(),
        finest,
    );
    for (index, width) in widths.iter().enumerate() {
        let level = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let state = |level: u32| states.iter().find(|state| state.level == level);
        let watermark = state(level).and_then(|state| state.watermark);
        let anew = made_anew
            .iter()
            .find(|window| window.level == level)
            .map(|window| window.from);
        let Some(until) = watermark.map(|known| anew.map_or(known, |anew| anew.min(known))) else {
            break;
        };
        let kept = state(level - 1).and_then(|state| state.kept_from);
        let mut whole = Vec::new();
        for (from, to) in spans {
            let from = align(from, *width);
            let last = align(to, *width);
            let to = if last < to { end(last, *width) } else { last };
            if kept.is_some_and(|kept| kept > from) {
                late.notes.push(format!(
                    "the buckets of {} from {from} to {to} stay without rows that came late: what they were made from has gone",
                    rollup.levels[index].every
                ));
            } else if to <= until {
                whole.push((from, to));
            } else if from < until {
                whole.push((from, until));
            }
        }
        spans = joined(whole, *width);
        for (from, to) in &spans {
            let inside = |it: &&&Differing| it.bucket >= *from && it.bucket < *to;
            let rows: u64 = grown.iter().filter(inside).map(|it| it.rows - it.samples).sum();
            late.windows.push((
                Window {
                    rollup: name.to_owned(),
                    level,
                    from: *from,
                    to: *to,
                },
                format!(
                    "{rows} rows came late: buckets of {} from {from} to {to} are made anew",
                    rollup.levels[index].every
                ),
            ));
        }
    }
    Ok(late)
}

/// Spans in the order of time, those that touch made one, and the nearest ones too while there are too many.
fn joined(mut spans: Vec<(Timestamp, Timestamp)>, width: i64) -> Vec<(Timestamp, Timestamp)> {
    spans.sort_unstable();
    let mut gap = 0_i64;
    loop {
        let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (from, to) in &spans {
            match joined.last_mut() {
                Some((_, end)) if from.as_microsecond().saturating_sub(end.as_microsecond()) <= gap => {
                    *end = (*end).max(*to);
                }
                _ => joined.push((*from, *to)),
            }
        }
        if joined.len() <= MOST_WINDOWS {
            return joined;
        }
        gap = gap.max(width).saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::{Differing, Late, MOST_WINDOWS, late, looked_at};
    use crate::rollup::Window;
    use crate::rollup::tests::{at, rollup};
    use ostler_api::retention::TableName;
    use ostler_api::tables::{Rollup, RollupState};
    use ostler_vocabulary::Period;

    fn state(level: u32, kept: Option<&str>, watermark: Option<&str>) -> RollupState {
        RollupState {
            level,
            table: TableName::in_public("t"),
            kept_from: kept.map(at),
            watermark: watermark.map(at),
        }
    }

    fn window(level: u32, from: &str, to: &str) -> Window {
        Window {
            rollup: "r".into(),
            level,
            from: at(from),
            to: at(to),
        }
    }

    fn differing(bucket: &str, rows: u64, samples: u64) -> Differing {
        Differing {
            bucket: at(bucket),
            rows,
            samples,
        }
    }

    fn shown(late: &Late) -> Vec<String> {
        let windows = late.windows.iter();
        windows
            .map(|(window, _)| format!("{} {} {}", window.level, window.from, window.to))
            .collect()
    }

    #[test]
    fn buckets_of_late_rows_are_made_anew_on_every_level_that_has_them() {
        let rollup = rollup(&[("1m", "7d"), ("1h", "90d")]);
        let states = [
            state(0, None, None),
            state(1, None, Some("2024-01-02T05:30:00Z")),
            state(2, None, Some("2024-01-02T05:00:00Z")),
        ];
        let anew = [
            window(1, "2024-01-02T05:20:00Z", "2024-01-02T06:10:00Z"),
            window(2, "2024-01-02T05:00:00Z", "2024-01-02T06:00:00Z"),
        ];
        assert_eq!(
            looked_at(&rollup, &states, &anew, at("2023-12-24T00:00:00Z")),
            Some((at("2024-01-01T05:30:00Z"), at("2024-01-02T05:20:00Z")))
        );
        let all = Rollup {
            look_back: Some(Period::Infinite),
            ..rollup.clone()
        };
        assert_eq!(
            looked_at(&all, &states, &anew, at("2023-12-24T00:10:59Z")),
            Some((at("2023-12-24T00:10:00Z"), at("2024-01-02T05:20:00Z")))
        );
        let found = [
            differing("2024-01-02T01:00:00Z", 3, 2),
            differing("2024-01-02T01:01:00Z", 4, 0),
            differing("2024-01-02T02:30:00Z", 0, 9),
            differing("2024-01-02T05:10:00Z", 2, 1),
        ];
        let made = late("r", &rollup, &states, &anew, &found).unwrap();
        assert_eq!(
            shown(&made),
            [
                "1 2024-01-02T01:00:00Z 2024-01-02T01:02:00Z",
                "1 2024-01-02T05:10:00Z 2024-01-02T05:11:00Z",
                // That of five o'clock is made anyway.
                "2 2024-01-02T01:00:00Z 2024-01-02T02:00:00Z",
            ]
        );
        assert!(made.windows[0].1.starts_with("5 rows came late"), "{made:?}");
        assert!(made.notes[0].contains("stay as they are"), "{made:?}");
        // Where the minutes have gone, the hour cannot be made anew.
        let gone = [
            states[0].clone(),
            state(1, Some("2024-01-02T01:01:00Z"), Some("2024-01-02T05:30:00Z")),
            states[2].clone(),
        ];
        let made = late("r", &rollup, &gone, &anew, &found).unwrap();
        assert_eq!(shown(&made).len(), 2, "{made:?}");
        assert!(made.notes[1].contains("stay without rows"), "{made:?}");
        assert_eq!(late("r", &rollup, &states, &anew, &[]).unwrap(), Late::default());
    }

    #[test]
    fn many_late_rows_are_few_windows_that_hold_all_of_them() {
        let rollup = rollup(&[("1m", "7d")]);
        let states = [state(1, None, Some("2024-02-01T00:00:00Z"))];
        let start = at("2024-01-01T00:00:00Z").as_microsecond();
        let found: Vec<Differing> = (0..500)
            .map(|n| Differing {
                bucket: ostler_vocabulary::Timestamp::from_microsecond(start + n * n * 60_000_000).unwrap(),
                rows: 1,
                samples: 0,
            })
            .filter(|it| it.bucket < at("2024-02-01T00:00:00Z"))
            .collect();
        let made = late("r", &rollup, &states, &[], &found).unwrap();
        assert!(made.windows.len() <= MOST_WINDOWS, "{}", made.windows.len());
        for it in found {
            let holds = |window: &Window| window.from <= it.bucket && it.bucket < window.to;
            assert!(made.windows.iter().any(|(window, _)| holds(window)), "{it:?}");
        }
    }
}
