//! All rows of one subject: table by table, those that refer to others first, each counted by the transaction that removes
//! them; in the end all are looked for again, in one snapshot.

mod order;

use ostler_api::retention::{Pace, TableColumn, TableName};
use ostler_api::tables::{Erase, SubjectColumn, TableItem, TableProof, TablesWork};
use ostler_operations::Operation;
use ostler_postgres::Type;
use ostler_postgres::quote::{identifier, literal};
use ostler_vocabulary::Failure;
use serde::{Deserialize, Serialize};

use super::statement::{fill, quoted};
use super::{Postgres, detail_of, of_item, planned};
use crate::tables::begun;
use crate::{Database, erasure};
use order::{Reference, References};

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
enum Part {
    /// Rows go.
    Remove(Rows),
    /// They are looked for again.
    Look {
        /// Where.
        of: Vec<SubjectColumn>,
    },
}

/// Rows of a table that belong to the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rows {
    table: TableName,
    by: By,
}

/// How it is known whose they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    /// By a column of their own.
    Column(String),
    /// By rows that they refer to.
    Reference {
        columns: Vec<String>,
        referenced: Vec<String>,
        of: Box<Rows>,
    },
    /// They themselves, and all rows of the table that refer to them, however far down: by these columns, to those.
    Below {
        columns: Vec<Vec<String>>,
        referenced: Vec<String>,
        of: Box<Rows>,
    },
}

impl Rows {
    fn of(place: &SubjectColumn) -> Self {
        Self {
            table: place.table.clone(),
            by: By::Column(place.column.clone()),
        }
    }

    /// The condition that finds them. The value is left to the type of the column: cast to it, a text might be cut off.
    fn condition(&self, subject: &str) -> String {
        let list = |names: &[String]| {
            let names: Vec<String> = names.iter().map(|name| identifier(name)).collect();
            names.join(", ")
        };
        match &self.by {
            By::Column(column) => format!("{} = {}", identifier(column), literal(subject).trim_start()),
            By::Reference {
                columns,
                referenced,
                of,
            } => format!(
                "({}) IN (SELECT {} FROM {} WHERE {})",
                list(columns),
                list(referenced),
                quoted(&of.table),
                of.condition(subject)
            ),
            By::Below {
                columns,
                referenced,
                of,
            } => self.condition_below(subject, columns, referenced, of),
        }
    }

    /// The condition of rows and of all that refer to them. Rows that refer to each other are found once.
    fn condition_below(
        &self,
        subject: &str,
        columns: &[Vec<String>],
        referenced: &[String],
        of: &Self,
    ) -> String {
        let of = of.condition(subject);
        let listed = |alias: &str| {
            let names: Vec<String> = referenced
                .iter()
                .map(|name| format!("{alias}{}", identifier(name)))
                .collect();
            names.join(", ")
        };
        let refers = |columns: &Vec<String>| {
            let pairs = columns.iter().zip(referenced);
            let pairs: Vec<String> = pairs
                .map(|(one, other)| format!("o.{} = above.{}", identifier(one), identifier(other)))
                .collect();
            format!("({})", pairs.join(" AND "))
        };
        let refers: Vec<String> = columns.iter().map(refers).collect();
        fill(
            include_str!("queries/erase_below.sql"),
            &[
                ("of", &of),
                ("referenced", &listed("")),
                ("below", &listed("o.")),
                ("table", &quoted(&self.table)),
                ("refers", &refers.join(" OR ")),
            ],
        )
    }

    /// What it is called; no other rows of an erasure are.
    fn object(&self) -> String {
        let column = |column: String| TableColumn {
            table: self.table.clone(),
            column: Some(column),
        };
        match &self.by {
            By::Column(name) => column(name.clone()).to_string(),
            By::Reference { columns, of, .. } => format!("{} of {}", column(columns.join(",")), of.object()),
            By::Below { of, .. } => format!("{} and rows below", of.object()),
        }
    }

    fn reason(&self) -> String {
        match &self.by {
            By::Column(column) => format!("its {column} is the subject"),
            By::Reference { columns, of, .. } => format!(
                "its {} refers to {}, whose rows go, and it would go with them",
                columns.join(", "),
                of.table
            ),
            By::Below { columns, of, .. } => {
                let columns: Vec<String> = columns.iter().map(|columns| columns.join(", ")).collect();
                format!(
                    "{}; rows that refer to them by {} go with them, and those that refer to these",
                    of.reason(),
                    columns.join(" or ")
                )
            }
        }
    }

