//! What a database's catalogue says of a table, as values that decisions are made from.

use ostler_api::retention::TableName;
use ostler_api::tables::Defined;
use serde::{Deserialize, Serialize};

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub table: TableName,
    /// What it is.
    pub shape: Shape,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// Everything below it that a partitioned table, however deep, holds directly.
    pub partitions: Vec<Partition>,
    /// Whether partitions can be detached while others work.
    pub detaches_concurrently: bool,
    /// What is in the default partition, where that was asked for.
    #[serde(default)]
    pub stray: Stray,
    /// The rollup that the policy names, where it names one.
    #[serde(default)]
    pub rollup: Option<Defined>,
}

/// Rows in a default partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stray {
    /// The oldest of their times, as the server writes it.
    pub oldest: Option<String>,
    /// The newest.
    pub newest: Option<String>,
}

/// What a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A table with rows of its own.
    Plain,
    /// One whose rows are in partitions.
    Partitioned,
    /// A view, a foreign table, or whatever else has no rows that we could remove.
    Other,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The name of its type; of a domain, that of the type below.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its name.
    pub table: TableName,
    /// What the server knows it by: another of the same name has another one.
    pub id: u32,
    /// The table that it is attached to.
    pub parent: TableName,
    /// What the server knows that one by.
    pub parent_id: u32,
    /// How the parent is partitioned: `range`, `list` or `hash`.
    pub method: String,
    /// The parent's key: columns by name, `None` for an expression.
    pub key: Vec<Option<String>>,
    /// Its bounds, as the server writes them.
    pub bounds: String,
    /// Whether somebody began to detach it and did not end.
    pub detaching: bool,
    /// Bytes with indexes and all that belongs to it.
    pub bytes: u64,
    /// Rows by the server's statistics; `None` when there are none yet.
    pub rows: Option<u64>,
}

impl Table {
    /// Whether a level of the table is partitioned by the column.
    #[must_use]
    pub fn partitioned_by(&self, column: &str) -> bool {
        self.partitions.iter().any(|partition| {
            partition
                .key
                .first()
                .is_some_and(|key| key.as_deref() == Some(column))
        })
    }
}

impl Partition {
    /// Whether it takes what no other one does.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.bounds == "DEFAULT"
    }

    /// The values of the leading key column from which on and up to which rows are in it; `None` for no limit. For a list
    /// there is no end.
    #[must_use]
    pub fn leading_bounds(&self) -> Option<(Option<String>, Option<String>)> {
        let rest = self.bounds.strip_prefix("FOR VALUES ")?;
        if let Some(rest) = rest.strip_prefix("IN ") {
            let (values, _) = values(rest)?;
            // The greatest would have to be compared by the type; one value is what such tables have.
            return match values.as_slice() {
                [Some(only)] => Some((Some(only.clone()), None)),
                _ => None,
            };
        }
        let (from, rest) = values(rest.strip_prefix("FROM ")?)?;
        let (to, _) = values(rest.strip_prefix(" TO ")?)?;
        Some((from.into_iter().next()?, to.into_iter().next()?))
    }
}

/// The values from which on and up to which a range is, of one key column.
#[must_use]
pub fn range_of(bounds: &str) -> Option<(String, String)> {
    let rest = bounds.strip_prefix("FOR VALUES FROM ")?;
    let (from, rest) = values(rest)?;
    let (to, _) = values(rest.strip_prefix(" TO ")?)?;
    match (from.as_slice(), to.as_slice()) {
        ([Some(from)], [Some(to)]) => Some((from.clone(), to.clone())),
        _ => None,
    }
}

/// Whether a text is bounds as the server writes them, and nothing else.
#[must_use]
pub fn are_bounds(text: &str) -> bool {
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

/// A list in parentheses, and what comes after it. `None` for `MINVALUE`, `MAXVALUE` and `NULL`.
fn values(text: &str) -> Option<(Vec<Option<String>>, &str)> {
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
            found.push(Some(value));
            rest = tail;
        } else {
            let end = rest.find([',', ')'])?;
            let word = &rest[..end];
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_');
            if word.is_empty() || word.contains("--") || !word.bytes().all(plain) {
                return None;
            }
            found.push((!matches!(word, "MINVALUE" | "MAXVALUE" | "NULL")).then(|| word.to_owned()));
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
    use super::{Partition, TableName};

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
            let table = TableName::in_public("p");
            let partition = Partition {
                table: table.clone(),
                id: 1,
                parent: table,
                parent_id: 2,
                method: "range".into(),
                key: vec![],
                bounds: bounds.into(),
                detaching: false,
                bytes: 0,
                rows: None,
            };
            let expected = expected.map(|(from, to)| (from.map(str::to_owned), to.map(str::to_owned)));
            assert_eq!(partition.leading_bounds(), expected, "{bounds}");
        }
    }
}
