//! The statements that change many rows at once.
//!
//! Values travel as arrays of text, one a column, and are read by the input function of the column's type on the server:
//! whatever text form the trigger wrote means the same here.

use std::fmt::Write;

use ostler_postgres::quote::{identifier, qualified};

use super::fold::Folded;

/// A table as it is in the target: what a statement needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// `schema.name`, unquoted.
    pub table: String,
    /// Columns with their types as SQL.
    pub columns: Vec<(String, String)>,
    /// Columns of the primary key, in its order.
    pub key: Vec<String>,
}

/// A statement with its arrays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The SQL; `$1` is an array of text for the first column, and so on.
    pub sql: String,
    /// The arrays, one a column.
    pub arrays: Vec<Vec<Option<String>>>,
    /// How many rows it must change, when that is known.
    pub rows: u64,
}

/// A column that the target's table does not have.
#[derive(Debug, thiserror::Error)]
#[error("table `{table}` has no column `{column}`")]
pub struct NoColumn {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

/// What to do with rows that are there already, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// New rows.
    Insert,
    /// New rows, or new values for those with the same key.
    Upsert,
    /// New values for the rows with these keys.
    Update,
    /// The rows with these keys go.
    Delete,
}

impl Shape {
    /// One statement for rows that have the same columns. The columns are the first row's.
    ///
    /// # Errors
    /// When the table lacks a column.
    pub fn statement(&self, kind: Kind, rows: &[Folded]) -> Result<Option<Statement>, NoColumn> {
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let names: Vec<&str> = first
            .columns
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| kind != Kind::Delete || self.is_key(name))
            .collect();
        let mut typed = Vec::with_capacity(names.len());
        for name in &names {
            let known = self.columns.iter().find(|(column, _)| column == name);
            let (_, column_type) = known.ok_or_else(|| NoColumn {
                table: self.table.clone(),
                column: (*name).to_owned(),
            })?;
            typed.push((identifier(name), column_type.as_str(), self.is_key(name)));
        }
        let arrays = names
            .iter()
            .map(|name| {
                rows.iter()
                    .map(|row| {
                        let value = row.columns.iter().find(|(column, _)| column == name);
                        value.and_then(|(_, value)| value.clone())
                    })
                    .collect()
            })
            .collect();
        Ok(Some(Statement {
            sql: self.sql(kind, &typed),
            arrays,
            rows: rows.len() as u64,
        }))
    }

    fn is_key(&self, name: &str) -> bool {
        self.key.iter().any(|key| key == name)
    }

    fn sql(&self, kind: Kind, columns: &[(String, &str, bool)]) -> String {
        let table = qualified(&self.table);
        let parameters: Vec<String> = (1..=columns.len())
            .map(|number| format!("${number}::text[]"))
            .collect();
        let names = list(columns.iter().map(|(name, _, _)| name.clone()));
        let from = format!("unnest({}) as new ({names})", parameters.join(", "));
        let values = list(columns.iter().map(|(name, of, _)| format!("new.{name}::{of}")));
        let keys = columns
            .iter()
            .filter(|(_, _, is_key)| *is_key)
            .map(|(name, of, _)| format!("old.{name} = new.{name}::{of}"))
            .collect::<Vec<_>>()
            .join(" and ");
        let changed = |value: &dyn Fn(&str, &str) -> String| {
            list(
                columns
                    .iter()
                    .filter(|(_, _, is_key)| !is_key)
                    .map(|(name, of, _)| format!("{name} = {}", value(name, of))),
            )
        };
        match kind {
            Kind::Insert => {
                format!("insert into {table} ({names}) overriding system value select {values} from {from}")
            }
            Kind::Upsert => {
                let mut sql = format!(
                    "insert into {table} ({names}) overriding system value select {values} from {from} on conflict ("
                );
                sql.push_str(&list(self.key.iter().map(|name| identifier(name))));
                let set = changed(&|name, _| format!("excluded.{name}"));
                // Writing to a text cannot fail.
                let _ = if set.is_empty() {
                    write!(sql, ") do nothing")
                } else {
                    write!(sql, ") do update set {set}")
                };
                sql
            }
            Kind::Update => {
                let mut set = changed(&|name, of| format!("new.{name}::{of}"));
                if set.is_empty() {
                    // A table that is all key: the row only has to be there.
                    set = list(
                        columns
                            .iter()
                            .take(1)
                            .map(|(name, _, _)| format!("{name} = old.{name}")),
                    );
                }
                format!("update {table} as old set {set} from {from} where {keys}")
            }
            Kind::Delete => format!("delete from {table} as old using {from} where {keys}"),
        }
    }
}

