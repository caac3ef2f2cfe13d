//! Which rows go, and in which order: pure, from what refers to what.

use std::collections::BTreeMap;

use ostler_api::retention::TableName;
use ostler_api::tables::SubjectColumn;
use ostler_vocabulary::{ErrorKind, Failure};
use serde::Deserialize;

use super::{By, Rows};

/// A foreign key that refers to a table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Reference {
    schema: String,
    name: String,
    action: OnDelete,
    columns: Vec<String>,
    referenced: Vec<String>,
}

/// What becomes of a row when the one it refers to goes, by `pg_constraint.confdeltype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum OnDelete {
    #[serde(rename = "a")]
    NoAction,
    #[serde(rename = "r")]
    Restrict,
    #[serde(rename = "c")]
    Cascade,
    #[serde(rename = "n")]
    SetNull,
    #[serde(rename = "d")]
    SetDefault,
}

impl Reference {
    /// The table that refers.
    pub fn table(&self) -> TableName {
        TableName {
            schema: self.schema.clone(),
            name: self.name.clone(),
        }
    }

    /// Whether its rows go with those that they refer to.
    pub fn goes_along(&self) -> bool {
        self.action == OnDelete::Cascade
    }

    /// Whether these rows are those that have the subject in this column anyway.
    fn is_the_column(&self, column: &str, place: &SubjectColumn) -> bool {
        self.table() == place.table
            && self.columns.as_slice() == [place.column.as_str()]
            && self.referenced.as_slice() == [column]
    }
}

/// What refers to which table.
#[derive(Debug, Default)]
pub(super) struct References(BTreeMap<TableName, Vec<Reference>>);

impl References {
    pub fn knows(&self, table: &TableName) -> bool {
        self.0.contains_key(table)
    }

    pub fn add(&mut self, table: TableName, references: Vec<Reference>) {
        self.0.insert(table, references);
    }

    fn to(&self, table: &TableName) -> &[Reference] {
        self.0.get(table).map_or(&[], Vec::as_slice)
    }
}

/// The rows that go, each before those that it refers to, and what becomes of others.
///
/// # Errors
/// When rows of a table would go along with rows of the same table by way of another one: they could not be counted.
pub(super) fn order(
    of: &[SubjectColumn],
    references: &References,
) -> Result<(Vec<Rows>, Vec<String>), Failure> {
    let mut left: Vec<&SubjectColumn> = of.iter().collect();
    let mut work = Order {
        of,
        references,
        rows: Vec::new(),
        notes: Vec::new(),
    };
    while !left.is_empty() {
        let refers = |table: &TableName| {
            let mut others = left.iter().filter(|other| other.table != *table);
            others.any(|other| references.to(table).iter().any(|it| it.table() == other.table))
        };
        // Where all refer to each other the server says what it thinks of it.
        let next = left.iter().position(|place| !refers(&place.table)).unwrap_or(0);
        let place = left.remove(next);
        work.add(Rows::of(place), &mut Vec::new())?;
    }
    Ok((work.rows, work.notes))
}

struct Order<'a> {
    of: &'a [SubjectColumn],
    references: &'a References,
    rows: Vec<Rows>,
    notes: Vec<String>,
}

