//! Rows that are kept before they go: written to a shelf, read back, and only then removed.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use ostler_api::document::RetentionItem;
use ostler_api::retention::TableName;
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_postgres::quote::identifier;
use ostler_store::Store;
use ostler_vocabulary::{ErrorKind, Failure};
use serde::Deserialize;

use super::Postgres;
use super::statement::{Naming, condition, fill, quoted};
use super::wire::Reader;
use crate::archive::keep::{self, Kept, Of, Place, Source, Witness};
use crate::archive::{ColumnEntry, Kind, Names, PartitionEntry, Tally, hash};
use crate::column::TimeColumn;
use crate::strategy::{Shelf, Target, Task};

/// A column as `columns.sql` tells it.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub name: String,
    /// Of a domain, the type below.
    pub base: String,
    #[serde(rename = "type")]
    pub type_name: String,
    generated: bool,
}

impl From<Found> for ColumnEntry {
    fn from(column: Found) -> Self {
        Self {
            kind: Kind::of(&column.base),
            name: column.name,
            type_name: column.type_name,
            generated: column.generated,
        }
    }
}

/// The columns that are asked for, quoted.
pub(super) fn selected(columns: &[ColumnEntry]) -> String {
    let columns = columns.iter().map(|column| match column.kind {
        // The form that the server writes for people, which is the only one that every type has.
        Kind::Text | Kind::Json => format!("{}::pg_catalog.text", identifier(&column.name)),
        _ => identifier(&column.name),
    });
    columns.collect::<Vec<_>>().join(", ")
}

#[async_trait]
impl Source for Postgres {
    fn witness(&self, (task, shelf): (&Task, &Shelf)) -> Arc<dyn Witness> {
        self.archived(task, &shelf.table)
    }

    async fn write_archive(
        &self,
        op: &Operation,
        item: &RetentionItem,
        (task, shelf): (&Task, &Shelf),
        store: &dyn Store,
        step: &Step,
    ) -> Result<Kept, Failure> {
        let (columns, time) = self.columns_of(&item.table, &task.target, shelf).await?;
        let database = self.database_name().await?;
        let place = Place::of(op, item, Names::new(&database, &shelf.table), store)?;
        let kinds: Vec<Kind> = columns.iter().map(|column| column.kind).collect();
        let statement = fill(
            include_str!("queries/copy_rows.sql"),
            &[
                ("columns", &selected(&columns)),
                ("table", &quoted(&item.table)),
                ("condition", &condition(&task.target, Naming::Short)),
                ("order", &order(&task.target)),
            ],
        );
        if let Some(kept) = place.found().await? {
            // Of a try that was ended after it. The rows may have been written since, where they were in their table again.
            let is_partition = matches!(task.target, Target::Partition { .. });
            if !is_partition || self.tally(&statement, kinds.clone()).await? == kept.tally {
                return Ok(kept);
            }
            store.delete(&place.manifest).await?;
        }
        let rows = self.rows(&statement).await?;
        let of = Of {
            item,
            task,
            shelf,
            database,
            partition: partition(item, &task.target),
        };
        keep::store(op, of, &place, (columns, time), rows, Reader::new(kinds), step).await
    }
}

impl Postgres {
    /// The tally of the rows that a COPY gives.
    async fn tally(&self, statement: &str, kinds: Vec<Kind>) -> Result<Tally, Failure> {
        let (mut reader, mut tally, mut scratch) = (Reader::new(kinds), Tally::default(), Vec::new());
        let mut rows = std::pin::pin!(self.rows(statement).await?);
        while let Some(piece) = rows.next().await {
            reader.rows(piece?, |cells, _| {
                tally.add(&hash(cells, &mut scratch));
                Ok(())
            })?;
        }
        reader.ended()?;
        Ok(tally)
    }

    /// The columns of a table as they are kept, and which of them tells the time.
    pub(super) async fn columns_of(
        &self,
        table: &TableName,
        target: &Target,
        shelf: &Shelf,
    ) -> Result<(Vec<ColumnEntry>, (usize, TimeColumn)), Failure> {
        let found = self.found_columns(table).await?;
        let missing = |reason: String| Failure::new(ErrorKind::Conflict, reason);
        let name = target.column().0;
        let at = found
            .iter()
            .position(|column| column.name == name)
            .ok_or_else(|| missing(format!("{table} has no column {name}")))?;
        let how = TimeColumn::of(&found[at].base, shelf.unit).map_err(missing)?;
        Ok((found.into_iter().map(ColumnEntry::from).collect(), (at, how)))
    }

    pub(super) async fn found_columns(&self, table: &TableName) -> Result<Vec<Found>, Failure> {
        let parameters = [(&table.schema as _, Type::TEXT), (&table.name as _, Type::TEXT)];
        let found: Vec<Vec<Found>> = self
            .documents(include_str!("queries/columns.sql"), &parameters)
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The columns that a table has now, as they would be kept.
    pub(super) async fn columns_now(&self, table: &TableName) -> Result<Vec<ColumnEntry>, Failure> {
        let found = self.found_columns(table).await?;
        Ok(found.into_iter().map(ColumnEntry::from).collect())
    }

    pub(super) async fn database_name(&self) -> Result<String, Failure> {
        let row = self
            .session
            .one(include_str!("queries/database.sql"), &[])
            .await?;
        Ok(row.get(0))
    }

    /// What a COPY gives.
    pub(super) async fn rows(
        &self,
        statement: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, Failure>> + use<'_>, Failure> {
        let rows = self.session.copy_out(statement).await?;
        Ok(rows.map(|row| row.map_err(Failure::from)))
    }
}

fn partition(item: &RetentionItem, target: &Target) -> Option<PartitionEntry> {
    match target {
        Target::Partition { parent, bounds, .. } => Some(PartitionEntry {
            name: item.table.clone(),
            parent: parent.clone(),
            bounds: bounds.clone(),
        }),
        Target::Rows { .. } | Target::Room { .. } | Target::Values { .. } => None,
    }
}

/// The column in the order of its times.
pub(super) fn collated(target: &Target) -> String {
    let name = identifier(target.column().0);
    match target {
        Target::Rows {
            form: Some(crate::strategy::Form::Ulid),
            type_name,
            ..
        } if type_name != "uuid" => format!("{name} COLLATE pg_catalog.\"C\""),
        _ => name,
    }
}

fn order(target: &Target) -> String {
    collated(target)
}
