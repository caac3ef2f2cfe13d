//! From when to when the rows of a partition are, by the value that it has and the expression that makes it. Pure.
//!
//! Source: "Scalar functions: date_trunc" of the CrateDB manual.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};
use serde_json::Value;

use crate::facts::Range;

/// How a partition column is made from another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    /// The column that it is made from.
    pub from: String,
    /// How long a partition is, and in which zone; `None` when the expression is not known here.
    length: Option<(Length, TimeZone)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Months(i32),
    Days(i32),
    Seconds(i64),
}

impl Length {
    fn named(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "second" => Self::Seconds(1),
            "minute" => Self::Seconds(60),
            "hour" => Self::Seconds(3600),
            "day" => Self::Days(1),
            "week" => Self::Days(7),
            "month" => Self::Months(1),
            "quarter" => Self::Months(3),
            "year" => Self::Months(12),
            _ => return None,
        })
    }

    fn span(self) -> Span {
        match self {
            Self::Months(months) => months.months(),
            Self::Days(days) => days.days(),
            Self::Seconds(seconds) => seconds.seconds(),
        }
    }
}

/// Reads `date_trunc('month', time)` and `date_trunc('day', 'Europe/Berlin', time)`, as the catalogue writes them. Of the columns
/// of the table, whichever another expression mentions is what it is made from.
pub(super) fn cut(expression: &str, columns: &[String]) -> Option<Cut> {
    let from = columns
        .iter()
        .filter(|column| mentions(expression, column))
        .max_by_key(|column| column.len())?
        .clone();
    let arguments = expression
        .trim()
        .strip_prefix("date_trunc(")
        .and_then(|rest| rest.strip_suffix(')'));
    let parts: Vec<&str> = arguments.unwrap_or_default().split(',').map(str::trim).collect();
    let text = |part: &&str| part.strip_prefix('\'')?.strip_suffix('\'').map(str::to_owned);
    let is_column = |part: &str| part.trim_matches('"') == from;
    let length = match parts.as_slice() {
        [unit, column] if is_column(column) => {
            text(unit).and_then(|unit| Some((Length::named(&unit)?, TimeZone::UTC)))
        }
        [unit, zone, column] if is_column(column) => text(unit)
            .zip(text(zone))
            .and_then(|(unit, zone)| Some((Length::named(&unit)?, TimeZone::get(&zone).ok()?))),
        _ => None,
    };
    Some(Cut { from, length })
}

/// Whether a column's name stands in an expression as a word of its own.
fn mentions(expression: &str, column: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let outside: Vec<&str> = expression.split('\'').step_by(2).collect();
    outside.iter().any(|text| {
        text.match_indices(column).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + column.len()..].chars().next();
            !before.is_some_and(part) && !after.is_some_and(|c| part(c) || c == '(')
        })
    })
}

/// The rows of a partition by its own column and, where it is made from another one, by that; `None` for what tells no range.
pub(super) fn range(value: &Value, type_name: &str, cut: Option<&Cut>) -> Option<Range> {
    let first = value.as_i64()?;
    let end = match cut {
        // The value itself is all that rows have.
        None => first.checked_add(1),
        Some(cut) => cut
            .length
            .as_ref()
            .and_then(|(length, zone)| after(first, *length, zone)),
    };
    Some(Range {
        from: text(first, type_name),
        to: end.and_then(|end| text(end, type_name)),
        to_is_in: false,
    })
}

/// The end of a piece of time that begins at so many milliseconds.
fn after(first: i64, length: Length, zone: &TimeZone) -> Option<i64> {
    let start = Timestamp::from_millisecond(first).ok()?;
    let end = start.to_zoned(zone.clone()).checked_add(length.span()).ok()?;
    Some(end.timestamp().as_millisecond())
}

/// A value as text of its type, as PostgreSQL writes it: what decisions are made from.
pub(super) fn text(value: i64, type_name: &str) -> Option<String> {
    let clock = || -> Option<DateTime> {
        let moment = Timestamp::from_millisecond(value).ok()?;
        Some(TimeZone::UTC.to_datetime(moment))
    };
    let with_parts = |clock: DateTime| match clock.subsec_nanosecond() {
        0 => clock.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        _ => clock.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
    };
    match type_name {
        "timestamp with time zone" => Some(format!("{}+00", with_parts(clock()?))),
        "timestamp without time zone" => Some(with_parts(clock()?)),
        _ => Some(value.to_string()),
    }
}