    fn statement(&self, template: &str, subject: &str) -> String {
        let condition = self.condition(subject);
        fill(
            template,
            &[("table", &quoted(&self.table)), ("condition", &condition)],
        )
    }
}

impl Postgres {
    pub(super) async fn plan_erasure(&self, request: &Erase) -> Result<TablesWork, Failure> {
        erasure::valid(self, request).await?;
        let mut references = References::default();
        let mut ask: Vec<TableName> = request.of.iter().map(|place| place.table.clone()).collect();
        while let Some(table) = ask.pop() {
            if references.knows(&table) {
                continue;
            }
            let found = self.references(&table).await?;
            ask.extend(found.iter().filter(|it| it.goes_along()).map(Reference::table));
            references.add(table, found);
        }
        let (rows, mut notes) = order::order(&request.of, &references)?;
        let counted = self.counted(&rows, &request.subject).await?;
        erasure::found(self, &counted)?;
        let mut items = Vec::new();
        for (rows, count) in rows.into_iter().zip(counted) {
            items.push(TableItem {
                object: rows.object(),
                action: "erase rows".to_owned(),
                reason: rows.reason(),
                rows: Some(count),
                statements: vec![rows.statement(include_str!("queries/erase_rows.sql"), &request.subject)],
                detail: detail_of(&Part::Remove(rows))?,
            });
        }
        let look = Part::Look {
            of: request.of.clone(),
        };
        let reason = "no row of it may be left, in one snapshot of all these tables";
        items.push(erasure::look_again(request, reason, detail_of(&look)?));
        notes.extend(erasure::copies(self, &request.of).await?);
        Ok(TablesWork {
            database: self.name(),
            items,
            notes,
        })
    }

    async fn references(&self, table: &TableName) -> Result<Vec<Reference>, Failure> {
        let parameters = [(&table.schema as _, Type::TEXT), (&table.name as _, Type::TEXT)];
        self.documents(include_str!("queries/erase_references.sql"), &parameters)
            .await
    }

    /// How many rows there are of each, in one snapshot.
    async fn counted(&self, rows: &[Rows], subject: &str) -> Result<Vec<u64>, Failure> {
        let work = async {
            self.as_the_user_would().await?;
            let mut counts = Vec::new();
            for rows in rows {
                let statement = rows.statement(include_str!("queries/erase_count.sql"), subject);
                let row = self.session.one(&statement, &[]).await?;
                counts.push(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0));
            }
            Ok(counts)
        };
        self.all_or_none(include_str!("queries/erase_snapshot.sql"), work)
            .await
    }

    pub(super) async fn erase(
        &self,
        op: &Operation,
        request: &Erase,
        item: &TableItem,
        pace: Pace,
    ) -> Result<TableProof, Failure> {
        match planned(&item.detail)? {
            Part::Remove(rows) => self.erase_rows(op, request, item, &rows, pace).await,
            Part::Look { of } => self.look_again(op, request, item, &of).await,
        }
    }

    async fn erase_rows(
        &self,
        op: &Operation,
        request: &Erase,
        item: &TableItem,
        rows: &Rows,
        pace: Pace,
    ) -> Result<TableProof, Failure> {
        let statement = rows.statement(include_str!("queries/erase_rows.sql"), &request.subject);
        let wait = pace.lock_wait_ms.to_string();
        let begin = fill(include_str!("queries/erase_begin.sql"), &[("wait", &wait)]);
        let leaves = format!("rows of {} that were erased stay erased", item.object);
        self.run_noted(op, item, ("erase", &leaves), (&begin, &statement))
            .await
    }

    async fn look_again(
        &self,
        op: &Operation,
        request: &Erase,
        item: &TableItem,
        of: &[SubjectColumn],
    ) -> Result<TableProof, Failure> {
        let mut proof = begun(item);
        let rows: Vec<Rows> = of.iter().map(Rows::of).collect();
        let rows = &rows;
        let left: Result<Vec<u64>, _> = op
            .step("look again")
            .key(&item.object)
            .retries(3)
            .run(|_| async move { of_item(self.counted(rows, &request.subject).await) })
            .await?;
        match left {
            Err(problem) => proof.problem = Some(problem),
            Ok(left) => proof.evidence = erasure::nothing_left(of, &left),
        }
        Ok(proof)
    }
}