/// Rows in runs of the same columns, in order.
#[must_use]
pub fn by_columns(rows: Vec<Folded>) -> Vec<Vec<Folded>> {
    let mut runs: Vec<Vec<Folded>> = Vec::new();
    for row in rows {
        let same = |run: &&mut Vec<Folded>| {
            run.first().is_some_and(|first| {
                first.columns.len() == row.columns.len()
                    && first
                        .columns
                        .iter()
                        .zip(&row.columns)
                        .all(|((one, _), (other, _))| one == other)
            })
        };
        match runs.iter_mut().find(same) {
            Some(run) => run.push(row),
            None => runs.push(vec![row]),
        }
    }
    runs
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::fold::Folded;
    use super::{Kind, Shape, by_columns};
    use crate::consumer::row::Change;

    fn shape() -> Shape {
        let column = |name: &str, of: &str| (name.to_owned(), of.to_owned());
        Shape {
            table: "shop.order".to_owned(),
            columns: vec![
                column("id", "integer"),
                column("at", "timestamp with time zone"),
                column("a\"b", "numeric"),
            ],
            key: vec!["id".to_owned()],
        }
    }

    fn row(columns: &[(&str, Option<&str>)]) -> Folded {
        Folded {
            change: Change::Insert,
            columns: columns
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
                .collect(),
        }
    }

    fn sql(kind: Kind, columns: &[(&str, Option<&str>)]) -> String {
        let statement = shape()
            .statement(kind, &[row(columns)])
            .expect("columns are known");
        statement.expect("there is a row").sql
    }

    #[test]
    fn statements_take_arrays_of_text_and_cast_to_the_columns_types() {
        let columns = [("id", Some("1")), ("a\"b", None)];
        assert_eq!(
            sql(Kind::Insert, &columns),
            r#"insert into "shop"."order" ("id", "a""b") overriding system value select new."id"::integer, new."a""b"::numeric from unnest($1::text[], $2::text[]) as new ("id", "a""b")"#
        );
        assert!(
            sql(Kind::Upsert, &columns)
                .ends_with(r#" on conflict ("id") do update set "a""b" = excluded."a""b""#)
        );
        assert!(sql(Kind::Upsert, &columns[..1]).ends_with(r#" on conflict ("id") do nothing"#));
        assert_eq!(
            sql(Kind::Update, &columns),
            r#"update "shop"."order" as old set "a""b" = new."a""b"::numeric from unnest($1::text[], $2::text[]) as new ("id", "a""b") where old."id" = new."id"::integer"#
        );
        assert!(sql(Kind::Update, &columns[..1]).contains(r#"set "id" = old."id" from"#));
        assert_eq!(
            sql(Kind::Delete, &columns),
            r#"delete from "shop"."order" as old using unnest($1::text[]) as new ("id") where old."id" = new."id"::integer"#
        );
    }

    #[test]
    fn a_column_that_the_table_does_not_have_is_an_error() {
        assert!(
            shape()
                .statement(Kind::Insert, &[row(&[("gone", None)])])
                .is_err()
        );
        assert_eq!(shape().statement(Kind::Insert, &[]).expect("nothing to do"), None);
    }

    #[test]
    fn rows_with_other_columns_are_other_statements() {
        let rows = vec![
            row(&[("id", None)]),
            row(&[("id", None), ("at", None)]),
            row(&[("id", Some("2"))]),
        ];
        let runs: Vec<usize> = by_columns(rows).iter().map(Vec::len).collect();
        assert_eq!(runs, [2, 1]);
    }
}
