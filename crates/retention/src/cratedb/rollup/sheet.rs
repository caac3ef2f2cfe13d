//! The statements of a rollup: from its definition and the types of its columns. Pure.

use jiff::tz::TimeZone;
use ostler_api::retention::TableName;
use ostler_api::tables::{Rollup, RollupValue, ValueKind};
use ostler_cratedb::quote::identifier;
use ostler_vocabulary::Timestamp;

use super::super::statement::{filled, quoted};
use crate::column::TimeColumn;
use crate::rollup::{FLOAT_BOUND, ORIGIN, Same, Window};

/// A rollup with all that its statements are made from.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    pub name: String,
    pub rollup: Rollup,
    /// Microseconds.
    pub widths: Vec<i64>,
    /// How the raw column tells the time.
    pub time: TimeColumn,
    /// The quoted schema of our own tables.
    pub schema: String,
}

impl Sheet {
    pub fn by(&self) -> Vec<String> {
        self.rollup.by.iter().map(|column| identifier(column)).collect()
    }

    /// The columns of the key after another one.
    pub fn and_by(&self) -> String {
        self.by().iter().map(|column| format!(", {column}")).collect()
    }

    pub fn type_of(&self, column: &str) -> &str {
        self.rollup.types.get(column).map_or("", String::as_str)
    }

    /// The columns of a level that are compared and made from others, quoted.
    pub fn columns(&self) -> String {
        let mut columns = vec!["\"bucket\"".to_owned()];
        columns.extend(self.by());
        columns.extend(self.outputs().iter().map(|output| identifier(&output.name)));
        columns.join(", ")
    }

    /// What tells the series of one bucket apart: no two have the same, whatever their columns hold, and one without a value has
    /// one too, which a column of a primary key needs.
    pub fn series(&self) -> String {
        let of = self.by().into_iter().map(|column| {
            let text = format!("{column}::TEXT");
            format!(
                " || CASE WHEN {column} IS NULL THEN '-' ELSE char_length({text})::TEXT || ':' || {text} END"
            )
        });
        format!("'s'{}", of.collect::<String>())
    }

    /// Milliseconds since 1970 of a raw row.
    pub fn at(&self) -> String {
        let column = identifier(&self.rollup.column);
        match self.time {
            TimeColumn::Epoch(nanoseconds) if nanoseconds >= 1_000_000 => {
                format!("({column}::BIGINT * {})", nanoseconds / 1_000_000)
            }
            TimeColumn::Epoch(nanoseconds) => {
                let of = 1_000_000 / nanoseconds.max(1);
                format!(
                    "(({column}::BIGINT - {}) / {of})",
                    rest(&format!("{column}::BIGINT"), of)
                )
            }
            _ => format!("{column}::BIGINT"),
        }
    }

    /// The beginning of the bucket of a level that a number of milliseconds is in.
    pub fn bucket(&self, at: &str, level: usize) -> String {
        let width = self.widths.get(level - 1).copied().unwrap_or(1_000) / 1_000;
        let since = format!("{at} - {}", ORIGIN / 1_000);
        format!("({at} - {})::TIMESTAMP WITH TIME ZONE", rest(&since, width))
    }

    /// A moment as a value of the raw column.
    pub fn raw_value(&self, at: Timestamp) -> String {
        match self.time {
            TimeColumn::Civil => format!(
                "'{}'::TIMESTAMP WITHOUT TIME ZONE",
                at.strftime("%Y-%m-%dT%H:%M:%S")
            ),
            TimeColumn::Epoch(_) => self.time.boundary(at, &TimeZone::UTC),
            _ => moment(at),
        }
    }

    /// A value of the raw column as a moment.
    pub fn raw_moment(&self, value: i64) -> Option<Timestamp> {
        match self.time {
            TimeColumn::Epoch(nanoseconds) => {
                Timestamp::from_nanosecond(i128::from(value) * i128::from(nanoseconds)).ok()
            }
            _ => Timestamp::from_millisecond(value).ok(),
        }
    }

