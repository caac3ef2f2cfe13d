//! Rows that are kept in Parquet files before they go: read over HTTP, page by page, as exactly as the server has them.

mod json;
mod layout;
mod pages;
mod rows;
mod undo;

pub(super) use rows::removing;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use ostler_api::document::RetentionItem;
use ostler_api::retention::TableName;
use ostler_cratedb::quote::identifier;
use ostler_operations::{Operation, Step};
use ostler_store::Store;
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::Value;

use self::layout::{Divided, Held, Layout, number};
use self::pages::{Pages, Reading};
use super::CrateDb;
use super::statement::{Bound, about_rows_of, filled, of_partition, of_rows, quoted};
use crate::archive::keep::{self, Kept, Of, Place, Source, Witness};
use crate::archive::{Kind, Lines, Names, PartitionEntry, Tally};
use crate::column::TimeColumn;
use crate::facts::Values;
use crate::strategy::{Shelf, Target, Task};

/// How many rows there are, and what tells whether one of them was written since: every write gives its row another number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stamp {
    rows: i64,
    seq_nos: i64,
    terms: i64,
}

impl Stamp {
    fn add(&mut self, row: &pages::Row) {
        self.rows += 1;
        self.seq_nos = self.seq_nos.wrapping_add(row.seq_no);
        self.terms = self.terms.wrapping_add(row.term);
    }

    fn text(self) -> String {
        format!("{} rows, {}, {}", self.rows, self.seq_nos, self.terms)
    }
}

impl CrateDb {
    /// The name of the cluster.
    pub(super) async fn cluster(&self) -> Result<String, Failure> {
        let sql = include_str!("../queries/cluster_name.sql");
        let answer = self.client.execute(sql, &[]).await?;
        let name = answer.rows.first().and_then(|row| row.first()?.as_str());
        Ok(name
            .ok_or_else(|| self.client.unexpected(sql, "no name"))?
            .to_owned())
    }

    /// What the catalogue says of a table's columns and keys.
    async fn table_layout(&self, table: &TableName) -> Result<Layout, Failure> {
        let names = [Value::from(table.schema.clone()), Value::from(table.name.clone())];
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let sql = include_str!("../queries/archive_columns.sql");
        let answer = self.client.execute(sql, &names).await?;
        let columns = answer.rows.iter().map(|row| {
            let generated = row.get(2).and_then(Value::as_str) == Some("ALWAYS");
            Held::new(text(row.first()), text(row.get(1)), generated)
        });
        let columns = columns.collect::<Result<Vec<Held>, Failure>>()?;
        if columns.is_empty() {
            return Err(Failure::new(
                ErrorKind::NotFound,
                format!("there is no table {table}"),
            ));
        }
        let sql = include_str!("../queries/archive_keys.sql");
        let answer = self.client.execute(sql, &names).await?;
        let primary = answer.rows.iter().map(|row| text(row.first()));
        let primary: Vec<String> = primary.filter(|name| name != "_id").collect();
        let sql = include_str!("../queries/archive_table.sql");
        let answer = self.client.execute(sql, &names).await?;
        let row = answer.rows.into_iter().next().map(Value::Array);
        let divided: Divided = serde_json::from_value(row.unwrap_or_default())
            .map_err(|error| self.client.unexpected(sql, error.to_string()))?;
        Ok(Layout::new(columns, primary, &divided))
    }

    /// What the rows of a condition are known by; an error when some have no time.
    async fn stamp(
        &self,
        table: &TableName,
        (condition, args): (&str, &[Value]),
        column: &str,
    ) -> Result<Stamp, Failure> {
        let places = [
            ("column", identifier(column)),
            ("table", quoted(table)),
            ("condition", condition.to_owned()),
        ];
        let sql = filled(include_str!("../queries/archive_stamp.sql"), &places);
        let args = args.to_vec();
        let answer = self
            .ask(&Bound {
                sql: sql.clone(),
                args,
            })
            .await?;
        let row = answer.rows.first().map(Vec::as_slice).unwrap_or_default();
        let [rows, seq_nos, terms, timed] = row else {
            return Err(self.client.unexpected(&sql, "another number of columns").into());
        };
        let sum = |value: &Value| number(value).unwrap_or(0);
        let (found, timed) = (sum(rows), sum(timed));
        if timed != found {
            let message = format!(
                "{} rows of {table} have no time in column {column}",
                found - timed
            );
            return Err(Failure::new(ErrorKind::Unsupported, message)
                .with_hint("give them one, or move them to another partition, before they are archived"));
        }
        Ok(Stamp {
            rows: found,
            seq_nos: sum(seq_nos),
            terms: sum(terms),
        })
    }

