//! Giving up key epochs that have leaked: what is sealed with them is sealed anew, and then their secrets go.
//!
//! Packs and index segments are written anew by every collection while an epoch is to be given up; the rest here. Records
//! are never replaced: one that is sealed anew gets another name, and then the old one goes. Each step leaves a vault
//! that is whole, and is done again by whoever comes next.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use ostler_store::{Key, Object};
use ostler_vocabulary::{BackupId, Progress};
use tokio_util::sync::CancellationToken;

use super::writers::{Exempt, Settled};
use super::{Collecting, stop_if};
use crate::catalogue::{AtRecord, BACKUPS, INTENTS, NOTES, backup_of, record_of, resealed_key};
use crate::envelope::{Mode, ObjectKind, epoch_of};
use crate::index::pack_of;
use crate::keys::activation_key;
use crate::pack::{HEADER, epoch_of as epoch_of_pack};
use crate::sealed_name::NameKind;
use crate::{Error, Lease, PackId, Vault};

/// Objects that are named when an epoch cannot be given up.
const NAMED: usize = 100;

impl Vault {
    /// The epoch before which everything is to be sealed anew, while that is not done.
    #[must_use]
    pub fn giving_up(&self) -> Option<u32> {
        self.keys().leaked_before()
    }

    /// Makes sure that no backup that began with an epoch which is to be given up can still be committed, as far as its
    /// maker does not live; gives those that are being made.
    ///
    /// # Errors
    /// [`Error::Cancelled`], and what the store says.
    pub async fn settle_old_writers(
        &self,
        how: Collecting<'_>,
        cancel: &CancellationToken,
    ) -> Result<Vec<BackupId>, Error> {
        let Some(before) = self.giving_up() else {
            return Ok(Vec::new());
        };
        match self.settle(Exempt::Since(before), how, cancel).await? {
            Settled::Over { .. } => Ok(Vec::new()),
            Settled::Waits(backups) => Ok(backups),
        }
    }

    /// Seals notes, commit records and tombstones of epochs that are to be given up anew. `progress` counts objects.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the lease was lost; [`Error::Cancelled`]; and what the store says.
    pub async fn seal_anew(
        &self,
        guard: &Lease,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let Some(before) = self.giving_up() else {
            return Ok(());
        };
        guard.confirm().await?;
        for note in self.objects(NOTES).await? {
            if epoch_of_note(&note.key).is_some_and(|epoch| epoch < before) {
                stop_if(cancel)?;
                self.seal_note_anew(&note.key).await?;
                progress.add_item();
            }
        }
        let mut versions: BTreeMap<BackupId, Vec<(Option<u32>, Key)>> = BTreeMap::new();
        for object in self.objects(BACKUPS).await? {
            if let Some((id, epoch)) = record_of(&object.key) {
                versions.entry(id).or_default().push((epoch, object.key));
            }
        }
        for (id, versions) in versions {
            stop_if(cancel)?;
            guard.confirm().await?;
            self.seal_record_anew(id, &versions, before, guard).await?;
            progress.add_item();
        }
        self.retire_anew(before).await?;
        self.seal_probe_anew(before).await?;
        self.seal_round_anew(before).await
    }

    /// The name is made of what the note says, so that doing it twice gives one note.
    async fn seal_note_anew(&self, key: &Key) -> Result<(), Error> {
        let found = match self.note_parts(key) {
            Ok(found) => found,
            Err(error @ Error::EpochUnknown { .. }) => return Err(error),
            // It is not ours: nobody believes it.
            Err(_) => return Ok(()),
        };
        let (id, kind, facts) = found;
        let body = match self.read_if_there(key).await? {
            None => return Ok(()),
            Some(bytes) if bytes.is_empty() => None,
            Some(bytes) => {
                let of_kind = kind.body();
                match self.unseal(of_kind, key, &bytes) {
                    Ok(plain) => Some((of_kind, plain)),
                    // What is damaged stays damaged, and is believed by nobody.
                    Err(_) => return self.remove(key).await,
                }
            }
        };
        let body = body.as_ref().map(|(kind, plain)| (*kind, plain.as_slice()));
        self.write_note(kind, id, &facts, body).await?;
        self.remove(key).await
    }

