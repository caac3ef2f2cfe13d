//! Notes as objects: names that say something of a backup, some with a body.

use ostler_store::{Key, Object};
use ostler_vocabulary::BackupId;
use serde::Serialize;

use super::facts::{Note, decode};
use super::{BACKUPS, INTENTS, MarkAction, NOTES};
use crate::envelope::{Mode, ObjectKind};
use crate::objects::object_key;
use crate::sealed_name::NameKind;
use crate::{Error, Vault};

pub(crate) fn intent_key(id: BackupId) -> Result<Key, Error> {
    object_key(format!("{INTENTS}{id}"))
}

pub(crate) fn record_key(id: BackupId) -> Result<Key, Error> {
    object_key(format!("{BACKUPS}{id}"))
}

/// The backup that an object below `prefix` is named for; `None` for a name that is not ours.
pub(crate) fn backup_of(prefix: &str, key: &Key) -> Option<BackupId> {
    let name = key.as_str().strip_prefix(prefix)?;
    let id: BackupId = name.parse().ok()?;
    // Only the one spelling that is written counts, so that no backup is seen twice.
    (id.to_string() == name).then_some(id)
}

/// Where the record or tombstone of a backup is that was sealed anew with this key epoch.
pub(crate) fn resealed_key(id: BackupId, epoch: u32) -> Result<Key, Error> {
    object_key(format!("{BACKUPS}{id}.{epoch:08}"))
}

/// The backup that an object at the key of a record is of, and the epoch in its name when it was sealed anew; `None`
/// for a name that is not ours.
pub(crate) fn record_of(key: &Key) -> Option<(BackupId, Option<u32>)> {
    let name = key.as_str().strip_prefix(BACKUPS)?;
    let (id, epoch) = match name.split_once('.') {
        None => (name, None),
        Some((id, digits)) if digits.len() == 8 => (id, Some(digits.parse::<u32>().ok()?)),
        Some(_) => return None,
    };
    let parsed: BackupId = id.parse().ok()?;
    (parsed.to_string() == id).then_some((parsed, epoch))
}

/// A note found in a listing.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) key: Key,
    pub(super) backup: BackupId,
    pub(super) note: Note,
}

impl Found {
    /// Whether it says that the backup is being deleted.
    pub(super) fn is_deletion(&self) -> bool {
        matches!(&self.note, Note::Mark(mark) if mark.action == MarkAction::Delete)
    }

    /// Whether it says that the backup can never be committed.
    pub(super) fn is_revocation(&self) -> bool {
        matches!(&self.note, Note::Mark(mark) if mark.action == MarkAction::Revoke)
    }

    /// Whether it can only be said of a backup that was committed.
    pub(super) fn follows_a_commit(&self) -> bool {
        matches!(self.note, Note::Facts { .. } | Note::Proof { .. })
    }
}

/// The start of the digest of a note's body, which its name carries.
pub(super) fn digest(body: &[u8]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(body).as_bytes();
    [a, b, c, d, e, f, g, h]
}

impl Vault {
    /// The notes whose names start so; the epochs that they name are known afterwards.
    pub(super) async fn notes(&self, prefix: &str) -> Result<Vec<Object>, Error> {
        let notes = self.objects(prefix).await?;
        let epoch = |object: &Object| object.key.as_str().split('.').nth(1)?.parse().ok();
        if let Some(epoch) = notes.iter().filter_map(epoch).max() {
            self.learn(epoch).await?;
        }
        Ok(notes)
    }

    /// What a note says; `None`, with a warning, when it is not one that this vault's keys made.
    pub(super) fn read_note(&self, object: &Object) -> Option<Found> {
        match self.open_note(&object.key) {
            Ok(found) => Some(found),
            Err(reason) => {
                tracing::warn!(key = %object.key, reason, "passing over a note that cannot be read");
                None
            }
        }
    }

    /// The backup, kind and facts of a note's name.
    pub(crate) fn note_parts(&self, key: &Key) -> Result<(BackupId, NameKind, Vec<u8>), Error> {
        let damaged = |reason: &str| Error::damaged(key, reason);
        let name = key.as_str().strip_prefix(NOTES).unwrap_or_default();
        let (backup, sealed) = name
            .split_once('.')
            .ok_or_else(|| damaged("its name has no parts"))?;
        let id: BackupId = backup
            .parse()
            .ok()
            .filter(|id: &BackupId| id.to_string() == backup)
            .ok_or_else(|| damaged("its name starts with no backup's id"))?;
        let (kind, facts) = self.unseal_any_name(id, sealed)?;
        Ok((id, kind, facts))
    }

    pub(super) fn open_note(&self, key: &Key) -> Result<Found, String> {
        let (id, kind, facts) = self.note_parts(key).map_err(|error| error.to_string())?;
        let note = decode(kind, &facts).map_err(|malformed| malformed.0)?;
        Ok(Found {
            key: key.clone(),
            backup: id,
            note,
        })
    }

    /// Creates a note; gives its key. One of the same name says the same.
    pub(crate) async fn write_note(
        &self,
        kind: NameKind,
        id: BackupId,
        facts: &[u8],
        body: Option<(ObjectKind, &[u8])>,
    ) -> Result<Key, Error> {
        let key = object_key(format!("{NOTES}{id}.{}", self.seal_name(kind, id, facts)?))?;
        let sealed = match body {
            Some((kind, plaintext)) => self.seal(kind, Mode::Public, &key, plaintext)?,
            None => Vec::new(),
        };
        self.create_if_free(&key, sealed).await?;
        Ok(key)
    }
}

pub(super) fn to_json(what: &str, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value)
        .map_err(|error| Error::Internal(format!("could not write {what} as JSON: {error}")))
}
