//! Names of tables and columns, as people write them.

use std::fmt;
use std::str::FromStr;

use ostler_vocabulary::{Classified, ErrorKind};

/// A table. Written `schema.table`, or `table` for one in the schema `public`; a part with a dot, a colon, a quote or a
/// blank stands in double quotes, with quotes in it doubled. Letters mean themselves: nothing is folded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// Its schema.
    pub schema: String,
    /// Its name there.
    pub name: String,
}

/// `TABLE[:COLUMN]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// The table.
    pub table: TableName,
    /// The column.
    pub column: Option<String>,
}

/// Text that names no table.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` names no table: {reason}")]
pub struct NameError {
    text: String,
    reason: &'static str,
}

impl Classified for NameError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn hint(&self) -> Option<String> {
        Some("write `schema.table` or `schema.table:column`; odd names in double quotes: `\"my.schema\".table`".into())
    }
}

impl FromStr for TableColumn {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = |reason| NameError {
            text: text.to_owned(),
            reason,
        };
        let (first, rest) = part(text).map_err(wrong)?;
        let (table, rest) = match rest.strip_prefix('.') {
            None => (TableName::in_public(first), rest),
            Some(rest) => {
                let (name, rest) = part(rest).map_err(wrong)?;
                (TableName { schema: first, name }, rest)
            }
        };
        let (column, rest) = match rest.strip_prefix(':') {
            None => (None, rest),
            Some(rest) => {
                let (column, rest) = part(rest).map_err(wrong)?;
                (Some(column), rest)
            }
        };
        if rest.is_empty() {
            Ok(Self { table, column })
        } else {
            Err(wrong("there is more than a schema, a table and a column"))
        }
    }
}

/// The next part of a name, and what comes after it.
fn part(text: &str) -> Result<(String, &str), &'static str> {
    let (name, rest) = match text.strip_prefix('"') {
        None => {
            let end = text.find(['.', ':', '"']).unwrap_or(text.len());
            (text[..end].to_owned(), &text[end..])
        }
        Some(quoted) => {
            let mut name = String::new();
            let mut rest = quoted;
            loop {
                let end = rest.find('"').ok_or("a quote is not closed")?;
                name.push_str(&rest[..end]);
                rest = &rest[end + 1..];
                match rest.strip_prefix('"') {
                    Some(more) => {
                        name.push('"');
                        rest = more;
                    }
                    None => break,
                }
            }
            (name, rest)
        }
    };
    if name.trim().is_empty() {
        Err("a part of it is empty")
    } else if name.chars().any(char::is_control) {
        Err("it has control characters")
    } else {
        Ok((name, rest))
    }
}

impl TableName {
    /// A table in the schema `public`.
    #[must_use]
    pub fn in_public(name: impl Into<String>) -> Self {
        Self {
            schema: "public".to_owned(),
            name: name.into(),
        }
    }
}

impl FromStr for TableName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let both: TableColumn = text.parse()?;
        match both.column {
            None => Ok(both.table),
            Some(_) => Err(NameError {
                text: text.to_owned(),
                reason: "a column is not expected here",
            }),
        }
    }
}

/// A part as it can be read back.
fn shown(part: &str) -> String {
    let plain =
        !part.is_empty() && !part.contains(|c: char| matches!(c, '.' | ':' | '"') || c.is_whitespace());
    if plain {
        part.to_owned()
    } else {
        format!("\"{}\"", part.replace('"', "\"\""))
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", shown(&self.schema), shown(&self.name)))
    }
}

impl fmt::Display for TableColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            None => self.table.fmt(f),
            Some(column) => f.pad(&format!("{}:{}", self.table, shown(column))),
        }
    }
}

ostler_vocabulary::serde_as_text!(TableName);

#[cfg(test)]
mod tests {
    use super::{TableColumn, TableName};

    #[test]
    fn names_are_read_as_they_are_shown() {
        for (text, schema, name, column) in [
            ("events", "public", "events", None),
            (
                "doc.sensor_readings:time_month",
                "doc",
                "sensor_readings",
                Some("time_month"),
            ),
            ("Doc.SELECT:Zeit", "Doc", "SELECT", Some("Zeit")),
            ("\"a.b\".\"c:d\":\"e\"\"f\"", "a.b", "c:d", Some("e\"f")),
            ("größe.mess wert", "größe", "mess wert", None),
            ("a.'; drop table x; --", "a", "'; drop table x; --", None),
        ] {
            let read: TableColumn = text.parse().unwrap();
            let table = TableName {
                schema: schema.into(),
                name: name.into(),
            };
            assert_eq!((&read.table, read.column.as_deref()), (&table, column), "{text}");
            assert_eq!(read.to_string().parse(), Ok(read), "{text}");
        }
        for text in [
            "", ".", "a.", "a.b.c", "a:", ":b", "\"a", "a\"b", "a.b:c:d", "a\n", "\"\".b",
        ] {
            assert!(text.parse::<TableColumn>().is_err(), "{text}");
        }
        assert!("a:b".parse::<TableName>().is_err());
    }
}
