//! A database of partitions in memory whose calls fail, with or without effect, as a lost session makes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::TableName;
use ostler_operations::{Operation, Step, UndoEnd};
use ostler_store::{Key, Memory, Store};
use ostler_vocabulary::{ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use super::{Partition, Ready, Undo, Words, complete};
use crate::archive::keep::{self, Kept, Source, Witness};
use crate::archive::{Names, Shelves, Tally};
use crate::strategy::{Shelf, Task, problem};
use crate::{Class, item};

/// A partition that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub hidden: bool,
    pub rows: u64,
}

/// Calls that fail: from the first on, so many; whether the first one is carried out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outage {
    pub after: u32,
    pub calls: u32,
    pub carried_out: bool,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub held: BTreeMap<String, Held>,
    /// What a drop removed, and how many rows it had.
    pub dropped: BTreeMap<String, u64>,
    /// What somebody else removed.
    pub vanished: BTreeSet<String>,
    pub outage: Option<Outage>,
    /// Whether the shelf can be opened.
    pub shelf_is_closed: bool,
}

/// The database, and the shelf beside it.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    state: Arc<Mutex<State>>,
    pub shelf: Arc<Memory>,
}

fn away() -> Failure {
    Failure::new(ErrorKind::Unavailable, "the session is lost")
}

impl World {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while it is held")
    }

    /// A call: it is carried out, or fails, or both.
    async fn call<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T, Failure> {
        tokio::task::yield_now().await;
        let state = &mut *self.state();
        match &mut state.outage {
            Some(outage) if outage.after > 0 => outage.after -= 1,
            Some(outage) if outage.calls > 0 => {
                outage.calls -= 1;
                if std::mem::take(&mut outage.carried_out) {
                    work(state);
                }
                return Err(away());
            }
            _ => {}
        }
        Ok(work(state))
    }
}

fn conflict(reason: &str) -> Failure {
    Failure::new(ErrorKind::Conflict, reason)
}

/// Where a table's archives are.
pub(super) fn names() -> Names {
    Names::new("memory", &TableName::in_public("t"))
}

#[async_trait]
impl Shelves for World {
    async fn shelf(&self, _: &str) -> Result<Arc<dyn Store>, Failure> {
        match self.state().shelf_is_closed {
            true => Err(Failure::new(ErrorKind::Denied, "the shelf is closed")),
            false => Ok(self.shelf.clone()),
        }
    }

    fn class(&self, _: &str) -> Option<Class> {
        None
    }
}

struct Archived(World, String);

#[async_trait]
impl Witness for Archived {
    async fn rows_are_there(&self) -> Result<Option<Names>, Failure> {
        let there = self.0.call(|state| state.held.contains_key(&self.1)).await?;
        Ok(there.then(names))
    }
}

/// A partition of an item.
pub(super) struct Leaving<'a> {
    pub world: &'a World,
    pub item: &'a RetentionItem,
    pub task: &'a Task,
}

impl Leaving<'_> {
    fn name(&self) -> String {
        self.item.table.name.clone()
    }
}

async fn show(world: &World, name: &str) -> Result<bool, Failure> {
    world
        .call(|state| state.held.get_mut(name).map(|held| held.hidden = false).is_some())
        .await
}

#[async_trait]
impl Source for Leaving<'_> {
    async fn write_archive(
        &self,
        op: &Operation,
        item: &RetentionItem,
        _: (&Task, &Shelf),
        store: &dyn Store,
        _: &Step,
    ) -> Result<Kept, Failure> {
        let held = self
            .world
            .call(|state| state.held.get(&self.name()).copied())
            .await?;
        let held = held.ok_or_else(|| conflict("it is gone"))?;
        let place = keep::Place::of(op, item, names(), store)?;
        let mut tally = Tally::default();
        (0..held.rows).for_each(|row| tally.add(blake3::hash(&row.to_le_bytes()).as_bytes()));
        let body = Bytes::from(tally.to_string());
        store.delete(&place.manifest).await?;
        store.create(&place.manifest, body.clone()).await?;
        Ok(Kept {
            manifest: place.manifest.to_string(),
            blake3: blake3::hash(&body).to_hex().to_string(),
            tally,
            files: 1,
            bytes: body.len() as u64,
            stamp: None,
        })
    }

    fn witness(&self, _: (&Task, &Shelf)) -> Arc<dyn Witness> {
        Arc::new(Archived(self.world.clone(), self.name()))
    }
}