    /// Makes sure that no row of a partition was written since it was archived.
    pub(super) async fn is_as_kept(&self, target: &Target, kept: &Kept) -> Result<(), Failure> {
        let Target::Values {
            table,
            partition,
            column,
            ..
        } = target
        else {
            return Ok(());
        };
        let (condition, args) = of_partition(partition);
        let found = self.stamp(table, (&condition, &args), column).await?;
        match kept.stamp == Some(found.text()) {
            true => Ok(()),
            false => Err(Failure::new(
                ErrorKind::Conflict,
                "rows were written after they were archived",
            )),
        }
    }

    /// Rows as `Lines` reads them, page by page; what they are known by is added up.
    fn lines<'a>(
        &'a self,
        reading: &'a Reading<'a>,
        step: &'a Step,
        seen: &'a Arc<Mutex<Stamp>>,
    ) -> impl Stream<Item = Result<Bytes, Failure>> + 'a {
        futures::stream::try_unfold(Pages::new(), move |mut pages| async move {
            let rows = pages.next(self, reading, step).await?;
            if rows.is_empty() {
                return Ok(None);
            }
            let mut out = Vec::new();
            let mut stamp = seen.lock().unwrap_or_else(PoisonError::into_inner);
            for row in &rows {
                stamp.add(row);
                out.extend_from_slice(&row.line);
            }
            drop(stamp);
            Ok::<_, Failure>(Some((Bytes::from(out), pages)))
        })
    }

    /// The tally of the rows as they are now.
    async fn tally(&self, reading: &Reading<'_>, step: &Step) -> Result<Tally, Failure> {
        let (mut pages, mut tally) = (Pages::new(), Tally::default());
        loop {
            let rows = pages.next(self, reading, step).await?;
            if rows.is_empty() {
                return Ok(tally);
            }
            for row in rows {
                tally.add(blake3::hash(&row.line).as_bytes());
            }
        }
    }
}

/// The table that has the rows of an item, and which of them are meant.
fn rows_of<'a>(
    item: &'a RetentionItem,
    target: &'a Target,
) -> Result<(&'a TableName, (String, Vec<Value>)), Failure> {
    match target {
        Target::Values { table, partition, .. } => Ok((table, of_partition(partition))),
        Target::Rows {
            column, type_name, ..
        } => {
            let condition = of_rows(target).ok_or_else(|| {
                let message =
                    format!("column {column} of type {type_name} cannot be compared with a time in CrateDB");
                Failure::new(ErrorKind::Unsupported, message)
            })?;
            Ok((&item.table, condition))
        }
        Target::Partition { .. } | Target::Room { .. } => Err(crate::Error::ForeignPlan.into()),
    }
}

/// The statement that reads rows, for people: columns are asked for one by one, pages by what the one before ended with.
pub(super) fn shown(table: &TableName, target: &Target) -> String {
    let condition = match target {
        Target::Values { partition, .. } => Some(of_partition(partition)),
        target => of_rows(target),
    };
    let (condition, args) = condition.unwrap_or_default();
    let places = [
        ("column", identifier(target.column().0)),
        ("columns", "*".to_owned()),
        ("table", quoted(table)),
        ("condition", condition),
        ("after", String::new()),
        ("limit", pages::MOST.to_string()),
    ];
    let sql = filled(include_str!("../queries/archive_page.sql"), &places);
    Bound { sql, args }.written()
}

/// Which column tells the time, and how: only such as the server orders exactly as they are kept.
fn time_of(
    layout: &Layout,
    target: &Target,
    shelf: &Shelf,
    table: &TableName,
) -> Result<(usize, TimeColumn), Failure> {
    let name = target.column().0;
    let mut columns = layout.columns.iter();
    let at = columns.position(|column| column.entry.name == name);
    let at = at.ok_or_else(|| {
        Failure::new(
            ErrorKind::Conflict,
            format!("{table} has no column {name} any more"),
        )
    })?;
    let entry = &layout.columns[at].entry;
    let ordered = matches!(
        entry.kind,
        Kind::Moment | Kind::Timestamp | Kind::Bigint | Kind::Integer
    ) || entry.type_name == "text";
    if !ordered {
        let message = format!(
            "column {name} is of type {}, by which rows cannot be archived in order",
            entry.type_name
        );
        return Err(Failure::new(ErrorKind::Unsupported, message));
    }
    let how = TimeColumn::of(&entry.type_name, shelf.unit)
        .map_err(|reason| Failure::new(ErrorKind::Invalid, format!("column {name}: {reason}")))?;
    Ok((at, how))
}