    async fn seal_record_anew(
        &self,
        id: BackupId,
        versions: &[(Option<u32>, Key)],
        before: u32,
        guard: &Lease,
    ) -> Result<(), Error> {
        let newest = versions.iter().map(|(epoch, _)| *epoch).max().flatten();
        let mut old: Vec<&Key> = Vec::new();
        let is_tombstone;
        if let Some((_, done)) = versions
            .iter()
            .find(|(epoch, _)| *epoch == newest && epoch.is_some_and(|epoch| epoch >= before))
        {
            // Done, but for removing what it replaces.
            is_tombstone = self.is_tombstone_at(done).await?;
            for (epoch, key) in versions {
                if *epoch != newest && self.epoch_at(key).await?.is_some_and(|epoch| epoch < before) {
                    old.push(key);
                }
            }
        } else {
            let Some((_, key)) = versions.iter().max_by_key(|(epoch, _)| *epoch) else {
                return Ok(());
            };
            let Some(bytes) = self.read_if_there(key).await? else {
                return Ok(());
            };
            if epoch_of(&bytes).is_none_or(|epoch| epoch >= before) {
                return Ok(());
            }
            let (kind, mode, plain) = match self.unseal(ObjectKind::Record, key, &bytes) {
                Ok(plain) => (ObjectKind::Record, Mode::Public, plain),
                Err(error @ Error::EpochUnknown { .. }) => return Err(error),
                // What is damaged stays, and keeps the epoch from going.
                Err(_) => match self.unseal(ObjectKind::Tombstone, key, &bytes) {
                    Ok(plain) => (ObjectKind::Tombstone, Mode::Writer, plain),
                    Err(_) => return Ok(()),
                },
            };
            is_tombstone = kind == ObjectKind::Tombstone;
            let new = resealed_key(id, self.keys().current())?;
            let created = self
                .create_if_free(&new, self.seal(kind, mode, &new, &plain)?)
                .await?;
            // While we slept somebody else may have had the lease, and taken the old one away: with the backup, which then
            // stays away, or because the new one is there. Of a backup that was taken away nothing is remembered.
            if created && self.read_if_there(key).await?.is_none() {
                return match guard.confirm().await {
                    Err(lost) if self.is_remembered(id).await? => Err(lost),
                    _ => self.remove(&new).await,
                };
            }
            old.extend(versions.iter().map(|(_, key)| key));
        }
        for key in old {
            // A tombstone goes on keeping its key.
            if !(is_tombstone && backup_of(BACKUPS, key).is_some()) {
                self.remove_unless_locked(key).await?;
            }
        }
        Ok(())
    }

    /// Whether anything but marks is noted of a backup.
    async fn is_remembered(&self, id: BackupId) -> Result<bool, Error> {
        let notes = self.objects(&format!("{NOTES}{id}.")).await?;
        let is_mark = |note: &Object| matches!(self.note_parts(&note.key), Ok((_, NameKind::Mark, _)));
        Ok(!notes.iter().all(is_mark))
    }

    pub(crate) async fn is_tombstone_at(&self, key: &Key) -> Result<bool, Error> {
        let bytes = self.read_if_there(key).await?;
        bytes.map_or(Ok(false), |bytes| self.is_tombstone(key, &bytes))
    }

    /// The last round stays for its number: another takes its place.
    async fn seal_round_anew(&self, before: u32) -> Result<(), Error> {
        let rounds = self.rounds().await?;
        if rounds.open.is_some() || rounds.highest == 0 {
            return Ok(());
        }
        let key = crate::rounds::marked_key(rounds.highest)?;
        if self.epoch_at(&key).await?.is_some_and(|epoch| epoch < before) {
            let next = rounds.next;
            if self.open_round(next, &HashSet::new()).await?.is_some() {
                self.clear_rounds(next).await?;
            }
            self.close_round(next).await?;
        }
        Ok(())
    }

    /// Whether an intent is of a backup that is over, and sealed with secrets that were given up: nobody reads it again.
    pub(crate) async fn is_past(&self, intent: &Key, id: BackupId) -> Result<bool, Error> {
        let epoch = self.epoch_at(intent).await?;
        Ok(epoch.is_some_and(|epoch| epoch < self.keys().lowest())
            && self.at_record(id).await? != AtRecord::Nothing)
    }

    /// Whether an object is sealed with an epoch that was given up: a request that came late, or an earlier version, left it.
    pub(crate) async fn is_given_up(&self, key: &Key) -> Result<bool, Error> {
        let epoch = match epoch_of_note(key) {
            Some(epoch) => Some(epoch),
            None => self.epoch_at(key).await?,
        };
        Ok(epoch.is_some_and(|epoch| epoch < self.keys().lowest()))
    }

    /// The epoch that the object names; `None` when it is not there, or no sealed object.
    pub(crate) async fn epoch_at(&self, key: &Key) -> Result<Option<u32>, Error> {
        Ok(self.read_if_there(key).await?.and_then(|bytes| epoch_of(&bytes)))
    }

