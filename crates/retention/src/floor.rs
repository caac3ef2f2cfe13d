//! Limits that hold whatever a plan says. Pure.

use ostler_api::document::RetentionProblem;
use ostler_api::retention::Floors;
use ostler_vocabulary::ErrorKind;

use crate::strategy::problem;

/// What a policy would do to its table, in rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    /// Rows that go.
    pub going: u64,
    /// All rows, where a floor needs them.
    pub all: Option<u64>,
    /// Whether single rows go, rather than partitions.
    pub by_rows: bool,
}

/// Whether all rows have to be counted for these floors.
pub(crate) fn needs_all(floors: &Floors, by_rows: bool) -> bool {
    floors.max_delete_ratio.is_some() || by_rows && floors.min_keep.is_some()
}

/// The floor that refuses it.
pub(crate) fn refusal(floors: &Floors, extent: Extent) -> Option<RetentionProblem> {
    let refused = |reason: String| Some(problem(ErrorKind::Refused, reason));
    if extent.going == 0 {
        return None;
    }
    if let Some(most) = floors.max_rows
        && extent.going > most
    {
        return refused(format!(
            "{} rows would go, more than max_rows {most}",
            extent.going
        ));
    }
    let all = extent.all?;
    if let Some(most) = floors.max_delete_ratio {
        // As exact as a share is ever written.
        #[allow(clippy::cast_precision_loss, reason = "a share of rows")]
        let share = extent.going as f64 / all.max(extent.going) as f64;
        if share > most {
            return refused(format!(
                "{} of {all} rows would go, more than max_delete_ratio {most}",
                extent.going
            ));
        }
    }
    let left = all.saturating_sub(extent.going);
    match floors.min_keep {
        Some(least) if extent.by_rows && left < least => {
            refused(format!("{left} rows would be left, fewer than min_keep {least}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Extent, Floors, refusal};

    #[test]
    fn each_floor_refuses_what_is_beyond_it_and_nothing_else() {
        let floors = |max_rows, max_delete_ratio, min_keep| Floors {
            max_rows,
            max_delete_ratio,
            min_keep,
        };
        let of = |going, by_rows| Extent {
            going,
            all: Some(100),
            by_rows,
        };
        for (floors, extent, refused) in [
            (floors(Some(10), None, None), of(10, true), false),
            (floors(Some(10), None, None), of(11, true), true),
            (floors(None, Some(0.5), None), of(50, false), false),
            (floors(None, Some(0.5), None), of(51, false), true),
            (floors(None, None, Some(40)), of(60, true), false),
            (floors(None, None, Some(40)), of(61, true), true),
            // Of partitions it is a number of partitions, and the decision keeps them.
            (floors(None, None, Some(40)), of(61, false), false),
            (floors(Some(0), Some(0.0), Some(100)), of(0, true), false),
        ] {
            assert_eq!(
                refusal(&floors, extent).is_some(),
                refused,
                "{floors:?} {extent:?}"
            );
        }
    }
}