    /// The condition of raw rows in a window.
    pub fn raw_window(&self, from: Timestamp, to: Timestamp) -> String {
        let column = identifier(&self.rollup.column);
        format!(
            "{column} >= {} AND {column} < {}",
            self.raw_value(from),
            self.raw_value(to)
        )
    }

    /// The condition of buckets in a window.
    pub fn bucket_window(from: Timestamp, to: Timestamp) -> String {
        format!("\"bucket\" >= {} AND \"bucket\" < {}", moment(from), moment(to))
    }

    /// The table of a level, quoted; 0 is the raw one.
    pub fn table(&self, level: usize) -> String {
        match level {
            0 => quoted(&self.rollup.table),
            level => quoted(&self.rollup.level_table(&self.name, level)),
        }
    }

    /// The tables of the levels, the raw one first.
    pub fn tables(&self) -> Vec<TableName> {
        let levels = (1..=self.widths.len()).map(|level| self.rollup.level_table(&self.name, level));
        std::iter::once(self.rollup.table.clone()).chain(levels).collect()
    }

    /// The table that a level is made from, and the rows there.
    pub fn source(&self, window: &Window) -> (String, String) {
        let table = self.table(window.level as usize - 1);
        let condition = match window.level {
            1 => self.raw_window(window.from, window.to),
            _ => Self::bucket_window(window.from, window.to),
        };
        (table, condition)
    }

    pub fn counters(&self) -> impl Iterator<Item = (usize, &RollupValue)> {
        let all = self.rollup.values.iter().enumerate();
        all.filter(|(_, value)| value.kind == ValueKind::Counter)
    }

    /// The rows of a level, made from the rows of `source` that meet a condition. With `bounded` each has what its sums may differ by.
    pub fn sums(&self, level: usize, (table, condition): (&str, &str), bounded: bool) -> String {
        let from_raw = level == 1;
        let mut rows = match from_raw {
            true => self.instants(table, condition, bounded),
            false => self.buckets(level, table, condition),
        };
        let befores: String = self
            .counters()
            .map(|(index, value)| self.before(index, value, from_raw))
            .collect();
        if !befores.is_empty() {
            let places = [("columns", befores), ("rows", rows)];
            rows = filled(include_str!("../queries/rollup_befores.sql"), &places);
        }
        let mut columns = String::new();
        for (index, output) in self.outputs().iter().enumerate() {
            let of = if from_raw { &output.raw } else { &output.merged };
            let (type_name, name) = (&output.type_name, identifier(&output.name));
            columns.push_str(&format!(", ({of})::{type_name} AS {name}"));
            if let (true, Same::Nearly { raw, merged }) = (bounded, &output.same) {
                let of = if from_raw { raw } else { merged };
                columns.push_str(&format!(", sum({of}) AS ostler_bound_{index}"));
            }
        }
        let places = [("by", self.and_by()), ("columns", columns), ("rows", rows)];
        filled(include_str!("../queries/rollup_sums.sql"), &places)
    }

    /// Raw rows of one moment and series as one: what comes first of several at once would be told by nothing.
    fn instants(&self, table: &str, condition: &str, bounded: bool) -> String {
        let mut wanted = self.and_by();
        let mut columns = String::new();
        for (index, value) in self.rollup.values.iter().enumerate() {
            wanted.push_str(&format!(", {} AS ostler_v{index}", identifier(&value.column)));
            let summed = format!("ostler_v{index}::{}", self.sum_type(&value.column));
            columns.push_str(&format!(
                ", count(ostler_v{index}) AS ostler_c{index}, min(ostler_v{index}) AS ostler_lo{index}, max(ostler_v{index}) AS ostler_hi{index}, count(ostler_v{index}) = 0 AS ostler_none{index}"
            ));
            if value.kind == ValueKind::Gauge {
                columns.push_str(&format!(", sum({summed}) AS ostler_s{index}"));
            }
            if bounded {
                columns.push_str(&format!(
                    ", sum(abs(ostler_v{index}::DOUBLE PRECISION)) AS ostler_a{index}"
                ));
            }
        }
        let at = self.at();
        let rows = [
            ("bucket", self.bucket(&at, 1)),
            ("at", at),
            ("columns", wanted),
            ("table", table.to_owned()),
            ("condition", condition.to_owned()),
        ];
        let places = [
            ("by", self.and_by()),
            ("columns", columns),
            (
                "rows",
                filled(include_str!("../queries/rollup_raw_rows.sql"), &rows),
            ),
        ];
        filled(include_str!("../queries/rollup_instants.sql"), &places)
    }

