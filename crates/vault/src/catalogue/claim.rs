//! The key of a commit record: it belongs to whoever makes the backup, until that is over or a tombstone is there.

use bytes::Bytes;
use ostler_store::Key;
use ostler_vocabulary::{BackupId, Timestamp};
use serde::{Deserialize, Serialize};

use super::note::{backup_of, record_key, record_of, resealed_key, to_json};
use super::{BACKUPS, MarkAction, MarkRecord};
use crate::envelope::{Mode, ObjectKind, claims_to_be, epoch_of};
use crate::{Error, Vault};

/// How often a name is tried again that is taken and free in turn.
const TRIES: u32 = 32;

/// What is at the key of a commit record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtRecord {
    /// Nothing: it may still be committed.
    Nothing,
    /// A tombstone: it never will be.
    Tombstone,
    /// A record, readable or not.
    Record,
}

/// What a tombstone says.
#[derive(Debug, Serialize, Deserialize)]
struct Tombstone {
    at: Timestamp,
}

impl Vault {
    /// What is at the key of a backup's commit record, asked for itself and not looked up in a listing.
    pub(crate) async fn at_record(&self, id: BackupId) -> Result<AtRecord, Error> {
        let Some((key, bytes)) = self.find_record(id).await? else {
            return Ok(AtRecord::Nothing);
        };
        self.what_is(&key, &bytes)
    }

    pub(super) fn what_is(&self, key: &Key, bytes: &[u8]) -> Result<AtRecord, Error> {
        Ok(match self.is_tombstone(key, bytes)? {
            true => AtRecord::Tombstone,
            false => AtRecord::Record,
        })
    }

    /// Whether what is at a record's key is a tombstone. One that is sealed with secrets which were given up came late; it
    /// keeps the key as any other, and nobody can read it again.
    pub(crate) fn is_tombstone(&self, key: &Key, bytes: &[u8]) -> Result<bool, Error> {
        match self.unseal(ObjectKind::Tombstone, key, bytes) {
            Ok(_) => Ok(true),
            Err(error @ Error::EpochUnknown { .. }) => Err(error),
            Err(_) => Ok(claims_to_be(ObjectKind::Tombstone, bytes)
                && epoch_of(bytes).is_some_and(|epoch| epoch < self.keys().lowest())),
        }
    }

    /// The record or tombstone of a backup, and where it is: at its own key, or where it was sealed anew.
    pub(crate) async fn find_record(&self, id: BackupId) -> Result<Option<(Key, Bytes)>, Error> {
        let plain = record_key(id)?;
        let at_plain = self.read_if_there(&plain).await?;
        let keys = self.keys();
        let is_known = |bytes: &Bytes| epoch_of(bytes).is_none_or(|epoch| epoch >= keys.lowest());
        // A tombstone beside a record that was sealed anew came late: its place was free only because the record had moved.
        let is_late = |bytes: &Bytes| self.unseal(ObjectKind::Tombstone, &plain, bytes).is_ok();
        let settles = |bytes: &Bytes| is_known(bytes) && !is_late(bytes);
        if at_plain.as_ref().is_some_and(settles) || !keys.has_given_up() {
            return Ok(at_plain.map(|bytes| (plain, bytes)));
        }
        let anew = self.objects(&format!("{plain}.")).await?;
        let anew = anew.into_iter().filter(|object| record_of(&object.key).is_some());
        if let Some(newest) = anew.max_by(|a, b| a.key.cmp(&b.key))
            && let Some(bytes) = self.read_if_there(&newest.key).await?
        {
            return Ok(Some((newest.key, bytes)));
        }
        Ok(at_plain.map(|bytes| (plain, bytes)))
    }

    /// Rules out that a backup is ever committed: creates a tombstone where its record would be, which the store will
    /// refuse to replace. `false` when it is committed.
    pub(crate) async fn rule_out(&self, id: BackupId) -> Result<bool, Error> {
        let key = record_key(id)?;
        let at = self.clock().now();
        let json = to_json("a tombstone", &Tombstone { at })?;
        let mut tries = 0;
        loop {
            let sealed = self.seal(ObjectKind::Tombstone, Mode::Writer, &key, &json)?;
            if self.create_if_free(&key, sealed).await? {
                break;
            }
            tries += 1;
            if tries > TRIES {
                return Err(shows_nothing(&key));
            }
            match self.at_record(id).await? {
                AtRecord::Record => return Ok(false),
                AtRecord::Tombstone => break,
                // Deleted in between.
                AtRecord::Nothing => {}
            }
        }
        self.mark_ruled_out(id).await?;
        Ok(true)
    }

    /// Listings need not read the tombstone to know what it is. Gives the key of the mark.
    pub(super) async fn mark_ruled_out(&self, id: BackupId) -> Result<Key, Error> {
        let (at, action) = (self.clock().now(), MarkAction::Revoke);
        self.write_mark(id, &MarkRecord { at, action }).await
    }

    /// Whether a request to seal this record anew may be on its way: it is sealed with an epoch that is, or was, to be given
    /// up, or was sealed anew before.
    pub(super) fn may_be_sealed_anew(&self, key: &Key, bytes: &[u8]) -> bool {
        let keys = self.keys();
        let first = keys.leaked_before().unwrap_or_else(|| keys.lowest());
        let is_new =
            || backup_of(BACKUPS, key).is_some() && epoch_of(bytes).is_some_and(|epoch| epoch >= first);
        keys.has_given_up() && !is_new()
    }

    /// Takes the key at which whoever seals a record anew would put it, and which counts for more than all others: creates a
    /// tombstone there, in place of the record when that is there already. Gives the key, and the bytes that went.
    ///
    /// A request to create that key which is on its way finds it taken; one for an earlier epoch's counts for nothing
    /// beside it.
    pub(super) async fn take_highest(&self, id: BackupId) -> Result<(Key, u64), Error> {
        let key = resealed_key(id, self.keys().current())?;
        let at = self.clock().now();
        let json = to_json("a tombstone", &Tombstone { at })?;
        let mut freed = 0;
        for _ in 0..TRIES {
            let sealed = self.seal(ObjectKind::Tombstone, Mode::Writer, &key, &json)?;
            if self.create_if_free(&key, sealed).await? {
                return Ok((key, freed));
            }
            match self.read_if_there(&key).await? {
                Some(bytes) if self.is_tombstone(&key, &bytes)? => return Ok((key, freed)),
                Some(bytes) => {
                    self.remove(&key).await?;
                    freed += bytes.len() as u64;
                }
                None => {}
            }
        }
        Err(shows_nothing(&key))
    }
}

fn shows_nothing(key: &Key) -> Error {
    Error::Conflict(format!(
        "the store refuses to create `{key}` and shows nothing there: does it take a delete marker for an object?"
    ))
}