#[async_trait]
impl Partition for Leaving<'_> {
    const WORDS: Words = Words {
        hide: "detach",
        show: "attach",
        hidden: "it is detached and still there",
        retries: 0,
        outlives_connection: false,
    };

    fn source(&self) -> &dyn Source {
        self
    }

    fn of_item<T>(result: Result<T, Failure>) -> Result<Result<T, RetentionProblem>, Failure> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(failure) if failure.kind().is_transient() || failure.kind() == ErrorKind::Cancelled => {
                Err(failure)
            }
            Err(failure) => Ok(Err(problem(failure.kind(), failure.messages().join(": ")))),
        }
    }

    async fn of_table<T: Send>(
        &self,
        result: Result<T, Failure>,
    ) -> Result<Result<T, RetentionProblem>, Failure> {
        Self::of_item(result)
    }

    async fn hide(&self, _: &Step) -> Result<(), Failure> {
        let hide = |state: &mut State| {
            if let Some(held) = state.held.get_mut(&self.name()) {
                held.hidden = true;
            }
        };
        self.world.call(hide).await
    }

    async fn show(&self, _: &CancellationToken) -> Result<bool, Failure> {
        show(self.world, &self.name()).await
    }

    fn shown(&self) -> &'static str {
        "it is attached again"
    }

    fn undo(&self) -> Undo {
        let (world, item) = (self.world.clone(), self.item.clone());
        Box::new(move || {
            let (world, item) = (world.clone(), item.clone());
            Box::pin(async move {
                let there = show(&world, &item.table.name).await?;
                Ok(if there { UndoEnd::Undone } else { complete(&item) })
            })
        })
    }

    async fn count(&self) -> Result<Option<u64>, Failure> {
        let rows = |state: &mut State| state.held.get(&self.name()).map(|held| held.rows);
        self.world.call(rows).await
    }

    async fn prepare(&self, op: &Operation, _: u64) -> Result<Result<Ready, RetentionProblem>, Failure> {
        // What is read back is checked elsewhere; here it is only whether an archive is there.
        let Some(shelf) = &self.task.shelf else {
            return Ok(Ok(Ready::default()));
        };
        let kept = keep::write(self, op, (self.item, self.task, shelf), self.world).await?;
        Ok(kept.map(|kept| Ready {
            kept: Some(kept),
            note: None,
        }))
    }

    async fn drop(&self, ready: &Ready, rows: u64, _: &Step) -> Result<(), Failure> {
        let name = self.name();
        let expected = ready.kept.as_ref().map_or(rows, |kept| kept.tally.rows);
        let drop = |state: &mut State| match state.held.get(&name) {
            None => Ok(()),
            Some(held) if !held.hidden => Err(conflict("somebody attached it")),
            Some(held) if held.rows != expected => Err(conflict("it has other rows")),
            Some(held) => {
                state.dropped.insert(name.clone(), held.rows);
                state.held.remove(&name);
                Ok(())
            }
        };
        self.world.call(drop).await?
    }

    async fn end(&self, _: &Operation, _: &mut RetentionProof) -> Result<(), Failure> {
        Ok(())
    }
}

/// Whether an item has an archive.
pub(super) async fn is_archived(world: &World, op: &str, item: &RetentionItem) -> bool {
    let of_item = blake3::hash(item::key(item).as_bytes()).to_hex();
    let name = names().manifest(&format!("{op}-{}", &of_item[..8]));
    let name: Key = name.expect("a name");
    world.shelf.get(&name).await.is_ok()
}
