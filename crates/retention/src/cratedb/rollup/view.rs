//! The view that joins the levels: every moment once, as fine as it still is, and live after the last refresh. Pure.

use ostler_api::tables::{RollupValue, ValueKind};
use ostler_cratedb::quote::identifier;

use super::super::statement::{filled, quoted};
use super::sheet::Sheet;
use super::{sketch, text};
use crate::column::TimeColumn;

/// Before every moment there can be.
const NEVER: &str = "'0001-01-01T00:00:00Z'::TIMESTAMP WITH TIME ZONE";

impl Sheet {
    /// A moment that is written of a level, as part of a statement that is kept.
    fn state(&self, level: usize, column: &str) -> String {
        let places = [
            ("column", identifier(column)),
            ("schema", self.schema.clone()),
            ("rollup", text(&self.name)),
            ("level", level.to_string()),
        ];
        filled(include_str!("../queries/rollup_moment.sql"), &places)
    }

    /// The condition of raw rows that are not summed up.
    fn live(&self) -> String {
        let column = identifier(&self.rollup.column);
        let watermark = self.state(1, "watermark");
        let (from, never) = match self.time {
            TimeColumn::Civil => (
                format!("{watermark}::TIMESTAMP WITHOUT TIME ZONE"),
                format!("{NEVER}::TIMESTAMP WITHOUT TIME ZONE"),
            ),
            TimeColumn::Epoch(nanoseconds) => (
                match nanoseconds {
                    coarse if coarse >= 1_000_000 => {
                        format!("{watermark}::BIGINT / {}", coarse / 1_000_000)
                    }
                    fine => format!("{watermark}::BIGINT * {}", 1_000_000 / fine.max(1)),
                },
                "-9000000000000000000".to_owned(),
            ),
            _ => (watermark, NEVER.to_owned()),
        };
        format!("{column} >= coalesce({from}, {never})")
    }

    /// The average of a gauge.
    fn average(value: &RollupValue) -> String {
        let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
        format!(
            "{}::DOUBLE PRECISION / nullif({}, 0) AS {}",
            of("sum"),
            of("count"),
            of("avg")
        )
    }

    pub fn view(&self) -> String {
        let mut columns = self.columns();
        let gauges = self.rollup.values.iter();
        for value in gauges.filter(|value| value.kind == ValueKind::Gauge) {
            columns.push_str(&format!(", {}", Self::average(value)));
        }
        let part = |level: usize, source: String| {
            let every = self.rollup.levels.get(level.max(1) - 1);
            let every = every.map(|level| level.every.to_string()).unwrap_or_default();
            let mut columns = columns.clone();
            for value in self.sketched() {
                let (places, times) = sketch::columns(value);
                columns.push_str(&match level {
                    0 => format!(", NULL::ARRAY(INTEGER) AS {places}, NULL::ARRAY(BIGINT) AS {times}"),
                    _ => format!(", {places}, {times}"),
                });
            }
            let places = [
                ("columns", columns),
                ("every", text(&every)),
                ("level", level.to_string()),
                ("source", source),
            ];
            filled(include_str!("../queries/rollup_view_part.sql"), &places)
        };
        let raw = quoted(&self.rollup.table);
        let live = self.sums(1, (&raw, &self.live()), false);
        let mut parts = vec![part(0, format!("({live}) AS ostler_live"))];
        for level in 1..=self.widths.len() {
            let before = match level {
                1 => self.state(1, "watermark"),
                _ => self.state(level - 1, "kept_from"),
            };
            parts.push(part(
                level,
                format!(
                    "{} WHERE \"bucket\" >= coalesce({}, {NEVER}) AND \"bucket\" < coalesce({before}, {NEVER})",
                    self.table(level),
                    self.state(level, "kept_from")
                ),
            ));
        }
        parts.join("\nUNION ALL\n")
    }
}
