//! Taking a backup away.

use bytes::Bytes;
use futures::{join, try_join};
use ostler_store::{Key, Object};
use ostler_vocabulary::{BackupId, Classified, ErrorKind};

use super::note::{intent_key, record_key};
use super::{AtRecord, MarkAction, MarkRecord, NOTES};
use crate::lease::{Chain, backup_chain};
use crate::{Error, Lease, Vault};

/// What there is of a backup.
struct Seen {
    /// The record or tombstone, and where it is.
    found: Option<(Key, Bytes)>,
    notes: Vec<Object>,
    intent: Option<Object>,
    /// The signs of life of who made it.
    signs: Vec<Object>,
}

impl Vault {
    /// Removes a backup: says that it is being deleted, then removes its commit record, notes and intent, and what was
    /// said first in the end. Repeatable, and no error when nothing is left of it. Returns the bytes of the objects
    /// it removed; the data is freed by [`Vault::collect`].
    ///
    /// The key of its record belongs to whoever makes the backup until that is over: where nobody said so, a tombstone
    /// takes the record's place, lest a maker that slept commits it again. Where the record may be sealed anew by a request
    /// that is still on its way, a tombstone takes that key first.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the lease was lost.
    pub async fn delete_backup(&self, id: BackupId, guard: &Lease) -> Result<u64, Error> {
        self.take_away(id, guard, true).await
    }

    /// As [`Vault::delete_backup`], for a backup that was begun and never committed.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is committed after all, and when the lease was lost.
    pub async fn discard_backup(&self, id: BackupId, guard: &Lease) -> Result<u64, Error> {
        self.take_away(id, guard, false).await
    }

    async fn take_away(&self, id: BackupId, guard: &Lease, committed: bool) -> Result<u64, Error> {
        let known = self.keys().current();
        let mut seen = self.look_at(id, guard).await?;
        if self.keys().current() != known {
            // Records may have been sealed anew since.
            seen = self.look_at(id, guard).await?;
        }
        let at_record = match &seen.found {
            Some((key, bytes)) => self.what_is(key, bytes)?,
            None => AtRecord::Nothing,
        };
        let is_late = match &seen.found {
            Some((key, bytes)) => at_record == AtRecord::Record && self.may_be_sealed_anew(key, bytes),
            // Whoever began to delete it may not have come to the tombstone.
            None => committed && !seen.notes.is_empty() && self.keys().has_given_up(),
        };
        let comes_back = is_late || self.may_come_back(id, at_record, committed, &seen);
        let mut notes = seen.notes;
        let mut freed = 0;
        match at_record {
            AtRecord::Record if !committed => {
                return Err(Error::Conflict(format!("backup {id} was committed meanwhile")));
            }
            AtRecord::Record => {
                let (at, action) = (self.clock().now(), MarkAction::Delete);
                notes.push(empty(self.write_mark(id, &MarkRecord { at, action }).await?));
                let highest = match is_late {
                    true => {
                        let (highest, went) = self.take_highest(id).await?;
                        freed += went;
                        Some(highest)
                    }
                    false => None,
                };
                freed += match &seen.found {
                    Some((key, bytes)) if !self.keys().has_given_up() => {
                        self.remove(key).await?;
                        bytes.len() as u64
                    }
                    _ => self.remove_record(id, highest.as_ref()).await?,
                };
                while comes_back && !self.rule_out(id).await? {
                    freed += self.remove_record(id, highest.as_ref()).await?;
                }
            }
            AtRecord::Nothing if comes_back => {
                if is_late {
                    freed += self.take_highest(id).await?.1;
                }
                if !self.rule_out(id).await? {
                    return Err(Error::Conflict(format!("backup {id} was committed meanwhile")));
                }
            }
            AtRecord::Nothing | AtRecord::Tombstone => {}
        }
        freed += self
            .remove_traces(id, notes, seen.intent, seen.signs, comes_back)
            .await?;
        Ok(freed)
    }

