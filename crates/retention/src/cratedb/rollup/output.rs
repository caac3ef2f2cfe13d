//! The columns of a level: how each is made from raw rows of one moment, how from the buckets of the level before, and how it is
//! compared. Every sum can be made from the sums of shorter buckets.

use ostler_api::tables::{RollupValue, ValueKind};
use ostler_cratedb::quote::identifier;

use super::sheet::Sheet;
use crate::rollup::{self, Same};

/// A column of a level's table.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub name: String,
    pub type_name: String,
    /// From raw rows of one moment.
    pub raw: String,
    /// From the buckets of the level before.
    pub merged: String,
    pub same: Same,
}

impl Sheet {
    /// The type of sums: whole numbers have exact ones.
    pub fn sum_type(&self, column: &str) -> &'static str {
        match self.type_of(column) {
            "real" | "double precision" => "double precision",
            _ => "bigint",
        }
    }

    /// How sums of a column are compared, the buckets' own being in `merged`.
    fn same(&self, index: usize, column: &str, merged: &str) -> Same {
        match self.sum_type(column) {
            "bigint" => Same::Exactly,
            _ => Same::Nearly {
                raw: format!("ostler_a{index}"),
                merged: format!("abs({merged}::DOUBLE PRECISION)"),
            },
        }
    }

    /// All of them, without bucket, key and sketches.
    pub fn outputs(&self) -> Vec<Output> {
        let mut outputs = vec![Output {
            name: "samples".into(),
            type_name: "bigint".into(),
            raw: "sum(ostler_rows)".into(),
            merged: "sum(\"samples\")".into(),
            same: Same::Exactly,
        }];
        for (index, value) in self.rollup.values.iter().enumerate() {
            outputs.extend(self.ends(index, value));
            outputs.extend(match value.kind {
                ValueKind::Gauge => self.gauge(index, value),
                ValueKind::Counter => self.counter(index, value),
            });
        }
        outputs
    }

    /// What gauges and counters have in common.
    fn ends(&self, index: usize, value: &RollupValue) -> Vec<Output> {
        let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
        let type_name = self.type_of(&value.column);
        let exact = |suffix: &str, type_name: &str, raw: String, merged: String| Output {
            name: format!("{}_{suffix}", value.column),
            type_name: type_name.to_owned(),
            raw,
            merged,
            same: Same::Exactly,
        };
        let given = format!("FILTER (WHERE ostler_c{index} > 0)");
        let made = format!("FILTER (WHERE {} > 0)", of("count"));
        let moment = "timestamp with time zone";
        vec![
            exact(
                "count",
                "bigint",
                format!("sum(ostler_c{index})"),
                format!("sum({})", of("count")),
            ),
            exact(
                "first",
                type_name,
                format!("min_by(ostler_lo{index}, ostler_at) {given}"),
                format!("min_by({}, {}) {made}", of("first"), of("first_at")),
            ),
            exact(
                "first_at",
                moment,
                format!("min(ostler_at) {given}"),
                format!("min({})", of("first_at")),
            ),
            exact(
                "last",
                type_name,
                format!("max_by(ostler_hi{index}, ostler_at) {given}"),
                format!("max_by({}, {}) {made}", of("last"), of("last_at")),
            ),
            exact(
                "last_at",
                moment,
                format!("max(ostler_at) {given}"),
                format!("max({})", of("last_at")),
            ),
        ]
    }

    fn gauge(&self, index: usize, value: &RollupValue) -> Vec<Output> {
        let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
        let named = |suffix: &str| format!("{}_{suffix}", value.column);
        let type_name = self.type_of(&value.column).to_owned();
        let extreme = |suffix: &str, raw: String| Output {
            name: named(suffix),
            type_name: type_name.clone(),
            raw,
            merged: format!("{suffix}({})", of(suffix)),
            same: Same::Exactly,
        };
        vec![
            Output {
                name: named("sum"),
                type_name: self.sum_type(&value.column).to_owned(),
                raw: format!("sum(ostler_s{index})"),
                merged: format!("sum({})", of("sum")),
                same: self.same(index, &value.column, &of("sum")),
            },
            extreme("min", format!("min(ostler_lo{index})")),
            extreme("max", format!("max(ostler_hi{index})")),
        ]
    }

    fn counter(&self, index: usize, value: &RollupValue) -> Vec<Output> {
        let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
        let sum = self.sum_type(&value.column);
        let (before, before_at) = (
            format!("ostler_before_{index}"),
            format!("ostler_before_at_{index}"),
        );
        // What it grew by since the reading before; a counter that is less than before began again at zero.
        let grown = |now: &str, at: &str| {
            let gap = match self.rollup.gap.as_ref().and_then(rollup::width) {
                Some(gap) => format!(" WHEN {at} - {before_at} > {} THEN 0::{sum}", gap / 1_000),
                None => String::new(),
            };
            format!(
                "CASE WHEN {before} IS NULL THEN 0::{sum}{gap} WHEN {now} >= {before} THEN {now}::{sum} - {before}::{sum} ELSE {now}::{sum} END"
            )
        };
        let (low, high) = (format!("ostler_lo{index}"), format!("ostler_hi{index}"));
        let given = format!("ostler_c{index} > 0");
        let (first, made) = (of("first"), format!("{} > 0", of("count")));
        let at = format!("{}::BIGINT", of("first_at"));
        vec![
            Output {
                name: format!("{}_increase", value.column),
                type_name: sum.to_owned(),
                // Of several readings at once the least is taken to be the first.
                raw: format!(
                    "sum({high}::{sum} - {low}::{sum} + {}) FILTER (WHERE {given})",
                    grown(&low, "ostler_at")
                ),
                merged: format!(
                    "sum({}) + coalesce(sum({}) FILTER (WHERE {made}), 0::{sum})",
                    of("increase"),
                    grown(&first, &at)
                ),
                same: self.same(index, &value.column, &of("last")),
            },
            Output {
                name: format!("{}_resets", value.column),
                type_name: "bigint".into(),
                raw: format!("count(*) FILTER (WHERE {given} AND {low} < {before})"),
                merged: format!(
                    "sum({}) + count(*) FILTER (WHERE {made} AND {first} < {before})",
                    of("resets")
                ),
                same: Same::Exactly,
            },
        ]
    }
}
