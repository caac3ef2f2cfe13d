//! Statements with names and conditions in them. Pure.

use ostler_api::retention::TableName;
use ostler_postgres::quote::{identifier, literal};

use crate::strategy::{Form, Target};
pub(super) use crate::template::{fill, filled};

/// A table's quoted name.
pub(super) fn quoted(table: &TableName) -> String {
    format!("{}.{}", identifier(&table.schema), identifier(&table.name))
}

/// How operators, types and collations are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// As people write them, for a session whose `search_path` is ours.
    Short,
    /// With their schema, for a statement that runs with the role's own `search_path`, as user triggers need it.
    Qualified,
}

impl Naming {
    pub fn operator(self, operator: &str) -> String {
        match self {
            Self::Short => operator.to_owned(),
            Self::Qualified => format!("OPERATOR(pg_catalog.{operator})"),
        }
    }

    /// A value as text of a type.
    pub fn value(self, text: &str, type_name: &str) -> String {
        format!("{}::{}", literal(text).trim_start(), self.type_name(type_name))
    }

    /// Of types that tell a time, these have no word of the grammar.
    fn type_name(self, name: &str) -> String {
        match (self, name) {
            (Self::Qualified, "date" | "uuid" | "text" | "tid") => format!("pg_catalog.{name}"),
            _ => name.to_owned(),
        }
    }

    fn collation(self) -> &'static str {
        match self {
            Self::Short => "\"C\"",
            Self::Qualified => "pg_catalog.\"C\"",
        }
    }
}

/// The condition of the rows that go, without the rank that `keep-last` adds.
pub(super) fn condition(target: &Target, naming: Naming) -> String {
    if let Target::Room {
        from,
        to,
        column,
        type_name,
        ..
    } = target
    {
        let column = identifier(column);
        return format!(
            "{column} {} {} AND {column} {} {}",
            naming.operator(">="),
            naming.value(from, type_name),
            naming.operator("<"),
            naming.value(to, type_name)
        );
    }
    let Target::Rows {
        column,
        type_name,
        boundary,
        form,
        ..
    } = target
    else {
        return "true".to_owned();
    };
    let column = identifier(column);
    let mut parts = Vec::new();
    if let Some(boundary) = boundary {
        // The boundary of a text is compared byte by byte, as ULIDs are made to be.
        let collation = if *form == Some(Form::Ulid) {
            format!(" COLLATE {}", naming.collation())
        } else {
            String::new()
        };
        parts.push(format!(
            "{column}{collation} {} {}",
            naming.operator("<"),
            naming.value(boundary, type_name)
        ));
    }
    match form {
        Some(Form::Uuidv7) => parts.push(format!(
            "pg_catalog.substr({column}::{}, 15, 1) {} '7'",
            naming.type_name("text"),
            naming.operator("=")
        )),
        Some(Form::Ulid) => parts.push(format!(
            "{column} {} '^[0-7][0-9A-HJKMNP-TV-Z]{{25}}$'",
            naming.operator("~")
        )),
        None => {}
    }
    if parts.is_empty() {
        "true".to_owned()
    } else {
        parts.join(" AND ")
    }
}

/// The column in a form that has a least and a greatest value in every release.
pub(super) fn value(column: &str, type_name: &str) -> String {
    match type_name {
        "uuid" => format!("{}::text", identifier(column)),
        _ => identifier(column),
    }
}

/// The rows of a `keep-last` target: their places and times.
pub(super) fn ranked(table: &str, target: &Target, naming: Naming) -> Option<String> {
    let Target::Rows {
        column,
        last: Some(last),
        by,
        ..
    } = target
    else {
        return None;
    };
    let by: Vec<String> = by.iter().map(|column| identifier(column)).collect();
    Some(fill(
        include_str!("queries/ranked.sql"),
        &[
            ("column", &identifier(column)),
            ("by", &by.join(", ")),
            ("table", table),
            ("above", &naming.operator(">")),
            ("last", &last.to_string()),
            ("condition", &condition(target, naming)),
        ],
    ))
}

/// The statement that counts what would go.
pub(super) fn measuring(table: &TableName, target: &Target) -> String {
    let (column, type_name) = target.column();
    let table = match target {
        // Until it is made, its rows are in the default partition; without one, nowhere.
        Target::Room { default, parent, .. } => quoted(default.as_ref().unwrap_or(parent)),
        _ => quoted(table),
    };
    let (from, value) = match ranked(&table, target, Naming::Short) {
        Some(ranked) => (format!("({ranked}) AS rows"), "ostler_moment".to_owned()),
        None => (table, value(column, type_name)),
    };
    let condition = match target {
        Target::Rows { last: Some(_), .. } => "true".to_owned(),
        _ => condition(target, Naming::Short),
    };
    fill(
        include_str!("queries/measure.sql"),
        &[("table", &from), ("value", &value), ("condition", &condition)],
    )
}

#[cfg(test)]
mod tests {
    use super::{Naming, condition};
    use crate::strategy::{Form, Target};
    use proptest::prelude::*;

    fn rows(column: &str, type_name: &str, boundary: &str, form: Option<Form>) -> Target {
        Target::Rows {
            column: column.into(),
            type_name: type_name.into(),
            boundary: Some(boundary.into()),
            form,
            last: None,
            by: vec![],
        }
    }

    #[test]
    fn conditions_name_the_column_and_the_boundary() {
        for (target, expected) in [
            (
                rows("time", "date", "2024-01-01", None),
                "\"time\" < '2024-01-01'::date",
            ),
            (
                rows(
                    "id",
                    "uuid",
                    "018f7c28-8a7b-0000-0000-000000000000",
                    Some(Form::Uuidv7),
                ),
                "\"id\" < '018f7c28-8a7b-0000-0000-000000000000'::uuid AND pg_catalog.substr(\"id\"::text, 15, 1) = '7'",
            ),
            (
                rows("id", "text", "01HXY2H2KV", Some(Form::Ulid)),
                "\"id\" COLLATE \"C\" < '01HXY2H2KV'::text AND \"id\" ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'",
            ),
        ] {
            assert_eq!(condition(&target, Naming::Short), expected);
        }
    }

    /// Nothing is left for a `search_path` to decide.
    #[test]
    fn a_qualified_condition_names_the_schema_of_all_that_it_uses() {
        let ulid = rows("id", "text", "01HXY2H2KV", Some(Form::Ulid));
        assert_eq!(
            condition(&ulid, Naming::Qualified),
            "\"id\" COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.<) '01HXY2H2KV'::pg_catalog.text \
             AND \"id\" OPERATOR(pg_catalog.~) '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'"
        );
        let uuid = rows(
            "id",
            "uuid",
            "018f7c28-8a7b-0000-0000-000000000000",
            Some(Form::Uuidv7),
        );
        assert_eq!(
            condition(&uuid, Naming::Qualified),
            "\"id\" OPERATOR(pg_catalog.<) '018f7c28-8a7b-0000-0000-000000000000'::pg_catalog.uuid \
             AND pg_catalog.substr(\"id\"::pg_catalog.text, 15, 1) OPERATOR(pg_catalog.=) '7'"
        );
    }

    proptest! {
        /// A column's name cannot end its quotes.
        #[test]
        fn names_stay_names(name in ".{1,20}") {
            let text = condition(&rows(&name, "date", "2024-01-01", None), Naming::Short);
            let name: String = name.chars().filter(|c| *c != '\0').collect();
            prop_assert_eq!(text, format!("\"{}\" < '2024-01-01'::date", name.replace('"', "\"\"")));
        }
    }
}
