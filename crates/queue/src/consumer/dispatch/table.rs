//! Rows of one piece of a batch into one table.

use std::collections::HashMap;
use std::time::Duration;

use jiff::civil::DateTime;

use ostler_postgres::quote::{literal, qualified};
use ostler_postgres::{Parameter, Transaction, Type};

use super::apply::DispatchError;
use super::fold::{Fold, Folded};
use super::partition::{Part, Period, TimeOf};
use super::statement::{Kind, Shape, by_columns};
use crate::consumer::row::{Change, Row};

const TABLE_COLUMNS: &str = include_str!("../sql/table_columns.sql");
const CHILDREN: &str = include_str!("../sql/children.sql");
const IS_PARTITIONED: &str = include_str!("../sql/is_partitioned.sql");

/// What a change means to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowMode {
    /// The table becomes what the source's table is. Every update and delete must find its row, every insert none.
    #[default]
    Plain,
    /// The table has the last state of every key, whatever it had before.
    KeepLatest,
    /// The table gets a row for every insert and update; deletes and truncates do nothing.
    KeepAll,
}

/// Tables by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partitioning {
    /// How much time a table holds.
    pub period: Period,
    /// Whose time counts. With a column's, it must not change: an update would look for its row in another table.
    pub time: TimeOf,
    /// The table's name, with `{table}` and `{part}` in it.
    pub name: String,
    /// How long a table is kept after its time is over; `None`: for ever. Rows of tables that are gone are left out.
    pub keep: Option<Duration>,
}

impl Partitioning {
    /// Whether a part's time is over for so long, at this moment, that it is not kept.
    #[must_use]
    pub fn is_over(&self, part: &Part, now: DateTime) -> bool {
        let limit = self.keep.and_then(|keep| now.checked_sub(keep).ok());
        limit.is_some_and(|limit| part.end <= limit)
    }
}

/// What is known about the target's tables. Forgotten after an error: they may have been changed.
#[derive(Debug, Default)]
pub(super) struct Tables {
    shapes: HashMap<String, Shape>,
    generated: HashMap<String, Vec<String>>,
}

impl Tables {
    pub fn forget(&mut self) {
        self.shapes.clear();
        self.generated.clear();
    }

    /// Makes a part unless it is there. Parts whose time is over go then.
    pub async fn make(
        &mut self,
        target: &Transaction<'_>,
        parent: &str,
        part: &Part,
        partitioning: &Partitioning,
        now: DateTime,
    ) -> Result<(), DispatchError> {
        if self.shapes.contains_key(&part.table) {
            return Ok(());
        }
        let regclass = qualified(parent);
        let rows = target.query(IS_PARTITIONED, &[(&regclass, Type::TEXT)]).await?;
        let is_partitioned: bool =
            rows.first()
                .map(|row| row.get(0))
                .ok_or_else(|| DispatchError::NoTable {
                    table: parent.to_owned(),
                })?;
        let name = qualified(&part.table);
        self.retire(target, parent, partitioning, now).await?;
        let statement = if is_partitioned {
            format!(
                "create table if not exists {name} partition of {regclass} for values from ({}) to ({})",
                literal(&part.from),
                literal(&part.to)
            )
        } else {
            format!("create table if not exists {name} (like {regclass} including all) inherits ({regclass})")
        };
        target.batch(&statement).await?;
        Ok(())
    }

    /// Drops the table's children that have a part's name and are not to be kept any more.
    async fn retire(
        &mut self,
        target: &Transaction<'_>,
        parent: &str,
        partitioning: &Partitioning,
        now: DateTime,
    ) -> Result<(), DispatchError> {
        if partitioning.keep.is_none() {
            return Ok(());
        }
        for row in target
            .query(CHILDREN, &[(&qualified(parent), Type::TEXT)])
            .await?
        {
            let (full, bare): (String, String) = (row.get(0), row.get(1));
            let name = if parent.contains('.') { &full } else { &bare };
            let part = partitioning.period.part_of_name(&partitioning.name, parent, name);
            if part.is_some_and(|part| partitioning.is_over(&part, now)) {
                target.batch(&format!("drop table {}", qualified(&full))).await?;
                self.shapes.remove(name);
            }
        }
        Ok(())
    }

    /// Applies rows in order.
    pub async fn apply(
        &mut self,
        target: &Transaction<'_>,
        table: &str,
        mode: RowMode,
        rows: Vec<Row>,
    ) -> Result<(), DispatchError> {
        let shape = self.shape(target, table).await?;
        let mut key = rows.first().map(|row| row.key.clone()).unwrap_or_default();
        // What is kept by key goes by the target's: a table by time needs its time in the key.
        let own = mode == RowMode::KeepLatest && !shape.key.is_empty();
        if key.is_empty() || own {
            key.clone_from(&shape.key);
        }
        let shape = Shape { key, ..shape };
        let generated = self.generated.get(table).cloned().unwrap_or_default();
        let mut changes: Vec<Row> = Vec::new();
        for mut row in rows {
            row.columns.retain(|(name, _)| !generated.contains(name));
            if row.change != Change::Truncate {
                changes.push(row);
            }
        }
        write(target, &shape, mode, changes).await
    }

