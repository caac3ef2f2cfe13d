//! The statements of a rollup: from its definition and the types of its columns. Pure.

use ostler_api::retention::TableName;
use ostler_api::tables::{Rollup, ValueKind};
use ostler_postgres::quote::{identifier, literal};
use ostler_vocabulary::Timestamp;

use super::super::statement::{fill, quoted};
use crate::column::TimeColumn;
use crate::rollup::{FLOAT_BOUND, ORIGIN, Same};

/// The release from which the server has `date_bin`.
const DATE_BIN: i32 = 140_000;

/// A rollup with all that its statements are made from.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    pub name: String,
    pub rollup: Rollup,
    pub widths: Vec<i64>,
    /// How the raw column tells the time.
    pub time: TimeColumn,
    pub release: i32,
    /// The quoted schema of our own tables.
    pub schema: String,
}

impl Sheet {
    fn by(&self) -> Vec<String> {
        self.rollup.by.iter().map(|column| identifier(column)).collect()
    }

    /// The columns of a level, quoted.
    pub fn columns(&self) -> String {
        let mut columns = vec!["bucket".to_owned()];
        columns.extend(self.by());
        columns.extend(self.outputs().iter().map(|output| identifier(&output.name)));
        columns.join(", ")
    }

    /// The columns of a level with their types.
    pub fn declared(&self) -> String {
        let mut columns = vec!["bucket timestamp with time zone NOT NULL".to_owned()];
        let by = self.rollup.by.iter();
        columns.extend(by.map(|column| format!("{} {}", identifier(column), self.type_of(column))));
        let outputs = self.outputs();
        let outputs = outputs.iter();
        columns.extend(outputs.map(|output| format!("{} {}", identifier(&output.name), output.type_name)));
        columns.join(", ")
    }

    /// The moment that a raw row is of.
    fn moment(&self) -> String {
        let column = identifier(&self.rollup.column);
        let microseconds =
            |text: String| format!("timestamptz 'epoch' + ({text}) * interval '1 microsecond'");
        match self.time {
            TimeColumn::Civil => format!("{column} AT TIME ZONE 'UTC'"),
            TimeColumn::Epoch(nanoseconds) if nanoseconds >= 1_000 => {
                microseconds(format!("{column}::bigint * {}", nanoseconds / 1_000))
            }
            TimeColumn::Epoch(nanoseconds) => microseconds(format!(
                "floor({column}::numeric / {})::bigint",
                1_000 / nanoseconds.max(1)
            )),
            _ => column,
        }
    }

