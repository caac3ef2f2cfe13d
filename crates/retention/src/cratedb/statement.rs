//! Statements with names and conditions in them, and their parameters. Pure.

use ostler_api::retention::TableName;
use ostler_cratedb::quote::{identifier, literal, shown};
use serde_json::Value;

use super::span;
use crate::facts::Values;
use crate::strategy::{Form, Target};
pub(super) use crate::template::{fill, filled};

/// A statement with the values of its `?`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    pub sql: String,
    pub args: Vec<Value>,
}

impl Bound {
    /// As people would write it.
    pub fn written(&self) -> String {
        let mut args = self.args.iter();
        let mut text = String::new();
        let mut in_a_name = false;
        for character in self.sql.chars() {
            in_a_name ^= character == '"';
            match character {
                '?' if !in_a_name => text.push_str(&args.next().map_or_else(|| "?".to_owned(), shown)),
                other => text.push(other),
            }
        }
        text
    }
}

/// A table's quoted name.
pub(super) fn quoted(table: &TableName) -> String {
    format!("{}.{}", identifier(&table.schema), identifier(&table.name))
}

/// The rows of a partition. Nothing but its columns is in it, so that the server takes it as a whole.
pub(super) fn of_partition(partition: &Values) -> (String, Vec<Value>) {
    let mut args = Vec::new();
    let parts: Vec<String> = partition
        .values
        .iter()
        .map(|(column, value)| {
            if value.is_null() {
                format!("{} IS NULL", identifier(column))
            } else {
                args.push(value.clone());
                format!("{} = ?", identifier(column))
            }
        })
        .collect();
    (parts.join(" AND "), args)
}

/// A statement about a partition, in whose file `{values}` names it.
pub(super) fn about_partition(
    template: &str,
    table: &TableName,
    partition: &Values,
    more: &[(&str, &str)],
) -> Bound {
    let pairs = partition.values.iter();
    let values: Vec<String> = pairs
        .map(|(column, _)| format!("{} = ?", identifier(column)))
        .collect();
    let (table, values) = (quoted(table), values.join(", "));
    let mut places = vec![("table", table.as_str()), ("values", &values)];
    places.extend(more);
    Bound {
        sql: fill(template, &places),
        args: partition.values.iter().map(|(_, value)| value.clone()).collect(),
    }
}

/// A statement about the rows of a partition, in whose file `{condition}` names them.
pub(super) fn about_rows_of(template: &str, table: &TableName, partition: &Values) -> Bound {
    let (condition, args) = of_partition(partition);
    Bound {
        sql: fill(template, &[("table", &quoted(table)), ("condition", &condition)]),
        args,
    }
}

/// The rows of a `keep-last` target, as a query of their ids and times; `None` for any other.
pub(super) fn ranked(table: &TableName, target: &Target) -> Option<Bound> {
    let Target::Rows {
        column,
        last: Some(last),
        by,
        ..
    } = target
    else {
        return None;
    };
    let (condition, args) = of_rows(target)?;
    let by: Vec<String> = by.iter().map(|column| identifier(column)).collect();
    let places = [
        ("column", identifier(column)),
        ("by", by.join(", ")),
        ("table", quoted(table)),
        ("last", last.to_string()),
        ("condition", condition),
    ];
    Some(Bound {
        sql: filled(include_str!("queries/ranked.sql"), &places),
        args,
    })
}

/// The condition of rows that go, without the rank that `keep-last` adds; `None` when their column cannot be compared here.
pub(super) fn of_rows(target: &Target) -> Option<(String, Vec<Value>)> {
    let Target::Rows {
        column,
        type_name,
        boundary,
        form,
        ..
    } = target
    else {
        return None;
    };
    let name = identifier(column);
    let mut parts = Vec::new();
    let mut args = Vec::new();
    match boundary {
        Some(boundary) => {
            parts.push(format!("{name} < ?"));
            args.push(span::parameter(boundary, type_name)?);
        }
        None => parts.push(format!("{name} IS NOT NULL")),
    }
    match form {
        Some(Form::Ulid) if type_name == "text" => {
            parts.push(format!("{name} ~ {}", literal("[0-7][0-9A-HJKMNP-TV-Z]{25}")));
        }
        Some(_) => return None,
        None => {}
    }
    Some((parts.join(" AND "), args))
}

#[cfg(test)]
mod tests {
    use super::{about_partition, about_rows_of, of_rows};
    use crate::facts::Values;
    use crate::strategy::Target;
    use ostler_api::retention::TableName;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn partition(values: &[(&str, Value)]) -> Values {
        Values {
            ident: "04".into(),
            uuid: "u".into(),
            values: values
                .iter()
                .map(|(column, value)| ((*column).to_owned(), value.clone()))
                .collect(),
        }
    }

    #[test]
    fn a_partition_is_named_by_all_of_its_values() {
        let table: TableName = "doc.t".parse().unwrap();
        let partition = partition(&[("day", json!(5)), ("region", json!("it's")), ("x", Value::Null)]);
        let drop = about_rows_of(include_str!("queries/drop.sql"), &table, &partition);
        assert_eq!(
            drop.written(),
            "DELETE FROM \"doc\".\"t\" WHERE \"day\" = 5 AND \"region\" = 'it''s' AND \"x\" IS NULL"
        );
        let block = about_partition(
            include_str!("queries/block.sql"),
            &table,
            &partition,
            &[("blocked", "true")],
        );
        assert_eq!(
            block.written(),
            "ALTER TABLE \"doc\".\"t\" PARTITION (\"day\" = 5, \"region\" = 'it''s', \"x\" = NULL) SET (\"blocks.write\" = true)"
        );
    }

    proptest! {
        /// A column's name cannot end its quotes, and a boundary is never part of the text.
        #[test]
        fn names_stay_names(name in ".{1,20}", boundary in any::<i64>()) {
            let target = Target::Rows {
                column: name.clone(),
                type_name: "bigint".into(),
                boundary: Some(boundary.to_string()),
                form: None,
                last: None,
                by: vec![],
            };
            let (condition, args) = of_rows(&target).unwrap();
            let name = name.replace('\0', "").replace('"', "\"\"");
            prop_assert_eq!(condition, format!("\"{name}\" < ?"));
            prop_assert_eq!(args, vec![json!(boundary)]);
        }
    }
}
