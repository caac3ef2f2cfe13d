//! What backups need, asked of the store in as few steps as the order allows that `docs/adr/0007-many-writers.md` has.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt, stream, try_join};
use ostler_store::Object;
use ostler_vocabulary::{BackupId, Timestamp};
use tokio_util::sync::CancellationToken;

use super::glance::Glance;
use super::{cancelled, stop_if};
use crate::catalogue::{AtRecord, BACKUPS, INTENTS, backup_of, record_of};
use crate::index::{Said, Sorted};
use crate::parallel::in_parallel;
use crate::reach::Reach;
use crate::rounds::Rounds;
use crate::{Error, Index, Record, Vault};

/// Requests in flight.
const AT_ONCE: usize = 16;
/// Threads that read file lists.
const READERS: usize = 8;

/// What is committed, what describes it, and what is stored.
pub(super) struct Stored {
    /// The commit records of all backups that stay.
    pub(super) records: Vec<Record>,
    /// Ids below which a commit record was looked for, and those that are to go.
    pub(super) examined: BTreeSet<BackupId>,
    /// The first of the backups that are being made, if there are any.
    pub(super) since: Option<Begun>,
    pub(super) rounds: Rounds,
    /// The index segments, listed after the records were.
    pub(super) segments: Vec<Object>,
    /// What they say.
    pub(super) said: Said,
    /// The packs, listed after the index: what it describes is there.
    pub(super) packs: Vec<Object>,
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

impl Stored {
    /// The commit records of all backups but `gone`, and what follows, asked for in the order that makes it hold together.
    pub(super) async fn take(
        vault: &Arc<Vault>,
        gone: &[BackupId],
        cancel: &CancellationToken,
    ) -> Result<Self, Error> {
        // Records that a listing does not show yet are found by their intents. They go when a record is listed, so they
        // are listed first.
        let (intents, rounds) = try_join!(vault.objects(INTENTS), vault.rounds())?;
        let asked = Asked::of(&intents, &vault.objects(BACKUPS).await?, gone)?;
        // What a backup needs is described when it is committed: the index is listed after the records.
        let (found, mut index) = try_join!(asked.find_all(vault, cancel), vault.objects("index/"))?;
        let committed = asked.committed(found, &intents);
        if committed.is_late {
            // Committed since the listing: what described it may be missing in that of the index.
            index = vault.objects("index/").await?;
        }
        let (said, packs) = try_join!(say(vault, &index, cancel), vault.objects("packs/"))?;
        Ok(committed.stored(rounds, (index, said), packs))
    }

    /// The same by what was listed at one moment. It may not hold together where somebody wrote or deleted meanwhile.
    pub(super) async fn by(
        vault: &Arc<Vault>,
        glance: &Glance,
        gone: &[BackupId],
        cancel: &CancellationToken,
    ) -> Result<Self, Error> {
        let rounds = vault.rounds_of(&glance.rounds).await?;
        let asked = Asked::of(&glance.intents, &glance.records, gone)?;
        let segments = glance.segments.clone();
        let (found, said) = try_join!(asked.find_all(vault, cancel), say(vault, &segments, cancel))?;
        let committed = asked.committed(found, &glance.intents);
        Ok(committed.stored(rounds, (segments, said), glance.packs.clone()))
    }
}

/// Which records are asked for.
struct Asked {
    begun: BTreeSet<BackupId>,
    listed: BTreeSet<BackupId>,
    gone: BTreeSet<BackupId>,
}

/// What came of it.
struct Committed {
    records: Vec<Record>,
    examined: BTreeSet<BackupId>,
    since: Option<Begun>,
    /// Whether one of them was in no listing of records.
    is_late: bool,
}

impl Asked {
    fn of(intents: &[Object], records: &[Object], gone: &[BackupId]) -> Result<Self, Error> {
        let begun = intents
            .iter()
            .filter_map(|object| backup_of(INTENTS, &object.key));
        let listed = records.iter().map(|object| match record_of(&object.key) {
            Some((id, _)) => Ok(id),
            None => {
                let error = Error::damaged(&object.key, "its name is not that of a commit record");
                Err(unaccounted(object.key.as_str(), error))
            }
        });
        Ok(Self {
            begun: begun.collect(),
            listed: listed.collect::<Result<_, _>>()?,
            gone: gone.iter().copied().collect(),
        })
    }

    async fn find_all(
        &self,
        vault: &Arc<Vault>,
        cancel: &CancellationToken,
    ) -> Result<Vec<(BackupId, Found)>, Error> {
        let ids: BTreeSet<BackupId> = &(&self.listed | &self.begun) - &self.gone;
        let reads = stream::iter(ids).map(|id| async move { (id, self.find(vault, id).await) });
        let mut reads = std::pin::pin!(reads.buffered(AT_ONCE));
        let mut found = Vec::new();
        while let Some((id, read)) = reads.next().await {
            stop_if(cancel)?;
            found.push((id, read.map_err(|error| unaccounted(&id.to_string(), error))?));
        }
        Ok(found)
    }

    async fn find(&self, vault: &Vault, id: BackupId) -> Result<Found, Error> {
        match vault.record(id).await {
            Ok(record) => Ok(Found::Record(Box::new(record))),
            // A tombstone, not committed yet, or deleted since the listing.
            Err(Error::NotFound(_)) => match vault.at_record(id).await? {
                AtRecord::Tombstone => Ok(Found::Tombstone),
                AtRecord::Record => Ok(Found::Nothing(false)),
                AtRecord::Nothing => {
                    let is_young = self.begun.contains(&id) && vault.is_young(id).await?;
                    Ok(Found::Nothing(is_young))
                }
            },
            Err(error) => Err(error),
        }
    }

    fn committed(self, found: Vec<(BackupId, Found)>, intents: &[Object]) -> Committed {
        let mut examined = &(&self.listed | &self.begun) | &self.gone;
        let mut records = Vec::new();
        let mut young = BTreeSet::new();
        let mut is_late = false;
        for (id, found) in found {
            match found {
                Found::Record(record) => {
                    is_late |= !self.listed.contains(&id);
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
        let began = intents
            .iter()
            .filter(|object| backup_of(INTENTS, &object.key).is_some_and(|id| young.contains(&id)));
        let since = began
            .map(|object| object.modified)
            .reduce(|first, other| first.min(other))
            .map(|at| Begun { at });
        Committed {
            records,
            examined,
            since,
            is_late,
        }
    }
}

impl Committed {
    fn stored(self, rounds: Rounds, (segments, said): (Vec<Object>, Said), packs: Vec<Object>) -> Stored {
        Stored {
            records: self.records,
            examined: self.examined,
            since: self.since,
            rounds,
            segments,
            said,
            packs,
        }
    }
}

/// What these segments say.
async fn say(vault: &Vault, segments: &[Object], cancel: &CancellationToken) -> Result<Said, Error> {
    let said = cancel
        .run_until_cancelled(vault.segments_say(segments, true))
        .await;
    said.unwrap_or_else(|| Err(cancelled()))
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
) -> Result<Sorted, Error> {
    let reader = Arc::new(vault.reader(Arc::clone(index)));
    let cancel = cancel.clone();
    let readers = vault.host().threads(READERS);
    let reach = Reach::new(vault.scratch());
    let walk = vault.host().blocking(move || {
        in_parallel(readers, &records, &|record| {
            stop_if(&cancel)?;
            let added = reach.add(&reader, record);
            added.map_err(|source| unaccounted(&record.backup.to_string(), source))
        })?;
        Ok(reach.into_chunks())
    });
    walk.await?
}
