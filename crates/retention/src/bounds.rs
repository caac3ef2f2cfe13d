//! Bounds of partitions as PostgreSQL writes them. Pure.

use crate::facts::Range;

/// One value of a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edge {
    Value(String),
    /// `MINVALUE`: before all values.
    Least,
    /// `MAXVALUE`: after all values.
    Greatest,
    Null,
}

impl Edge {
    fn value(&self) -> Option<String> {
        match self {
            Self::Value(value) => Some(value.clone()),
            Self::Least | Self::Greatest | Self::Null => None,
        }
    }
}

/// The values of the leading key column from which on and up to which rows are in a partition. For a list there is no end.
/// `None` for what tells neither.
pub(crate) fn leading(bounds: &str) -> Option<Range> {
    let rest = bounds.strip_prefix("FOR VALUES ")?;
    if let Some(rest) = rest.strip_prefix("IN ") {
        let (values, _) = values(rest)?;
        // The greatest would have to be compared by the type; one value is what such tables have.
        return match values.as_slice() {
            [only @ Edge::Value(_)] => Some(Range {
                from: only.value(),
                ..Range::default()
            }),
            _ => None,
        };
    }
    let (from, rest) = values(rest.strip_prefix("FROM ")?)?;
    let (to, _) = values(rest.strip_prefix(" TO ")?)?;
    Some(Range {
        from: from.first()?.value(),
        to: to.first()?.value(),
        // Up to ('2023-06-01', MINVALUE) there is no row of that day; up to any other second value there may be some.
        to_is_in: to.get(1).is_some_and(|second| *second != Edge::Least),
    })
}

/// The values from which on and up to which a range is, of one key column.
pub(crate) fn range_of(bounds: &str) -> Option<(String, String)> {
    let rest = bounds.strip_prefix("FOR VALUES FROM ")?;
    let (from, rest) = values(rest)?;
    let (to, _) = values(rest.strip_prefix(" TO ")?)?;
    match (from.as_slice(), to.as_slice()) {
        ([Edge::Value(from)], [Edge::Value(to)]) => Some((from.clone(), to.clone())),
        _ => None,
    }
}

/// Whether a text is bounds as the server writes them, and nothing else.
pub(crate) fn are_bounds(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("FOR VALUES ") else {
        return false;
    };
    let end = match rest.strip_prefix("IN ") {
        Some(rest) => values(rest),
        None => rest
            .strip_prefix("FROM ")
            .and_then(values)
            .and_then(|(_, rest)| values(rest.strip_prefix(" TO ")?)),
    };
    end.is_some_and(|(_, rest)| rest.is_empty())
}

/// A list in parentheses, and what comes after it.
fn values(text: &str) -> Option<(Vec<Edge>, &str)> {
    let mut rest = text.strip_prefix('(')?;
    let mut found = Vec::new();
    loop {
        if let Some(quoted) = rest.strip_prefix('\'') {
            let mut value = String::new();
            let mut tail = quoted;
            loop {
                let end = tail.find('\'')?;
                value.push_str(&tail[..end]);
                tail = &tail[end + 1..];
                match tail.strip_prefix('\'') {
                    Some(more) => {
                        value.push('\'');
                        tail = more;
                    }
                    None => break,
                }
            }
            found.push(Edge::Value(value));
            rest = tail;
        } else {
            let end = rest.find([',', ')'])?;
            let word = &rest[..end];
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_');
            if word.is_empty() || word.contains("--") || !word.bytes().all(plain) {
                return None;
            }
            found.push(match word {
                "MINVALUE" => Edge::Least,
                "MAXVALUE" => Edge::Greatest,
                "NULL" => Edge::Null,
                value => Edge::Value(value.to_owned()),
            });
            rest = &rest[end..];
        }
        if let Some(more) = rest.strip_prefix(", ") {
            rest = more;
        } else {
            return Some((found, rest.strip_prefix(')')?));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::leading;

    #[test]
    fn bounds_are_read_as_the_server_writes_them() {
        for (bounds, expected) in [
            (
                "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2024-02-01 00:00:00+00')",
                Some((Some("2024-01-01 00:00:00+00"), Some("2024-02-01 00:00:00+00"))),
            ),
            ("FOR VALUES FROM (MINVALUE) TO ('100')", Some((None, Some("100")))),
            (
                "FOR VALUES FROM (1, 'a, (''b)') TO (MAXVALUE, MAXVALUE)",
                Some((Some("1"), None)),
            ),
            (
                "FOR VALUES FROM ('it''s', 1) TO ('x', 2)",
                Some((Some("it's"), Some("x"))),
            ),
            ("FOR VALUES IN ('2024-01-01')", Some((Some("2024-01-01"), None))),
            ("FOR VALUES IN ('a', 'b')", None),
            ("FOR VALUES WITH (modulus 4, remainder 0)", None),
            ("DEFAULT", None),
            ("FOR VALUES FROM ('x", None),
        ] {
            let found = leading(bounds).map(|range| (range.from, range.to));
            let expected = expected.map(|(from, to)| (from.map(str::to_owned), to.map(str::to_owned)));
            assert_eq!(found, expected, "{bounds}");
        }
    }

    #[test]
    fn an_end_of_several_columns_is_in_the_partition_unless_the_rest_is_minvalue() {
        for (end, is_in) in [
            ("('2023-06-01')", false),
            ("('2023-06-01', MINVALUE)", false),
            ("('2023-06-01', MINVALUE, MINVALUE)", false),
            ("('2023-06-01', MAXVALUE)", true),
            ("('2023-06-01', 'MINVALUE')", true),
            ("('2023-06-01', 5, MINVALUE)", true),
        ] {
            let bounds = format!("FOR VALUES FROM ('2023-05-01', MINVALUE) TO {end}");
            let found = leading(&bounds).map(|range| range.to_is_in);
            assert_eq!(found, Some(is_in), "{bounds}");
        }
    }
}
