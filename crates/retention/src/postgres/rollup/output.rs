//! The columns of a level: how each is made from raw rows, how from the buckets of the level before, and how it is compared.
//!
//! Every sum can be made from the sums of shorter buckets: counts and sums are added, first and last go by their times, the
//! increase of a counter is added up with what it grew by between two buckets, sketches are merged.

use ostler_api::tables::{RollupValue, ValueKind};
use ostler_postgres::quote::identifier;

use super::sheet::{Sheet, interval};
use crate::rollup::{self, Same};

/// A column of a level's table.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub name: String,
    pub type_name: String,
    /// From raw rows.
    pub raw: String,
    /// From the buckets of the level before.
    pub merged: String,
    pub same: Same,
}

/// The first of a column's values in an order.
fn leading(value: &str, order: &str, given: &str) -> String {
    format!("(array_agg({value} ORDER BY {order}) FILTER (WHERE {given} IS NOT NULL))[1]")
}

impl Sheet {
    pub fn type_of(&self, column: &str) -> &str {
        self.rollup.types.get(column).map_or("", String::as_str)
    }

    /// The type of sums: numbers that are exact have sums that are.
    fn sum_type(&self, column: &str) -> &'static str {
        match self.type_of(column) {
            "real" | "double precision" => "double precision",
            _ => "numeric",
        }
    }

    /// How sums of a column are compared, the buckets' own being in `merged`.
    fn same(&self, column: &str, merged: String) -> Same {
        match self.sum_type(column) {
            "numeric" => Same::Exactly,
            _ => Same::Nearly {
                raw: identifier(column),
                merged,
            },
        }
    }

    /// All of them, without bucket and key.
    pub fn outputs(&self) -> Vec<Output> {
        let mut outputs = vec![Output {
            name: "samples".into(),
            type_name: "bigint".into(),
            raw: "count(*)".into(),
            merged: "sum(samples)::bigint".into(),
            same: Same::Exactly,
        }];
        for (index, value) in self.rollup.values.iter().enumerate() {
            outputs.extend(match value.kind {
                ValueKind::Gauge => self.gauge(value),
                ValueKind::Counter => self.counter(index, value),
            });
        }
        outputs
    }

    /// What gauges and counters have in common.
    fn ends(&self, value: &RollupValue) -> Vec<Output> {
        let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
        let (column, type_name) = (identifier(&value.column), self.type_of(&value.column));
        let exact = |suffix: &str, type_name: &str, raw: String, merged: String| Output {
            name: format!("{}_{suffix}", value.column),
            type_name: type_name.to_owned(),
            raw,
            merged,
            same: Same::Exactly,
        };
        let (first, last) = (of("first_at"), of("last_at"));
        vec![
            exact(
                "count",
                "bigint",
                format!("count({column})"),
                format!("sum({})::bigint", of("count")),
            ),
            exact(
                "first",
                type_name,
                leading(&column, &format!("ostler_at, {column}"), &column),
                leading(&of("first"), &first, &first),
            ),
            exact(
                "first_at",
                "timestamp with time zone",
                format!("min(ostler_at) FILTER (WHERE {column} IS NOT NULL)"),
                format!("min({first})"),
            ),
            exact(
                "last",
                type_name,
                leading(&column, &format!("ostler_at DESC, {column} DESC"), &column),
                leading(&of("last"), &format!("{last} DESC"), &last),
            ),
            exact(
                "last_at",
                "timestamp with time zone",
                format!("max(ostler_at) FILTER (WHERE {column} IS NOT NULL)"),
                format!("max({last})"),
            ),
        ]
    }

    fn gauge(&self, value: &RollupValue) -> Vec<Output> {
        let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
        let named = |suffix: &str| format!("{}_{suffix}", value.column);
        let (column, type_name) = (identifier(&value.column), self.type_of(&value.column));
        let sum = self.sum_type(&value.column);
        let mut outputs = self.ends(value);
        outputs.push(Output {
            name: named("sum"),
            type_name: sum.to_owned(),
            raw: format!("sum({column}::{sum})"),
            merged: format!("sum({})", of("sum")),
            same: self.same(&value.column, of("sum")),
        });
        for end in ["min", "max"] {
            outputs.push(Output {
                name: named(end),
                type_name: type_name.to_owned(),
                raw: format!("{end}({column})"),
                merged: format!("{end}({})", of(end)),
                same: Same::Exactly,
            });
        }
        if value.percentiles {
            let schema = &self.schema;
            let sketch = of("sketch");
            outputs.push(Output {
                name: named("sketch"),
                type_name: "jsonb".into(),
                raw: format!(
                    "{schema}.rollup_sketch(array_agg({column}::double precision) FILTER (WHERE {column} IS NOT NULL))"
                ),
                merged: format!(
                    "{schema}.rollup_merge(array_agg({sketch}) FILTER (WHERE {sketch} IS NOT NULL))"
                ),
                same: Same::Exactly,
            });
        }
        outputs
    }

    fn counter(&self, index: usize, value: &RollupValue) -> Vec<Output> {
        let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
        let column = identifier(&value.column);
        let sum = self.sum_type(&value.column);
        // What it grew by since the reading before; a counter that is less than before began again at zero.
        let grown = |now: &str, at: &str| {
            let (before, before_at) = (
                format!("ostler_before_{index}"),
                format!("ostler_before_at_{index}"),
            );
            let gap = match self.rollup.gap.as_ref().and_then(rollup::width) {
                Some(gap) => format!(" WHEN {at} - {before_at} > {} THEN 0", interval(gap)),
                None => String::new(),
            };
            let grown = format!(
                "CASE WHEN {before} IS NULL THEN 0{gap} WHEN {now} >= {before} THEN {now}::{sum} - {before}::{sum} ELSE {now}::{sum} END"
            );
            (
                format!("sum({grown})"),
                format!("count(*) FILTER (WHERE {now} < {before})"),
            )
        };
        let (raw_increase, raw_resets) = grown(&column, "ostler_at");
        let (between, resets_between) = grown(&of("first"), &of("first_at"));
        let mut outputs = self.ends(value);
        outputs.push(Output {
            name: format!("{}_increase", value.column),
            type_name: sum.to_owned(),
            raw: format!("{raw_increase} FILTER (WHERE {column} IS NOT NULL)"),
            merged: format!(
                "sum({0}) + coalesce({between} FILTER (WHERE {1} > 0), 0)",
                of("increase"),
                of("count")
            ),
            same: self.same(&value.column, of("last")),
        });
        outputs.push(Output {
            name: format!("{}_resets", value.column),
            type_name: "bigint".into(),
            raw: raw_resets,
            merged: format!("(sum({}) + {resets_between})::bigint", of("resets")),
            same: Same::Exactly,
        });
        outputs
    }
}
