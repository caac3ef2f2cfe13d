//! Rows that are kept before they go: written to a shelf, read back, and only then removed.

use bytes::Bytes;
use futures::{Stream, StreamExt};
use ostler_api::document::{ArchiveProof, RetentionItem, RetentionProblem};
use ostler_api::retention::TableName;
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_postgres::quote::identifier;
use ostler_store::{Key, Store};
use ostler_vocabulary::{ErrorKind, Failure, Unit};
use serde::{Deserialize, Serialize};

use super::statement::{condition, fill, quoted};
use super::wire::Reader;
use super::{Postgres, key};
use crate::archive::{
    self, ColumnEntry, Kind, MANIFEST_VERSION, Manifest, Names, Packer, PartitionEntry, Shelves, Tally,
    TimeEntry,
};
use crate::column::TimeColumn;
use crate::strategy::{Shelf, Target, Task, problem};

/// An archive that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The manifest's name.
    pub manifest: String,
    /// Its checksum.
    pub blake3: String,
    /// The rows as the database gave them.
    pub tally: Tally,
    pub files: u64,
    pub bytes: u64,
}

/// A column as `columns.sql` tells it.
#[derive(Debug, Deserialize)]
struct Found {
    name: String,
    base: String,
    #[serde(rename = "type")]
    type_name: String,
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

/// What is wrong with an archive leaves the partition to be attached again; only being asked to stop ends the operation.
fn of_archive<T>(result: Result<T, Failure>) -> Result<Result<T, RetentionProblem>, Failure> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(failure) if failure.kind() == ErrorKind::Cancelled => Err(failure),
        Err(failure) => {
            let reason = format!("it could not be archived: {}", failure.messages().join(": "));
            Ok(Err(problem(failure.kind(), reason)))
        }
    }
}

/// The columns that are asked for, quoted.
pub(super) fn selected(columns: &[ColumnEntry]) -> String {
    let columns = columns.iter().map(|column| match column.kind {
        // The form that the server writes for people, which is the only one that every type has.
        Kind::Text | Kind::Json => format!("{}::text", identifier(&column.name)),
        _ => identifier(&column.name),
    });
    columns.collect::<Vec<_>>().join(", ")
}