    /// Buckets of the level before.
    fn buckets(&self, level: usize, table: &str, condition: &str) -> String {
        let mut columns = self.and_by();
        for output in self.outputs() {
            columns.push_str(&format!(", {}", identifier(&output.name)));
        }
        for (index, value) in self.counters() {
            let count = identifier(&format!("{}_count", value.column));
            columns.push_str(&format!(", {count} = 0 AS ostler_none{index}"));
        }
        let at = "\"bucket\"::BIGINT".to_owned();
        let places = [
            ("bucket", self.bucket(&at, level)),
            ("at", at),
            ("columns", columns),
            ("table", table.to_owned()),
            ("condition", condition.to_owned()),
        ];
        filled(include_str!("../queries/rollup_raw_rows.sql"), &places)
    }

    /// The reading before each of a counter, and its moment.
    fn before(&self, index: usize, value: &RollupValue, from_raw: bool) -> String {
        let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
        let (last, last_at) = match from_raw {
            true => (format!("ostler_hi{index}"), "ostler_at".to_owned()),
            false => (of("last"), format!("{}::BIGINT", of("last_at"))),
        };
        let over = format!(
            "OVER (PARTITION BY ostler_bucket{}, ostler_none{index} ORDER BY ostler_at)",
            self.and_by()
        );
        format!(
            ", lag({last}) {over} AS ostler_before_{index}, lag({last_at}) {over} AS ostler_before_at_{index}"
        )
    }

    /// Groups of a window, those of them that are not the same in a level and in what it is made from, and the rows that they are
    /// made from: `source` on one side, the level on the other.
    pub fn compared(&self, window: &Window, source: (&str, &str)) -> String {
        let level = window.level as usize;
        let outputs = self.outputs();
        let mut bounds = String::new();
        let mut zeros = String::new();
        let mut same = Vec::new();
        for (index, output) in outputs.iter().enumerate() {
            let column = identifier(&output.name);
            let alike = match output.same {
                Same::Exactly => format!("min({column}) = max({column})"),
                Same::Nearly { .. } => {
                    bounds.push_str(&format!(", ostler_bound_{index}"));
                    zeros.push_str(&format!(", 0::DOUBLE PRECISION AS ostler_bound_{index}"));
                    format!("max({column}) - min({column}) <= {FLOAT_BOUND} * max(ostler_bound_{index})")
                }
            };
            same.push(format!(
                "(count({column}) = 0 OR (count({column}) = 2 AND {alike}))"
            ));
        }
        let mut group = vec!["\"bucket\"".to_owned()];
        group.extend(self.by());
        let places = [
            ("same", same.join(" AND ")),
            ("rows", "\"samples\"".to_owned()),
            ("columns", self.columns()),
            ("bounds", bounds),
            ("sums", self.sums(level, source, true)),
            ("zeros", zeros),
            (
                "level",
                format!(
                    "{} WHERE {}",
                    self.table(level),
                    Self::bucket_window(window.from, window.to)
                ),
            ),
            ("group", group.join(", ")),
        ];
        filled(include_str!("../queries/rollup_compared.sql"), &places)
    }
}

/// What is left of a whole number after as many times another one as there are, also below zero.
fn rest(of: &str, by: i64) -> String {
    format!("mod(mod({of}, {by}) + {by}, {by})")
}

/// A moment in a statement.
pub(super) fn moment(at: Timestamp) -> String {
    format!("'{at}'::TIMESTAMP WITH TIME ZONE")
}