#[async_trait]
impl Source for CrateDb {
    async fn write_archive(
        &self,
        op: &Operation,
        item: &RetentionItem,
        (task, shelf): (&Task, &Shelf),
        store: &dyn Store,
        step: &Step,
    ) -> Result<Kept, Failure> {
        let target = &task.target;
        let (table, condition) = rows_of(item, target)?;
        let layout = self.table_layout(table).await?;
        let time = time_of(&layout, target, shelf, table)?;
        let is_partition = matches!(target, Target::Values { .. });
        if !is_partition && layout.keys.is_none() {
            return Err(rows::no_key(table));
        }
        let reading = Reading {
            table,
            condition,
            layout: &layout,
            column: target.column().0,
        };
        self.refresh(table).await?;
        let before = match is_partition {
            true => {
                let (condition, args) = &reading.condition;
                Some(self.stamp(table, (condition, args), reading.column).await?)
            }
            false => None,
        };
        let database = self.cluster().await?;
        let place = Place::of(op, item, Names::new(&database, &shelf.table), store)?;
        if let Some(kept) = place.found().await? {
            // Of a try that was killed just after. Writes may have been allowed since.
            if before.is_none() || self.tally(&reading, step).await? == kept.tally {
                return Ok(Kept {
                    stamp: before.map(Stamp::text),
                    ..kept
                });
            }
            store.delete(&place.manifest).await?;
        }
        let of = Of {
            item,
            task,
            shelf,
            database,
            partition: partition(item, target),
        };
        let kinds = layout.columns.iter().map(|it| it.entry.kind).collect();
        let seen = Arc::default();
        let rows = self.lines(&reading, step, &seen);
        let entries = (layout.entries(), time);
        let kept = keep::store(op, of, &place, entries, rows, Lines::new(kinds), step).await?;
        let seen = *seen.lock().unwrap_or_else(PoisonError::into_inner);
        if before.is_some_and(|before| before != seen) {
            store.delete(&place.manifest).await?;
            return Err(Failure::new(
                ErrorKind::Conflict,
                "rows were written while they were read",
            ));
        }
        Ok(Kept {
            stamp: before.map(Stamp::text),
            ..kept
        })
    }

    fn witness(&self, (task, shelf): (&Task, &Shelf)) -> Arc<dyn Witness> {
        let place = match &task.target {
            Target::Values { table, partition, .. } => Some((table.clone(), partition.clone())),
            _ => None,
        };
        Arc::new(Archived {
            database: self.clone(),
            place,
            table: shelf.table.clone(),
        })
    }

    /// Who has the lease by now may be at work on the same rows; a server that is gone is asked again when it is back.
    async fn ends(&self, failure: &Failure) -> bool {
        match failure.kind() {
            ErrorKind::Cancelled | ErrorKind::Busy => true,
            // Of the store, if the server answers.
            kind if kind.is_transient() => self.confirm_lease().await.is_err(),
            _ => false,
        }
    }
}

/// What an archive has: rows of a partition, or of a table.
struct Archived {
    database: CrateDb,
    place: Option<(TableName, Values)>,
    table: TableName,
}

#[async_trait]
impl Witness for Archived {
    async fn rows_are_there(&self) -> Result<Option<Names>, Failure> {
        if let Some((table, partition)) = &self.place
            && !self.database.is_there(table, partition).await?
        {
            return Ok(None);
        }
        Ok(Some(Names::new(&self.database.cluster().await?, &self.table)))
    }
}

fn partition(item: &RetentionItem, target: &Target) -> Option<PartitionEntry> {
    let Target::Values { table, partition, .. } = target else {
        return None;
    };
    // The very words by which it is dropped.
    let named = about_rows_of("{condition}", table, partition).written();
    Some(PartitionEntry {
        name: item.table.clone(),
        parent: table.clone(),
        bounds: named,
    })
}