/// A boundary, as decisions write it, as the parameter that it is compared with. What is finer than a millisecond is cut off, so
/// that rows are rather kept than lost.
pub(super) fn parameter(text: &str, type_name: &str) -> Option<Value> {
    let milliseconds = |text: &str| -> Option<i64> {
        let clock: DateTime = text.parse().ok()?;
        Some(clock.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
    };
    match type_name {
        "timestamp with time zone" => milliseconds(text.strip_suffix("+00")?).map(Value::from),
        "timestamp without time zone" => milliseconds(text).map(Value::from),
        "bigint" | "integer" | "numeric" | "double precision" => text.parse::<i64>().ok().map(Value::from),
        "text" => Some(Value::from(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, parameter, range};
    use proptest::prelude::*;
    use serde_json::json;

    const ZONED: &str = "timestamp with time zone";

    fn ms(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_partition_ends_where_the_next_one_begins() {
        let columns = ["time".to_owned(), "time_month".to_owned(), "ts".to_owned()];
        for (expression, value, to) in [
            (
                "date_trunc('month', time)",
                "2023-05-01T00:00:00Z",
                Some("2023-06-01 00:00:00+00"),
            ),
            (
                "date_trunc('month', \"time\")",
                "2024-02-01T00:00:00Z",
                Some("2024-03-01 00:00:00+00"),
            ),
            (
                "date_trunc('day', ts)",
                "2024-02-28T00:00:00Z",
                Some("2024-02-29 00:00:00+00"),
            ),
            (
                "date_trunc('week', ts)",
                "2024-02-26T00:00:00Z",
                Some("2024-03-04 00:00:00+00"),
            ),
            (
                "date_trunc('quarter', ts)",
                "2024-10-01T00:00:00Z",
                Some("2025-01-01 00:00:00+00"),
            ),
            (
                "date_trunc('hour', ts)",
                "2024-02-28T23:00:00Z",
                Some("2024-02-29 00:00:00+00"),
            ),
            (
                "date_trunc('day', 'Europe/Berlin', ts)",
                "2026-03-28T23:00:00Z",
                Some("2026-03-29 22:00:00+00"),
            ),
            ("date_trunc('eon', ts)", "2024-02-28T23:00:00Z", None),
            ("date_bin('7 days', ts, 0)", "2024-02-28T23:00:00Z", None),
        ] {
            let cut = cut(expression, &columns);
            assert!(cut.is_some(), "{expression}");
            let found = range(&json!(ms(value)), ZONED, cut.as_ref()).unwrap();
            assert_eq!(found.to.as_deref(), to, "{expression}");
        }
        // A column that is made from nothing: rows have the value itself.
        let own = range(&json!(ms("2023-05-01T00:00:00Z")), ZONED, None).unwrap();
        assert_eq!(own.from.as_deref(), Some("2023-05-01 00:00:00+00"));
        assert_eq!(own.to.as_deref(), Some("2023-05-01 00:00:00.001+00"));
        assert_eq!(range(&json!("x"), "text", None), None);
        assert_eq!(range(&json!(null), ZONED, None), None);
    }

    #[test]
    fn what_an_expression_is_made_from_is_found() {
        let columns = ["ts".to_owned(), "ts_raw".to_owned(), "day".to_owned()];
        for (expression, from) in [
            ("date_trunc('day', ts_raw)", Some("ts_raw")),
            ("date_trunc('day', ts)", Some("ts")),
            ("date_format('%Y', ts)", Some("ts")),
            ("random()", None),
        ] {
            assert_eq!(
                cut(expression, &columns).map(|it| it.from).as_deref(),
                from,
                "{expression}"
            );
        }
    }

    #[test]
    fn boundaries_become_milliseconds() {
        for (text, type_name, expected) in [
            (
                "2024-01-01 00:00:00.123999+00",
                ZONED,
                Some(json!(ms("2024-01-01T00:00:00.123Z"))),
            ),
            (
                "2024-01-01 00:00:00.000000",
                "timestamp without time zone",
                Some(json!(ms("2024-01-01T00:00:00Z"))),
            ),
            ("17", "bigint", Some(json!(17))),
            ("17", "uuid", None),
        ] {
            assert_eq!(parameter(text, type_name), expected, "{text}");
        }
    }

    proptest! {
        /// Whatever the value, a range that has an end has it after its start, and no value makes it panic.
        #[test]
        fn no_value_makes_a_range_wrong(value in any::<i64>(), unit in "second|minute|hour|day|week|month|quarter|year") {
            let cut = cut(&format!("date_trunc('{unit}', t)"), &["t".to_owned()]);
            if let Some(range) = range(&json!(value), "bigint", cut.as_ref())
                && let (Some(from), Some(to)) = (range.from, range.to)
            {
                prop_assert!(from.parse::<i64>().unwrap() < to.parse::<i64>().unwrap());
            }
        }
    }
}