    /// The beginning of the bucket that a moment is in.
    fn bucket(&self, moment: &str, width: i64) -> String {
        if self.release >= DATE_BIN {
            return format!(
                "date_bin({}, {moment}, timestamptz '2000-01-03 00:00:00+00')",
                interval(width)
            );
        }
        let since = format!("((extract(epoch FROM {moment}) * 1000000)::bigint - {ORIGIN})");
        format!(
            "timestamptz '2000-01-03 00:00:00+00' + ({since} - mod(mod({since}, {width}) + {width}, {width})) * interval '1 microsecond'"
        )
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

    /// A moment as a value of the raw column.
    pub fn raw_value(&self, moment: Timestamp) -> String {
        let text = self.time.boundary(moment, &jiff::tz::TimeZone::UTC);
        format!(
            "{}::{}",
            literal(&text).trim_start(),
            self.type_of(&self.rollup.column)
        )
    }

    /// Buckets of the first level of a window that were made from other rows than there are.
    pub fn differing(&self, from: Timestamp, to: Timestamp) -> String {
        let (source, condition, level) = self.source(1, from, to);
        let width = self.widths.first().copied().unwrap_or(1);
        let places = [
            ("bucket", self.bucket(&self.moment(), width)),
            ("table", source),
            ("raw_window", condition),
            ("level", level),
            ("window", Self::bucket_window(from, to)),
        ];
        let places: Vec<(&str, &str)> = places.iter().map(|(name, text)| (*name, text.as_str())).collect();
        fill(include_str!("../queries/rollup_late.sql"), &places)
    }

    /// The condition of buckets in a window.
    pub fn bucket_window(from: Timestamp, to: Timestamp) -> String {
        format!("bucket >= {} AND bucket < {}", moment(from), moment(to))
    }

    /// The table that a level is made from, the window of its rows there, and the table of the level.
    pub fn source(&self, level: usize, from: Timestamp, to: Timestamp) -> (String, String, String) {
        let table = quoted(&self.rollup.level_table(&self.name, level));
        match level {
            1 => (quoted(&self.rollup.table), self.raw_window(from, to), table),
            _ => {
                let finer = quoted(&self.rollup.level_table(&self.name, level - 1));
                (finer, Self::bucket_window(from, to), table)
            }
        }
    }

    /// The rows of a level, made from the rows of `source` that meet a condition.
    pub fn summed(&self, level: usize, source: &str, condition: &str) -> String {
        self.sums(level, source, condition, false)
    }

    fn sums(&self, level: usize, source: &str, condition: &str, bounded: bool) -> String {
        let width = self.widths.get(level - 1).copied().unwrap_or(1);
        let by = self.by();
        let from_raw = level == 1;
        let at = if from_raw {
            self.moment()
        } else {
            "bucket".to_owned()
        };
        // A view that names all columns would hold on to every one of them.
        let mut wanted = vec![format!(
            "{} AS ostler_bucket, {at} AS ostler_at",
            self.bucket(&at, width)
        )];
        match from_raw {
            true => {
                wanted.extend(by.iter().cloned());
                wanted.extend(self.rollup.values.iter().map(|value| identifier(&value.column)));
            }
            false => wanted.push("*".to_owned()),
        }
        let mut inner = format!("SELECT {} FROM {source} WHERE {condition}", wanted.join(", "));
        let mut befores = Vec::new();
        let mut windows = Vec::new();
        for (index, value) in self.rollup.values.iter().enumerate() {
            if value.kind != ValueKind::Counter {
                continue;
            }
            let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
            let column = identifier(&value.column);
            let (last, last_at, missing, order) = match from_raw {
                true => (
                    column.clone(),
                    "ostler_at".to_owned(),
                    format!("{column} IS NULL"),
                    format!("ostler_at, {column}"),
                ),
                false => (
                    of("last"),
                    of("last_at"),
                    format!("{} = 0", of("count")),
                    "ostler_at".to_owned(),
                ),
            };
            befores.push(format!(
                "lag({last}) OVER ostler_w{index} AS ostler_before_{index}, lag({last_at}) OVER ostler_w{index} AS ostler_before_at_{index}"
            ));
            let mut partition = vec!["ostler_bucket".to_owned()];
            partition.extend(by.iter().cloned());
            partition.push(missing);
            windows.push(format!(
                "ostler_w{index} AS (PARTITION BY {} ORDER BY {order})",
                partition.join(", ")
            ));
        }
        if !befores.is_empty() {
            inner = format!(
                "SELECT *, {} FROM ({inner}) AS ostler_rows WINDOW {}",
                befores.join(", "),
                windows.join(", ")
            );
        }
        let mut selected = vec!["ostler_bucket AS bucket".to_owned()];
        selected.extend(by.iter().cloned());
        for (index, output) in self.outputs().iter().enumerate() {
            let text = if from_raw { &output.raw } else { &output.merged };
            selected.push(format!("{text} AS {}", identifier(&output.name)));
            if let (true, Same::Nearly { raw, merged }) = (bounded, &output.same) {
                let of = if from_raw { raw } else { merged };
                selected.push(format!(
                    "sum(abs({of}::double precision)) AS ostler_bound_{index}"
                ));
            }
        }
        let mut group = vec!["ostler_bucket".to_owned()];
        group.extend(by);
        format!(
            "SELECT {} FROM ({inner}) AS ostler_source GROUP BY {}",
            selected.join(", "),
            group.join(", ")
        )
    }

    /// Groups of a window, those of them that are not the same in a level and in what it is made from, and the rows they are
    /// made from: `source` and its condition on one side, the level on the other. `with` comes before.
    pub fn compared(
        &self,
        level: usize,
        with: &str,
        (source, condition): (&str, &str),
        window: &str,
    ) -> String {
        let table = quoted(&self.rollup.level_table(&self.name, level));
        let outputs = self.outputs();
        let near: Vec<usize> = (0..outputs.len())
            .filter(|index| outputs[*index].same != Same::Exactly)
            .collect();
        let zeros: String = near.iter().map(|_| ", 0::double precision").collect();
        let named: String = near
            .iter()
            .map(|index| format!(", ostler_bound_{index}"))
            .collect();
        let same: Vec<String> = outputs
            .iter()
            .enumerate()
            .map(|(index, output)| {
                let column = identifier(&output.name);
                let (one, other) = (
                    format!("(array_agg({column}))[1]"),
                    format!("(array_agg({column}))[2]"),
                );
                let equal = format!("{one} IS NOT DISTINCT FROM {other}");
                match output.same {
                    Same::Exactly => equal,
                    Same::Nearly { .. } => format!(
                        "({equal} OR abs({one} - {other}) <= {FLOAT_BOUND} * max(ostler_bound_{index}))"
                    ),
                }
            })
            .collect();
        let mut group = vec!["bucket".to_owned()];
        group.extend(self.by());
        fill(
            include_str!("../queries/rollup_compared.sql"),
            &[
                ("with", with),
                ("sums", &self.sums(level, source, condition, true)),
                ("source", source),
                ("condition", condition),
                ("columns", &self.columns()),
                ("bounds", &named),
                ("zeros", &zeros),
                ("level", &table),
                ("window", window),
                ("group", &group.join(", ")),
                ("same", &same.join("\n           AND ")),
            ],
        )
    }

    /// The view that joins the levels: every moment once, as fine as it still is.
    pub fn view(&self) -> String {
        let state = |level: usize, column: &str| {
            fill(
                include_str!("../queries/rollup_moment.sql"),
                &[
                    ("column", column),
                    ("schema", &self.schema),
                    ("rollup", &literal(&self.name)),
                    ("level", &level.to_string()),
                ],
            )
        };
        let raw = identifier(&self.rollup.column);
        let watermark = state(1, "watermark");
        let live = match self.time {
            TimeColumn::Civil => {
                format!("{raw} >= coalesce(({watermark}) AT TIME ZONE 'UTC', '-infinity'::timestamp)")
            }
            TimeColumn::Epoch(nanoseconds) => format!(
                "{raw} >= coalesce(floor(extract(epoch FROM ({watermark}))::numeric * {})::bigint, -9223372036854775808)",
                1_000_000_000 / nanoseconds.max(1)
            ),
            _ => format!("{raw} >= coalesce(({watermark}), '-infinity')"),
        };
        let mut columns = vec!["bucket".to_owned()];
        columns.extend(self.by());
        for output in self.outputs() {
            columns.push(identifier(&output.name));
        }
        for value in self
            .rollup
            .values
            .iter()
            .filter(|value| value.kind == ValueKind::Gauge)
        {
            let of = |suffix: &str| identifier(&format!("{}_{suffix}", value.column));
            columns.push(format!(
                "{} / nullif({}, 0) AS {}",
                of("sum"),
                of("count"),
                of("avg")
            ));
        }
        let columns = columns.join(", ");
        let part = |level: usize, source: &str| {
            let width = self.widths.get(level.max(1) - 1).copied().unwrap_or(1);
            format!(
                "SELECT {columns}, {} AS every, {level} AS level FROM {source}",
                interval(width)
            )
        };
        let raw_table = quoted(&self.rollup.table);
        let mut parts = vec![part(
            0,
            &format!("({}) AS live", self.summed(1, &raw_table, &live)),
        )];
        for level in 1..=self.widths.len() {
            let table = quoted(&self.rollup.level_table(&self.name, level));
            let before = match level {
                1 => watermark.clone(),
                _ => state(level - 1, "kept_from"),
            };
            parts.push(format!(
                "{} WHERE bucket >= coalesce(({}), '-infinity') AND bucket < coalesce(({before}), '-infinity')",
                part(level, &table),
                state(level, "kept_from")
            ));
        }
        parts.join("\nUNION ALL\n")
    }

    /// The tables of the levels, the raw one first.
    pub fn tables(&self) -> Vec<TableName> {
        let levels = (1..=self.widths.len()).map(|level| self.rollup.level_table(&self.name, level));
        std::iter::once(self.rollup.table.clone()).chain(levels).collect()
    }
}

/// So many microseconds in a statement. Older servers take no more than 2^31 of a unit.
pub(super) fn interval(microseconds: i64) -> String {
    format!(
        "interval '{}.{:06} seconds'",
        microseconds / 1_000_000,
        microseconds % 1_000_000
    )
}

/// A moment in a statement.
pub(super) fn moment(moment: Timestamp) -> String {
    format!("{}::timestamptz", literal(&moment.to_string()).trim_start())
}
