//! Sketches, for percentiles: the numbers of a bucket, each counted at the power of 1.02 that it is next to. They are two arrays in
//! the bucket's row, `_places` and `_times`, which `unnest` makes rows of again; merged they are by adding the times of a place. Pure.

use ostler_api::tables::RollupValue;
use ostler_cratedb::quote::identifier;

use super::super::statement::filled;
use super::sheet::Sheet;
use crate::rollup::Window;

/// Added to every power, so that none is below zero and the sign is free for that of the number.
const RAISED: i64 = 40_000;

/// The columns of a value's sketch, quoted: places and times.
pub(super) fn columns(value: &RollupValue) -> (String, String) {
    let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
    (of("places"), of("times"))
}

/// The place of a number: 0, or the power and the number's sign.
fn place(column: &str) -> String {
    let number = format!("{column}::DOUBLE PRECISION");
    // Every part of a CASE may be worked out, and there is no logarithm of zero.
    let safe = format!("abs(CASE WHEN {number} = 0 THEN 1.0::DOUBLE PRECISION ELSE {number} END)");
    let power = format!("(ceil(ln({safe}) / ln(1.02)) + {RAISED})");
    format!(
        "(CASE WHEN {number} = 0 THEN 0::BIGINT WHEN {number} < 0 THEN -{power} ELSE {power} END)::INTEGER"
    )
}

impl Sheet {
    /// The values of which percentiles are wanted.
    pub fn sketched(&self) -> impl Iterator<Item = &RollupValue> {
        self.rollup.values.iter().filter(|value| value.percentiles)
    }

    /// Each place of each bucket of a level, with how often, from the rows of `source`.
    fn places(&self, level: usize, value: &RollupValue, (table, condition): (&str, &str)) -> String {
        let (places, times) = columns(value);
        let column = identifier(&value.column);
        let from_raw = level == 1;
        let at = if from_raw {
            self.at()
        } else {
            "\"bucket\"::BIGINT".to_owned()
        };
        let parts = [
            ("bucket", self.bucket(&at, level)),
            ("by", self.and_by()),
            ("place", place(&column)),
            ("places", places),
            ("times", times),
            ("column", column),
            ("table", table.to_owned()),
            ("condition", condition.to_owned()),
        ];
        let rows = match from_raw {
            true => include_str!("../queries/rollup_raw_places.sql"),
            false => include_str!("../queries/rollup_level_places.sql"),
        };
        let parts = [("by", self.and_by()), ("rows", filled(rows, &parts))];
        filled(include_str!("../queries/rollup_places.sql"), &parts)
    }

    /// The statement that writes a value's sketches into the buckets of a window, which are there.
    pub fn make_sketch(
        &self,
        window: &Window,
        value: &RollupValue,
        source: (&str, &str),
        made: i64,
    ) -> String {
        let level = window.level as usize;
        let (places, times) = columns(value);
        let parts = [
            ("level", self.table(level)),
            ("by", self.and_by()),
            (
                "changes",
                [&places, &times]
                    .map(|column| super::levels::changed(column))
                    .join(", "),
            ),
            ("places", places),
            ("times", times),
            ("series", self.series()),
            ("made", made.to_string()),
            ("counted", self.places(level, value, source)),
        ];
        filled(include_str!("../queries/rollup_make_sketch.sql"), &parts)
    }

    /// As [`Sheet::compared`], for the places of a value's sketches.
    pub fn compared_sketch(&self, window: &Window, value: &RollupValue, source: (&str, &str)) -> String {
        let level = window.level as usize;
        let columns = format!("\"bucket\"{}, ostler_place, ostler_times", self.and_by());
        let kept = (self.table(level), Self::bucket_window(window.from, window.to));
        let parts = [
            ("same", "min(ostler_times) = max(ostler_times)".to_owned()),
            ("rows", "ostler_times".to_owned()),
            ("columns", columns),
            ("bounds", String::new()),
            ("sums", self.places(level, value, source)),
            ("zeros", String::new()),
            (
                "level",
                format!("({}) AS ostler_kept", self.own_places(value, &kept)),
            ),
            ("group", format!("\"bucket\"{}, ostler_place", self.and_by())),
        ];
        filled(include_str!("../queries/rollup_compared.sql"), &parts)
    }

    /// The places of buckets as they are.
    fn own_places(&self, value: &RollupValue, (table, condition): &(String, String)) -> String {
        let (places, times) = columns(value);
        let parts = [
            ("bucket", "\"bucket\"".to_owned()),
            ("by", self.and_by()),
            ("places", places),
            ("times", times),
            ("table", table.clone()),
            ("condition", condition.clone()),
        ];
        let rows = filled(include_str!("../queries/rollup_level_places.sql"), &parts);
        let parts = [("by", self.and_by()), ("rows", rows)];
        filled(include_str!("../queries/rollup_places.sql"), &parts)
    }
}
