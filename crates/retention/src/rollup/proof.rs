//! What shows that a level has the sums of what it is made from, and what is made anew where it has not. Pure.

use ostler_api::tables::{Evidence, RollupState};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Window, align};

/// What windows of one level came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Rows that the buckets are made from, counted apart.
    pub source: u64,
    /// Rows that the buckets say they are made from.
    pub samples: u64,
    /// Buckets, of each combination one.
    pub groups: u64,
}

impl Made {
    /// With what another window came to.
    pub fn and(self, other: Self) -> Self {
        Self {
            source: self.source + other.source,
            samples: self.samples + other.samples,
            groups: self.groups + other.groups,
        }
    }
}

/// How a column of a level is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Same {
    /// Equal.
    Exactly,
    /// Within a share of the sum of absolute values: of these columns of raw rows, and of buckets.
    Nearly { raw: String, merged: String },
}

/// Groups of a window that were compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    pub groups: u64,
    pub different: u64,
    pub rows: u64,
}

/// What was found of a window by a later statement: rows, buckets, and up to when the level is summed up.
pub(crate) fn evidence(
    window: &Window,
    made: Made,
    (samples, groups, watermark): (u64, u64, Option<Timestamp>),
) -> Vec<Evidence> {
    vec![
        Evidence::equal("rows of the buckets", made.source, samples),
        Evidence::equal("buckets", made.groups, groups),
        Evidence {
            what: "summed up to".to_owned(),
            expected: window.to.to_string(),
            found: watermark.map_or_else(|| "–".to_owned(), |found| found.to_string()),
            holds: watermark.is_some_and(|found| found >= window.to),
        },
    ]
}

/// What is made anew when a window has other sums than what it is made from: its buckets, and those of all levels after that are
/// made from them, as long as what each is made from is there.
pub(crate) fn mended(window: &Window, widths: &[i64], states: &[RollupState]) -> Vec<Window> {
    let (mut from, mut to) = (window.from, window.to);
    let mut windows = Vec::new();
    for level in window.level as usize..=widths.len() {
        let width = widths.get(level - 1).copied().unwrap_or(1);
        from = align(from, width);
        let whole = align(to, width);
        to = if whole < to { after(whole, width) } else { whole };
        let state = |level: usize| states.iter().find(|state| state.level as usize == level);
        let watermark = state(level).and_then(|state| state.watermark);
        let kept = state(level - 1).and_then(|state| state.kept_from);
        // Buckets that are not made yet are made by a refresh.
        let Some(made) = watermark.map(|watermark| watermark.min(to)) else {
            break;
        };
        to = made;
        if from >= to || kept.is_some_and(|kept| kept > from) {
            break;
        }
        windows.push(Window {
            rollup: window.rollup.clone(),
            level: u32::try_from(level).unwrap_or(u32::MAX),
            from,
            to,
        });
    }
    windows
}

/// Why nothing of a window goes.
pub(crate) fn unlike(window: &Window, compared: Compared) -> Failure {
    Failure::new(
        ErrorKind::Conflict,
        format!(
            "{} of {} buckets from {} to {} are not in level {} of rollup {} as they are: nothing of them is removed",
            compared.different, compared.groups, window.from, window.to, window.level, window.rollup
        ),
    )
    .with_hint("`ostler rollup refresh --since` makes them anew, as long as all their rows are there")
}

/// A moment so many microseconds later.
pub(crate) fn after(moment: Timestamp, microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(moment.as_microsecond().saturating_add(microseconds))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::mended;
    use crate::rollup::Window;
    use crate::rollup::tests::at;
    use ostler_api::retention::TableName;
    use ostler_api::tables::RollupState;

    #[test]
    fn what_is_mended_is_whole_on_every_level_and_made_from_what_is_there() {
        let state = |level, kept: Option<&str>, watermark: Option<&str>| RollupState {
            level,
            table: TableName::in_public("t"),
            kept_from: kept.map(at),
            watermark: watermark.map(at),
        };
        let window = Window {
            rollup: "r".into(),
            level: 1,
            from: at("2024-01-02T01:10:00Z"),
            to: at("2024-01-02T01:20:00Z"),
        };
        let (minute, hour) = (60_000_000, 3_600_000_000);
        let shown = |states: &[RollupState]| -> Vec<String> {
            let windows = mended(&window, &[minute, hour], states);
            windows
                .iter()
                .map(|it| format!("{} {} {}", it.level, it.from, it.to))
                .collect()
        };
        let all = [
            state(0, None, None),
            state(1, None, Some("2024-01-03T00:00:00Z")),
            state(2, None, Some("2024-01-03T00:00:00Z")),
        ];
        assert_eq!(
            shown(&all),
            [
                "1 2024-01-02T01:10:00Z 2024-01-02T01:20:00Z",
                "2 2024-01-02T01:00:00Z 2024-01-02T02:00:00Z"
            ]
        );
        // What is not made yet is left to a refresh, and what is made is mended.
        let behind = [
            all[0].clone(),
            state(1, None, Some("2024-01-02T01:15:00Z")),
            state(2, None, Some("2024-01-02T01:00:00Z")),
        ];
        assert_eq!(shown(&behind), ["1 2024-01-02T01:10:00Z 2024-01-02T01:15:00Z"]);
        let minutes_gone = [
            all[0].clone(),
            state(1, Some("2024-01-02T01:05:00Z"), Some("2024-01-03T00:00:00Z")),
            all[2].clone(),
        ];
        assert_eq!(shown(&minutes_gone).len(), 1);
        let rows_gone = [state(0, Some("2024-01-02T02:00:00Z"), None), all[1].clone()];
        assert_eq!(shown(&rows_gone).len(), 0);
        assert_eq!(shown(&all[..1]).len(), 0);
    }
}
