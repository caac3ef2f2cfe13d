//! What every database does alike with rows that are kept before they go: the steps, the manifest, what is read back, and what
//! becomes of an archive whose rows stay.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use ostler_api::document::{ArchiveProof, RetentionItem, RetentionProblem};
use ostler_operations::{Operation, Step, UndoEnd};
use ostler_store::{Key, Store};
use ostler_vocabulary::{ErrorKind, Failure, Unit};
use serde::{Deserialize, Serialize};

use super::{
    ColumnEntry, Decode, MANIFEST_VERSION, Manifest, Names, Packer, PartitionEntry, Shelves, Tally, TimeEntry,
};
use crate::column::TimeColumn;
use crate::item::key;
use crate::strategy::{Shelf, Task, problem};

/// An archive that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The manifest's name.
    pub manifest: String,
    /// Its checksum.
    pub blake3: String,
    /// The rows as the database gave them.
    pub tally: Tally,
    pub files: u64,
    pub bytes: u64,
    /// What tells whether any of the rows was written since, where the server has something that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<String>,
}

/// Who has the rows.
#[async_trait]
pub(crate) trait Source: Sync {
    /// Writes the rows of an item and their manifest.
    async fn write_archive(
        &self,
        op: &Operation,
        item: &RetentionItem,
        of: (&Task, &Shelf),
        store: &dyn Store,
        step: &Step,
    ) -> Result<Kept, Failure>;

    /// What tells an undo whether an archive of this item is of use.
    fn witness(&self, of: (&Task, &Shelf)) -> Arc<dyn Witness>;

    /// Whether the operation ends with this, to be resumed, rather than the item stays where it is.
    async fn ends(&self, failure: &Failure) -> bool {
        failure.kind() == ErrorKind::Cancelled
    }
}

/// Tells, when an archive was made and the operation ends, where the rows are.
#[async_trait]
pub(crate) trait Witness: Send + Sync {
    /// The names of the archives of the table, if the rows are still in it; `None` when only the archive has them.
    async fn rows_are_there(&self) -> Result<Option<Names>, Failure>;
}

/// What is wrong with an archive leaves the rows where they are; only being asked to stop ends the operation, and what else the
/// database says.
async fn of_archive<T>(
    source: &dyn Source,
    result: Result<T, Failure>,
) -> Result<Result<T, RetentionProblem>, Failure> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(failure) => {
            if source.ends(&failure).await {
                return Err(failure);
            }
            let reason = format!("it could not be archived: {}", failure.messages().join(": "));
            Ok(Err(problem(failure.kind(), reason)))
        }
    }
}

/// Archives an item and reads the archive back, as two steps.
pub(crate) async fn keep(
    source: &dyn Source,
    op: &Operation,
    item: &RetentionItem,
    task: &Task,
    shelves: &dyn Shelves,
) -> Result<Result<Option<Kept>, RetentionProblem>, Failure> {
    let Some(shelf) = &task.shelf else {
        return Ok(Ok(None));
    };
    let kept = match write(source, op, (item, task, shelf), shelves).await? {
        Ok(kept) => kept,
        Err(problem) => return Ok(Err(problem)),
    };
    let kept_ref = &kept;
    let read = |step: Step| async move {
        step.progress.add_total(kept_ref.tally.rows);
        let read = async {
            let store = shelves.shelf(&shelf.to).await?;
            read_back(store.as_ref(), kept_ref, &step).await
        };
        of_archive(source, read.await).await
    };
    let read: Result<(), RetentionProblem> = op
        .step("read back")
        .key(key(item))
        .unit(Unit::Rows)
        .run(read)
        .await?;
    if read.is_err() {
        withdraw(source, op, item, task, shelves, Some(kept.clone())).await?;
    }
    Ok(read.map(|()| Some(kept)))
}

/// Archives an item, as a step. It is undone while the rows are in their table.
pub(crate) async fn write(
    source: &dyn Source,
    op: &Operation,
    (item, task, shelf): (&RetentionItem, &Task, &Shelf),
    shelves: &dyn Shelves,
) -> Result<Result<Kept, RetentionProblem>, Failure> {
    // A store that cannot be opened fails the step, so that the steps of a resumed run are the same ones.
    let opened = &of_archive(source, shelves.shelf(&shelf.to).await).await?;
    let write = |step: Step| async move {
        step.progress.add_total(item.rows.unwrap_or(0));
        let store = match opened {
            Ok(store) => store.as_ref(),
            Err(problem) => return Ok(Err(problem.clone())),
        };
        of_archive(
            source,
            source.write_archive(op, item, (task, shelf), store, &step).await,
        )
        .await
    };
    let (witness, id) = (source.witness((task, shelf)), archive_id(op, item));
    let what = format!("{} {}: it is archived", item.action, item.table);
    let back = (opened.clone(), witness, id, what);
    let undo = move |_| {
        let (opened, witness, id, what) = back.clone();
        async move {
            let Some(names) = witness.rows_are_there().await? else {
                return Ok(UndoEnd::Complete(what));
            };
            let store = opened.map_err(|problem| Failure::new(problem.kind, problem.reason))?;
            store.delete(&names.manifest(&id)?).await?;
            Ok(UndoEnd::Undone)
        }
    };
    op.step("archive")
        .key(key(item))
        .unit(Unit::Rows)
        .run_with_undo(write, undo)
        .await
}