    /// Asks for all at once: no answer depends on another.
    async fn look_at(&self, id: BackupId, guard: &Lease) -> Result<Seen, Error> {
        let (notes, intent, signs) = (format!("{NOTES}{id}."), intent_key(id)?, backup_chain(id));
        let ((), (), found, notes, intent, signs) = try_join!(
            guard.confirm(),
            self.learn_newest(),
            self.find_record(id),
            self.notes(&notes),
            self.object(&intent),
            self.objects(&signs),
        )?;
        Ok(Seen {
            found,
            notes,
            intent,
            signs,
        })
    }

    /// Whether somebody may create the record again.
    fn may_come_back(&self, id: BackupId, at_record: AtRecord, committed: bool, seen: &Seen) -> bool {
        match (at_record, &seen.found) {
            (AtRecord::Tombstone, _) => true,
            (AtRecord::Record, Some((key, bytes))) if self.may_be_copied_again(id, key, bytes) => true,
            // It has lost its record, and may have been a copy.
            (AtRecord::Nothing, _) if committed && !seen.notes.is_empty() => true,
            // It was begun, and its maker did not say that it is over.
            _ => {
                let chain = Chain::read(&backup_chain(id), &seen.signs);
                seen.intent.is_some() && !chain.is_some_and(|chain| chain.released)
            }
        }
    }

    /// Whether a backup has the id of the one that it is a copy of, so that another mirror would use it again. Its key gets
    /// a tombstone, lest somebody who slept while he deleted it deletes the later copy too. One that cannot be read
    /// may be such a copy.
    fn may_be_copied_again(&self, id: BackupId, key: &Key, bytes: &[u8]) -> bool {
        match self.open_record(id, key, bytes) {
            Ok(record) => record.origin.is_some_and(|origin| origin.backup == id),
            Err(_) => true,
        }
    }

    /// Removes a record, wherever it is but at this key; gives its size. A tombstone at its own key stays beside one that
    /// was sealed anew.
    pub(crate) async fn remove_record(&self, id: BackupId, but: Option<&Key>) -> Result<u64, Error> {
        let plain = record_key(id)?;
        let mut freed = 0;
        if but.is_none() || !self.is_tombstone_at(&plain).await? {
            freed += match self.object(&plain).await? {
                Some(object) => {
                    self.remove(&plain).await?;
                    object.size
                }
                None => 0,
            };
        }
        if self.keys().has_given_up() {
            for object in self.objects(&format!("{plain}.")).await? {
                if but != Some(&object.key) {
                    self.remove(&object.key).await?;
                    freed += object.size;
                }
            }
        }
        Ok(freed)
    }

    /// Removes all that is left of a backup, what tells of its deletion last; where it `comes_back`, what tells of a
    /// tombstone stays with it.
    async fn remove_traces(
        &self,
        id: BackupId,
        notes: Vec<Object>,
        intent: Option<Object>,
        signs: Vec<Object>,
        comes_back: bool,
    ) -> Result<u64, Error> {
        let mut freed = 0;
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for note in notes {
            match self.read_note(&note) {
                Some(found) if found.is_deletion() => last.push(note.key),
                Some(found) if found.is_revocation() && comes_back => {}
                Some(found) if found.is_revocation() => last.push(note.key),
                _ => {
                    freed += note.size;
                    first.push(note.key);
                }
            }
        }
        freed += intent.map_or(0, |object| object.size);
        let key = intent_key(id)?;
        let (intent, first) = join!(self.remove_if_allowed(&key), self.remove_all(first));
        intent.and(first)?;
        // Whoever begins says so first: signs of life without an intent are nobody's.
        last.extend(signs.into_iter().map(|object| object.key));
        self.remove_all(last).await?;
        Ok(freed)
    }

    /// What the store says of an object; `None` when there is none of this name.
    async fn object(&self, key: &Key) -> Result<Option<Object>, Error> {
        match self.store().head(key).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::store("look up", key)(error)),
        }
    }
}

/// A note that was made just now: its name says all of it.
fn empty(key: Key) -> Object {
    Object {
        key,
        size: 0,
        modified: None,
    }
}
