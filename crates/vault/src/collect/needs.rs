//! What backups need, asked of the store in as few steps as the order allows that `docs/adr/0007-many-writers.md` has.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt, stream, try_join};
use ostler_store::Object;
use ostler_vocabulary::{BackupId, Timestamp};
use tokio_util::sync::CancellationToken;

use super::stop_if;
use crate::catalogue::{AtRecord, BACKUPS, INTENTS, backup_of, record_of};
use crate::reach::{Reach, Reached};
use crate::rounds::Rounds;
use crate::{Error, Index, Record, Vault};

/// Requests in flight.
const AT_ONCE: usize = 16;
/// Threads that read file lists.
const READERS: usize = 8;

/// What is committed, and what else has to be asked before it is known what that needs.
#[derive(Debug)]
pub(super) struct Committed {
    /// The commit records of all backups that stay.
    pub(super) records: Vec<Record>,
    /// Ids below which a commit record was looked for, and those that are to go.
    pub(super) examined: BTreeSet<BackupId>,
    /// The first of the backups that are being made, if there are any.
    pub(super) since: Option<Begun>,
    pub(super) rounds: Rounds,
    /// The index segments, listed after the records were.
    pub(super) segments: Vec<Object>,
}

/// The first of the backups that are being made or wait for being resumed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    /// By the store's clock.
    at: Option<Timestamp>,
}

impl Begun {
    pub(super) fn may_have_stored(&self, stored: Option<Timestamp>) -> bool {
        match (self.at, stored) {
            (Some(began), Some(stored)) => stored >= began,
            _ => false,
        }
    }
}

/// What is under the name of one backup.
enum Found {
    Record(Box<Record>),
    Tombstone,
    /// Nothing, and whether that is of a backup that began a short time ago.
    Nothing(bool),
}

impl Committed {
    /// The commit records of all backups but `gone`, and where they were looked for.
    pub(super) async fn take(
        vault: &Arc<Vault>,
        gone: &[BackupId],
        cancel: &CancellationToken,
    ) -> Result<Self, Error> {
        // Records that a listing does not show yet are found by their intents. They go when a record is listed, so they
        // are listed first.
        let (intents, rounds) = try_join!(vault.objects(INTENTS), vault.rounds())?;
        let begun: BTreeSet<BackupId> = intents
            .iter()
            .filter_map(|object| backup_of(INTENTS, &object.key))
            .collect();
        let mut listed = BTreeSet::new();
        for object in vault.objects(BACKUPS).await? {
            let Some((id, _)) = record_of(&object.key) else {
                let error = Error::damaged(&object.key, "its name is not that of a commit record");
                return Err(unaccounted(object.key.as_str(), error));
            };
            listed.insert(id);
        }
        let mut examined: BTreeSet<BackupId> = &listed | &begun;
        let asked: Vec<BackupId> = examined.iter().copied().filter(|id| !gone.contains(id)).collect();
        examined.extend(gone);
        // What a backup needs is described when it is committed: the index is listed after the records.
        let (found, mut segments) =
            try_join!(find_all(vault, asked, &begun, cancel), vault.objects("index/"))?;
        let mut records = Vec::new();
        let mut young = BTreeSet::new();
        let mut is_late = false;
        for (id, found) in found {
            match found {
                Found::Record(record) => {
                    is_late |= !listed.contains(&id);
                    records.push(*record);
                }
                Found::Tombstone => {}
                // What is committed after this was not looked at.
                Found::Nothing(is_young) => {
                    examined.remove(&id);
                    if is_young {
                        young.insert(id);
                    }
                }
            }
        }
        if is_late {
            // Committed since the listing: what described it may be missing in that of the index.
            segments = vault.objects("index/").await?;
        }
        let began = intents
            .iter()
            .filter(|object| backup_of(INTENTS, &object.key).is_some_and(|id| young.contains(&id)));
        let since = began
            .map(|object| object.modified)
            .reduce(|first, other| first.min(other))
            .map(|at| Begun { at });
        Ok(Self {
            records,
            examined,
            since,
            rounds,
            segments,
        })
    }
}

async fn find_all(
    vault: &Arc<Vault>,
    asked: Vec<BackupId>,
    begun: &BTreeSet<BackupId>,
    cancel: &CancellationToken,
) -> Result<Vec<(BackupId, Found)>, Error> {
    let reads = stream::iter(asked).map(|id| async move {
        let is_begun = begun.contains(&id);
        (id, find(vault, id, is_begun).await)
    });
    let mut reads = std::pin::pin!(reads.buffered(AT_ONCE));
    let mut found = Vec::new();
    while let Some((id, read)) = reads.next().await {
        stop_if(cancel)?;
        found.push((id, read.map_err(|error| unaccounted(&id.to_string(), error))?));
    }
    Ok(found)
}

async fn find(vault: &Vault, id: BackupId, is_begun: bool) -> Result<Found, Error> {
    match vault.record(id).await {
        Ok(record) => Ok(Found::Record(Box::new(record))),
        // A tombstone, not committed yet, or deleted since the listing.
        Err(Error::NotFound(_)) => match vault.at_record(id).await? {
            AtRecord::Tombstone => Ok(Found::Tombstone),
            AtRecord::Record => Ok(Found::Nothing(false)),
            AtRecord::Nothing => Ok(Found::Nothing(is_begun && vault.is_young(id).await?)),
        },
        Err(error) => Err(error),
    }
}

fn unaccounted(backup: &str, source: Error) -> Error {
    Error::Unaccounted {
        backup: backup.to_owned(),
        source: Box::new(source),
    }
}

/// What all these backups need.
pub(super) async fn needed(
    vault: &Arc<Vault>,
    index: &Arc<Index>,
    records: Vec<Record>,
    cancel: &CancellationToken,
) -> Result<Reached, Error> {
    let reader = Arc::new(vault.reader(Arc::clone(index)));
    let cancel = cancel.clone();
    let readers = vault.host().threads(READERS).min(records.len());
    let walk = vault.host().blocking(move || {
        let reach = Reach::default();
        let records = std::sync::Mutex::new(records.iter());
        let read = || -> Result<(), Error> {
            loop {
                let next = records
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .next();
                let Some(record) = next else { return Ok(()) };
                stop_if(&cancel)?;
                reach
                    .add(&reader, record)
                    .map_err(|source| unaccounted(&record.backup.to_string(), source))?;
            }
        };
        if readers < 2 {
            read()?;
        } else {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..readers).map(|_| scope.spawn(read)).collect();
                threads.into_iter().try_for_each(|thread| match thread.join() {
                    Ok(read) => read,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
            })?;
        }
        Ok(reach.known())
    });
    walk.await?
}