/// The id of the archive of an item.
fn archive_id(op: &Operation, item: &RetentionItem) -> String {
    let of_item = blake3::hash(key(item).as_bytes()).to_hex();
    format!("{}-{}", op.id(), &of_item[..8])
}

/// Ends the undo of an archive: from here on rows may be removed that only it has.
pub(crate) fn settle(op: &Operation, item: &RetentionItem, task: &Task) {
    if let Some(shelf) = &task.shelf {
        let leaves = format!("an archive of {} in {}", item.table, shelf.to);
        op.settle_step("archive", &key(item), leaves);
    }
}

/// Where the archive of an item is.
pub(crate) struct Place<'a> {
    pub store: &'a dyn Store,
    pub names: Names,
    /// The archive's id: the same for every try, so that a manifest is found that was written by one that was killed just after.
    pub id: String,
    pub manifest: Key,
}

impl<'a> Place<'a> {
    pub fn of(
        op: &Operation,
        item: &RetentionItem,
        names: Names,
        store: &'a dyn Store,
    ) -> Result<Self, Failure> {
        let id = archive_id(op, item);
        let manifest = names.manifest(&id)?;
        Ok(Self {
            store,
            names,
            id,
            manifest,
        })
    }

    /// What an earlier try of the same operation wrote.
    pub async fn found(&self) -> Result<Option<Kept>, Failure> {
        match self.store.get(&self.manifest).await {
            Ok(bytes) => kept(&self.manifest, &bytes).map(Some),
            Err(ostler_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whose rows an archive has.
pub(crate) struct Of<'a> {
    pub item: &'a RetentionItem,
    pub task: &'a Task,
    pub shelf: &'a Shelf,
    /// The database's name.
    pub database: String,
    pub partition: Option<PartitionEntry>,
}

/// Stores rows that come in ascending order of time, and their manifest.
pub(crate) async fn store(
    op: &Operation,
    of: Of<'_>,
    place: &Place<'_>,
    (columns, time): (Vec<ColumnEntry>, (usize, TimeColumn)),
    rows: impl Stream<Item = Result<Bytes, Failure>>,
    decoder: impl Decode,
    step: &Step,
) -> Result<Kept, Failure> {
    forget_tries(place).await?;
    let written = super::write(
        place.store,
        &place.names.data(&place.id, Some(step.attempt)),
        rows,
        decoder,
        Packer::new(columns.clone(), time),
        &step.progress,
    )
    .await?;
    let manifest = Manifest {
        format: Manifest::format(),
        version: MANIFEST_VERSION,
        archive: place.id.clone(),
        made: op.started(),
        operation: op.id().to_string(),
        policy: of.item.policy.clone(),
        database: of.database,
        table: of.shelf.table.clone(),
        partition: of.partition,
        time: TimeEntry {
            column: of.task.target.column().0.to_owned(),
            unit: of.shelf.unit,
            zone: of.shelf.zone.clone(),
        },
        columns,
        tally: written.tally,
        bytes: written.bytes,
        files: written.files,
    };
    let bytes = Bytes::from(manifest.encode()?);
    place.store.create(&place.manifest, bytes.clone()).await?;
    kept(&place.manifest, &bytes)
}

/// Removes the manifest of an archive whose rows are still in their table.
pub(crate) async fn withdraw(
    source: &dyn Source,
    op: &Operation,
    item: &RetentionItem,
    task: &Task,
    shelves: &dyn Shelves,
    kept: Option<Kept>,
) -> Result<(), Failure> {
    let (Some(kept), Some(shelf)) = (kept, &task.shelf) else {
        return Ok(());
    };
    let kept = &kept;
    let withdraw = |_| async move {
        let deleted = async {
            let store = shelves.shelf(&shelf.to).await?;
            Ok(store.delete(&Key::new(kept.manifest.clone())?).await?)
        };
        of_archive(source, deleted.await).await
    };
    let withdrawn: Result<(), RetentionProblem> = op.step("withdraw").key(key(item)).run(withdraw).await?;
    if let Err(problem) = withdrawn {
        op.message(format!("{} stays: {}", kept.manifest, problem.reason));
    }
    Ok(())
}

/// What is told of an archive in the report.
pub(crate) fn proof(task: &Task, kept: &Kept) -> Option<ArchiveProof> {
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
    let found = super::verify(store, &manifest, &step.progress).await?;
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
pub(crate) async fn manifest(store: &dyn Store, kept: &Kept) -> Result<Manifest, Failure> {
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
        stamp: None,
    })
}

/// Removes what tries left that were ended before their manifest.
async fn forget_tries(place: &Place<'_>) -> Result<(), Failure> {
    for object in ostler_store::list_all(place.store, &place.names.data(&place.id, None)).await? {
        // Where nothing may be deleted it stays, beside the files of the next try.
        if let Err(error) = place.store.delete(&object.key).await {
            tracing::warn!(%error, "what a former try left could not be removed");
            break;
        }
    }
    Ok(())
}