impl Order<'_> {
    fn add(&mut self, rows: Rows, above: &mut Vec<TableName>) -> Result<(), Failure> {
        if above.contains(&rows.table) {
            return Err(Failure::new(
                ErrorKind::Unsupported,
                format!(
                    "rows of {} go along with others of it, and could not be told apart",
                    rows.table
                ),
            )
            .with_hint("its foreign key with ON DELETE CASCADE leads back to the table itself"));
        }
        above.push(rows.table.clone());
        let rows = self.with_below(rows)?;
        let goes_below = |it: &&Reference| !(it.goes_along() && it.table() == rows.table);
        for reference in self.references.to(&rows.table).iter().filter(goes_below) {
            let listed = |place: &SubjectColumn| match &rows.by {
                By::Column(column) => reference.is_the_column(column, place),
                By::Below { of, .. } => match &of.by {
                    By::Column(column) => reference.is_the_column(column, place),
                    By::Reference { .. } | By::Below { .. } => false,
                },
                By::Reference { .. } => false,
            };
            let table = reference.table();
            match reference.action {
                OnDelete::Cascade if self.of.iter().any(listed) => {}
                OnDelete::Cascade => self.add(
                    Rows {
                        table,
                        by: By::Reference {
                            columns: reference.columns.clone(),
                            referenced: reference.referenced.clone(),
                            of: Box::new(rows.clone()),
                        },
                    },
                    above,
                )?,
                OnDelete::SetNull | OnDelete::SetDefault => self.note(format!(
                    "{} of {table} loses its value where it refers to a row of {} that goes",
                    reference.columns.join(", "),
                    rows.table
                )),
                OnDelete::NoAction | OnDelete::Restrict
                    if self.of.iter().any(|place| place.table == table) => {}
                OnDelete::NoAction | OnDelete::Restrict => self.note(format!(
                    "rows of {} stay where a row of {table} refers to them, and the erasure is then partial",
                    rows.table
                )),
            }
        }
        above.pop();
        if !self.rows.contains(&rows) {
            self.rows.push(rows);
        }
        Ok(())
    }

    /// Rows with those of the same table that go along with them.
    fn with_below(&self, rows: Rows) -> Result<Rows, Failure> {
        let own = |it: &&Reference| it.goes_along() && it.table() == rows.table;
        let own: Vec<&Reference> = self.references.to(&rows.table).iter().filter(own).collect();
        let Some(first) = own.first() else {
            return Ok(rows);
        };
        if own.iter().any(|it| it.referenced != first.referenced) {
            return Err(Failure::new(
                ErrorKind::Unsupported,
                format!(
                    "rows of {} go along with others of it by different keys",
                    rows.table
                ),
            )
            .with_hint("let its foreign keys with ON DELETE CASCADE to itself refer to one key"));
        }
        Ok(Rows {
            table: rows.table.clone(),
            by: By::Below {
                columns: own.iter().map(|it| it.columns.clone()).collect(),
                referenced: first.referenced.clone(),
                of: Box::new(rows),
            },
        })
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{By, OnDelete, Reference, References, SubjectColumn, TableName, order};

    fn place(table: &str, column: &str) -> SubjectColumn {
        SubjectColumn {
            table: TableName::in_public(table),
            column: column.to_owned(),
        }
    }

    fn references(all: &[(&str, &str, &str, OnDelete)]) -> References {
        let mut references = References::default();
        for (to, from, column, action) in all {
            let mut known = references.to(&TableName::in_public(*to)).to_vec();
            known.push(Reference {
                schema: "public".to_owned(),
                name: (*from).to_owned(),
                action: *action,
                columns: vec![(*column).to_owned()],
                referenced: vec!["id".to_owned()],
            });
            references.add(TableName::in_public(*to), known);
        }
        references
    }

    fn tables(of: &[SubjectColumn], references: &References) -> Vec<String> {
        let (rows, _) = order(of, references).unwrap();
        let told = rows.iter().map(|rows| match &rows.by {
            By::Column(column) => format!("{} {column}", rows.table.name),
            By::Reference { of, .. } => format!("{} of {}", rows.table.name, of.table.name),
            By::Below { columns, .. } => format!("{} below by {columns:?}", rows.table.name),
        });
        told.collect()
    }

    #[test]
    fn what_refers_goes_first_and_what_goes_along_is_named() {
        let of = [place("customers", "id"), place("orders", "customer")];
        let refers = references(&[
            ("customers", "orders", "customer", OnDelete::Cascade),
            ("customers", "visits", "customer", OnDelete::Cascade),
            ("orders", "lines", "order", OnDelete::Cascade),
            ("lines", "notes", "line", OnDelete::Cascade),
        ]);
        assert_eq!(
            tables(&of, &refers),
            [
                "notes of lines",
                "lines of orders",
                "orders customer",
                "visits of customers",
                "customers id"
            ]
        );
        let refers = references(&[("customers", "orders", "customer", OnDelete::NoAction)]);
        assert_eq!(tables(&of, &refers), ["orders customer", "customers id"]);
        // By another column, both: an order may be somebody's in two ways.
        let refers = references(&[("customers", "orders", "payer", OnDelete::Cascade)]);
        assert_eq!(
            tables(&of, &refers),
            ["orders customer", "orders of customers", "customers id"]
        );
    }

    #[test]
    fn what_becomes_of_others_is_told_and_circles_are_refused() {
        let of = [place("customers", "id")];
        let refers = references(&[
            ("customers", "invoices", "customer", OnDelete::Restrict),
            ("customers", "ratings", "author", OnDelete::SetNull),
        ]);
        let (_, notes) = order(&of, &refers).unwrap();
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(
            notes[0].contains("invoices") && notes[1].contains("ratings"),
            "{notes:?}"
        );
        let refers = references(&[
            ("customers", "orders", "customer", OnDelete::Cascade),
            ("orders", "customers", "last_order", OnDelete::Cascade),
        ]);
        assert!(order(&of, &refers).is_err());
        // One that leads to the table itself is gone down.
        let refers = references(&[
            ("customers", "customers", "recruited_by", OnDelete::Cascade),
            ("customers", "orders", "customer", OnDelete::Cascade),
        ]);
        assert_eq!(
            tables(&of, &refers),
            ["orders of customers", "customers below by [[\"recruited_by\"]]"]
        );
        let refers = references(&[("customers", "customers", "recruited_by", OnDelete::SetNull)]);
        assert!(order(&of, &refers).is_ok());
    }
}