    /// Removes the secrets of epochs that are to be given up from all wrappers, when nothing needs them any more. Gives
    /// the keys of objects that do, the first hundred; then nothing is removed.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the lease was lost; [`Error::Cancelled`]; and what the store says.
    pub async fn give_up_old_epochs(
        &self,
        guard: &Lease,
        cancel: &CancellationToken,
    ) -> Result<Vec<String>, Error> {
        let Some(before) = self.giving_up() else {
            // Whoever said so may have been stopped then.
            self.remove_left_over(guard).await?;
            return Ok(Vec::new());
        };
        let mut left = self.sealed_before(before, cancel).await?;
        if !left.is_empty() {
            left.truncate(NAMED);
            return Ok(left.iter().map(ToString::to_string).collect());
        }
        self.begin_with(before, guard).await?;
        Ok(Vec::new())
    }

    /// Objects that cannot be read without epochs before this one, and have to be.
    async fn sealed_before(&self, before: u32, cancel: &CancellationToken) -> Result<Vec<Key>, Error> {
        let strays = self.stray_epochs().into_iter().map(activation_key);
        let mut left = strays.collect::<Result<Vec<_>, _>>()?;
        // What is sealed with epochs that are gone already, such as by a request that came late, nobody can read.
        let old = self.keys().lowest()..before;
        let index = self.index(false).await?;
        let known: HashMap<PackId, u32> = index
            .all_packs()
            .map(|pack| pack.map(|pack| (pack.id, epoch_of_pack(&pack.header))))
            .collect::<Result<_, Error>>()?;
        for object in self.objects("packs/").await? {
            stop_if(cancel)?;
            let Some(pack) = pack_of(&object.key) else {
                continue;
            };
            let epoch = match known.get(&pack) {
                Some(epoch) => Some(*epoch),
                None => self.epoch_of_pack_at(&object).await?,
            };
            if epoch.is_some_and(|epoch| old.contains(&epoch)) {
                left.push(object.key);
            }
        }
        for object in self.objects("index/").await? {
            stop_if(cancel)?;
            if self.is_of(&object.key, &old).await? {
                left.push(object.key);
            }
        }
        let records = self.objects(BACKUPS).await?;
        let anew: HashSet<BackupId> = records
            .iter()
            .filter_map(|object| record_of(&object.key))
            .filter(|(_, epoch)| epoch.is_some_and(|epoch| epoch >= before))
            .map(|(id, _)| id)
            .collect();
        for object in records {
            stop_if(cancel)?;
            let is_done = record_of(&object.key).is_some_and(|(id, _)| anew.contains(&id));
            // What was sealed anew and is still there, because it is locked, is read as long as its secrets are.
            let stays = is_done && self.locks().is_some() && !self.is_tombstone_at(&object.key).await?;
            if (!is_done || stays) && self.is_of(&object.key, &old).await? {
                left.push(object.key);
            }
        }
        for object in self.objects(INTENTS).await? {
            stop_if(cancel)?;
            if let Some(id) = backup_of(INTENTS, &object.key)
                && self.is_of(&object.key, &old).await?
                && self.at_record(id).await? == AtRecord::Nothing
            {
                left.push(object.key);
            }
        }
        for object in self.objects(NOTES).await? {
            let is_foreign = || matches!(self.note_parts(&object.key), Err(Error::Damaged { .. }));
            if epoch_of_note(&object.key).is_some_and(|epoch| old.contains(&epoch)) && !is_foreign() {
                left.push(object.key);
            }
        }
        if let Some(open) = self.rounds().await?.open {
            let key = crate::rounds::marked_key(open.number)?;
            if self.is_of(&key, &old).await? {
                left.push(key);
            }
        }
        Ok(left)
    }

    async fn is_of(&self, key: &Key, epochs: &Range<u32>) -> Result<bool, Error> {
        Ok(self
            .epoch_at(key)
            .await?
            .is_some_and(|epoch| epochs.contains(&epoch)))
    }

    async fn epoch_of_pack_at(&self, object: &Object) -> Result<Option<u32>, Error> {
        if object.size < HEADER as u64 {
            return Ok(None);
        }
        let header = self.store().get_range(&object.key, 0..HEADER as u64).await;
        let header = header.map_err(Error::store("read", &object.key))?;
        Ok(header.first_chunk::<HEADER>().map(epoch_of_pack))
    }
}

/// The epoch that a note's name names.
fn epoch_of_note(key: &Key) -> Option<u32> {
    key.as_str().strip_prefix(NOTES)?.split('.').nth(1)?.parse().ok()
}