    /// Empties tables by one statement.
    pub async fn truncate(
        &mut self,
        target: &Transaction<'_>,
        tables: impl IntoIterator<Item = String>,
    ) -> Result<(), DispatchError> {
        let mut names = Vec::new();
        for table in tables {
            self.shape(target, &table).await?;
            names.push(qualified(&table));
        }
        target.batch(&format!("truncate {}", names.join(", "))).await?;
        Ok(())
    }

    async fn shape(&mut self, target: &Transaction<'_>, table: &str) -> Result<Shape, DispatchError> {
        if let Some(shape) = self.shapes.get(table) {
            return Ok(shape.clone());
        }
        let regclass = qualified(table);
        let rows = target.query(TABLE_COLUMNS, &[(&regclass, Type::TEXT)]).await?;
        if rows.is_empty() {
            return Err(DispatchError::NoTable {
                table: table.to_owned(),
            });
        }
        let mut shape = Shape {
            table: table.to_owned(),
            columns: Vec::new(),
            key: Vec::new(),
        };
        let mut key: Vec<(i32, String)> = Vec::new();
        let mut generated = Vec::new();
        for row in rows {
            let name: String = row.get(0);
            if let Some(place) = row.get::<_, Option<i32>>(3) {
                key.push((place, name.clone()));
            }
            if row.get(2) {
                shape.columns.push((name, row.get(1)));
            } else {
                generated.push(name);
            }
        }
        key.sort_unstable();
        shape.key = key.into_iter().map(|(_, name)| name).collect();
        self.generated.insert(table.to_owned(), generated);
        self.shapes.insert(table.to_owned(), shape.clone());
        Ok(shape)
    }
}

async fn write(
    target: &Transaction<'_>,
    shape: &Shape,
    mode: RowMode,
    rows: Vec<Row>,
) -> Result<(), DispatchError> {
    if rows.is_empty() {
        return Ok(());
    }
    if mode == RowMode::KeepAll {
        let new = rows.into_iter().filter(|row| row.change != Change::Delete);
        return run(target, shape, Kind::Insert, new.map(as_insert).collect(), true).await;
    }
    if shape.key.is_empty() {
        // Without a key there is nothing to fold or to find; new rows are all there can be.
        if mode == RowMode::KeepLatest || rows.iter().any(|row| row.change != Change::Insert) {
            return Err(DispatchError::NoKeyAtAll {
                table: shape.table.clone(),
            });
        }
        return run(
            target,
            shape,
            Kind::Insert,
            rows.into_iter().map(as_insert).collect(),
            true,
        )
        .await;
    }
    let mut fold = Fold::new(shape.key.clone());
    for row in rows {
        fold.add(row)?;
    }
    let (mut deletes, mut updates, mut inserts) = (Vec::new(), Vec::new(), Vec::new());
    for row in fold.into_rows() {
        match row.change {
            Change::Delete => deletes.push(row),
            Change::Update => updates.push(row),
            Change::Insert | Change::Truncate => inserts.push(row),
        }
    }
    // Deletes first: what comes may take the place of what goes in another unique column.
    if mode == RowMode::Plain {
        run(target, shape, Kind::Delete, deletes, true).await?;
        run(target, shape, Kind::Update, updates, true).await?;
        run(target, shape, Kind::Insert, inserts, true).await
    } else {
        run(target, shape, Kind::Delete, deletes, false).await?;
        updates.extend(inserts);
        run(target, shape, Kind::Upsert, updates, false).await
    }
}

fn as_insert(row: Row) -> Folded {
    Folded {
        change: Change::Insert,
        columns: row.columns,
    }
}

async fn run(
    target: &Transaction<'_>,
    shape: &Shape,
    kind: Kind,
    rows: Vec<Folded>,
    strict: bool,
) -> Result<(), DispatchError> {
    for run in by_columns(rows) {
        let Some(statement) = shape.statement(kind, &run)? else {
            continue;
        };
        let parameters: Vec<Parameter<'_>> = statement
            .arrays
            .iter()
            .map(|array| {
                let parameter: Parameter<'_> = (array, Type::TEXT_ARRAY);
                parameter
            })
            .collect();
        let found = target.execute(&statement.sql, &parameters).await?;
        if strict && found != statement.rows {
            return Err(DispatchError::Rows {
                table: shape.table.clone(),
                verb: match kind {
                    Kind::Delete => "delete",
                    Kind::Update => "update",
                    Kind::Insert | Kind::Upsert => "insert",
                },
                wanted: statement.rows,
                found,
            });
        }
    }
    Ok(())
}