impl Postgres {
    /// Archives an item and reads the archive back, as two steps.
    pub(super) async fn keep(
        &self,
        op: &Operation,
        item: &RetentionItem,
        task: &Task,
        shelves: &dyn Shelves,
    ) -> Result<Result<Option<Kept>, RetentionProblem>, Failure> {
        let Some(shelf) = &task.shelf else {
            return Ok(Ok(None));
        };
        let store = match of_archive(shelves.shelf(&shelf.to).await)? {
            Ok(store) => store,
            Err(problem) => return Ok(Err(problem)),
        };
        let store = store.as_ref();
        let write = |step: Step| async move {
            step.progress.add_total(item.rows.unwrap_or(0));
            of_archive(self.write_archive(op, item, (task, shelf), store, &step).await)
        };
        let written: Result<Kept, RetentionProblem> = op
            .step("archive")
            .key(key(item))
            .unit(Unit::Rows)
            .leaves(format!("an archive of {} in {}", item.table, shelf.to))
            .run(write)
            .await?;
        let kept = match written {
            Ok(kept) => kept,
            Err(problem) => return Ok(Err(problem)),
        };
        let kept_ref = &kept;
        let read = |step: Step| async move {
            step.progress.add_total(kept_ref.tally.rows);
            of_archive(read_back(store, kept_ref, &step).await)
        };
        let read: Result<(), RetentionProblem> = op
            .step("read back")
            .key(key(item))
            .unit(Unit::Rows)
            .run(read)
            .await?;
        if read.is_err() {
            self.withdraw(op, item, task, shelves, Some(kept.clone())).await?;
        }
        Ok(read.map(|()| Some(kept)))
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
        let names = Names::new(&self.database_name().await?, &shelf.table);
        // The same for every try, so that a manifest is found that was written by one that was killed just after.
        let of_item = blake3::hash(key(item).as_bytes()).to_hex();
        let id = format!("{}-{}", op.id(), &of_item[..8]);
        let manifest_key = names.manifest(&id)?;
        match store.get(&manifest_key).await {
            Ok(bytes) => return kept(&manifest_key, &bytes),
            Err(ostler_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        forget_tries(store, &names, &id).await?;
        let statement = fill(
            include_str!("queries/copy_rows.sql"),
            &[
                ("columns", &selected(&columns)),
                ("table", &quoted(&item.table)),
                ("condition", &condition(&task.target)),
                ("order", &order(&task.target)),
            ],
        );
        let kinds = columns.iter().map(|column| column.kind).collect();
        let rows = self.rows(&statement).await?;
        let written = archive::write(
            store,
            &names.data(&id, Some(step.attempt)),
            rows,
            Reader::new(kinds),
            Packer::new(columns.clone(), time),
            &step.progress,
        )
        .await?;
        let manifest = Manifest {
            format: Manifest::format(),
            version: MANIFEST_VERSION,
            archive: id,
            made: op.started(),
            operation: op.id().to_string(),
            policy: item.policy.clone(),
            database: self.database_name().await?,
            table: shelf.table.clone(),
            partition: partition(item, &task.target),
            time: TimeEntry {
                column: task.target.column().0.to_owned(),
                unit: shelf.unit,
                zone: shelf.zone.clone(),
            },
            columns,
            tally: written.tally,
            bytes: written.bytes,
            files: written.files,
        };
        let bytes = Bytes::from(manifest.encode()?);
        store.create(&manifest_key, bytes.clone()).await?;
        kept(&manifest_key, &bytes)
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

    async fn found_columns(&self, table: &TableName) -> Result<Vec<Found>, Failure> {
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

    /// Removes the manifest of an archive whose rows are still in their table.
    pub(super) async fn withdraw(
        &self,
        op: &Operation,
        item: &RetentionItem,
        task: &Task,
        shelves: &dyn Shelves,
        kept: Option<Kept>,
    ) -> Result<(), Failure> {
        let (Some(kept), Some(shelf)) = (kept, &task.shelf) else {
            return Ok(());
        };
        let store = shelves.shelf(&shelf.to).await?;
        let (store, kept) = (store.as_ref(), &kept);
        let withdraw = |_| async move {
            of_archive(async { Ok(store.delete(&Key::new(kept.manifest.clone())?).await?) }.await)
        };
        let withdrawn: Result<(), RetentionProblem> =
            op.step("withdraw").key(key(item)).run(withdraw).await?;
        if let Err(problem) = withdrawn {
            op.message(format!("{} stays: {}", kept.manifest, problem.reason));
        }
        Ok(())
    }
}

/// What is told of an archive in the report.
pub(super) fn proof(task: &Task, kept: &Kept) -> Option<ArchiveProof> {
    let shelf = task.shelf.as_ref()?;
    Some(ArchiveProof {
        to: shelf.to.clone(),
        manifest: kept.manifest.clone(),
        blake3: kept.blake3.clone(),
        tally: kept.tally.to_string(),
        files: kept.files,
        bytes: kept.bytes,
    })
}

async fn read_back(store: &dyn Store, kept: &Kept, step: &Step) -> Result<(), Failure> {
    let manifest = manifest(store, kept).await?;
    let found = archive::verify(store, &manifest, &step.progress).await?;
    match found == kept.tally {
        true => Ok(()),
        false => Err(Failure::new(
            ErrorKind::Corrupt,
            format!(
                "{} rows were written and {} read back",
                kept.tally.rows, found.rows
            ),
        )),
    }
}

/// The manifest that was written, and no other.
pub(super) async fn manifest(store: &dyn Store, kept: &Kept) -> Result<Manifest, Failure> {
    let bytes = store.get(&Key::new(kept.manifest.clone())?).await?;
    if blake3::hash(&bytes).to_hex().as_str() != kept.blake3 {
        let message = format!("{} is not as it was written", kept.manifest);
        return Err(Failure::new(ErrorKind::Corrupt, message));
    }
    Manifest::decode(&kept.manifest, &bytes)
}

fn kept(key: &Key, bytes: &Bytes) -> Result<Kept, Failure> {
    let manifest = Manifest::decode(key.as_str(), bytes)?;
    Ok(Kept {
        manifest: key.to_string(),
        blake3: blake3::hash(bytes).to_hex().to_string(),
        tally: manifest.tally,
        files: manifest.files.len() as u64,
        bytes: manifest.bytes,
    })
}

/// Removes what tries left that were ended before their manifest.
async fn forget_tries(store: &dyn Store, names: &Names, id: &str) -> Result<(), Failure> {
    for object in ostler_store::list_all(store, &names.data(id, None)).await? {
        // Where nothing may be deleted it stays, beside the files of the next try.
        if let Err(error) = store.delete(&object.key).await {
            tracing::warn!(%error, "what a former try left could not be removed");
            break;
        }
    }
    Ok(())
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
        } if type_name != "uuid" => format!("{name} COLLATE \"C\""),
        _ => name,
    }
}

fn order(target: &Target) -> String {
    collated(target)
}
