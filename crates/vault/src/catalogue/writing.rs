//! Saying something of a backup, and taking a backup away.

use ostler_vocabulary::{BackupId, Classified, ErrorKind};

use super::facts::{facts_notes, mark_note, proof_note};
use super::note::{digest, intent_key, record_key, to_json};
use super::{AtRecord, Facts, Intent, MarkAction, MarkRecord, NOTES, ProofRecord, Record};
use crate::envelope::{Mode, ObjectKind};
use crate::lease::{Chain, backup_chain};
use crate::sealed_name::NameKind;
use crate::{Error, Lease, Vault};

impl Vault {
    /// Says what a backup will be; `false` when this backup was begun before.
    pub(crate) async fn create_intent(&self, intent: &Intent) -> Result<bool, Error> {
        let key = intent_key(intent.backup)?;
        let sealed = self.seal(
            ObjectKind::Intent,
            Mode::Writer,
            &key,
            &to_json("an intent", intent)?,
        )?;
        self.create_if_free(&key, sealed).await
    }

    /// Writes the commit record, then its facts. Succeeds when the same record is there already; with `may_create`
    /// unset it has to be.
    pub(crate) async fn write_record(&self, record: &Record, may_create: bool) -> Result<(), Error> {
        let key = record_key(record.backup)?;
        let sealed = self.seal(
            ObjectKind::Record,
            Mode::Public,
            &key,
            &to_json("a commit record", record)?,
        )?;
        if !may_create || !self.create_if_free(&key, sealed).await? {
            match self.record(record.backup).await {
                Ok(there) if there == *record => {}
                Ok(_) => {
                    return Err(Error::Conflict(format!(
                        "backup {} was committed with another record",
                        record.backup
                    )));
                }
                Err(Error::NotFound(_)) => return Err(Error::Revoked(record.backup)),
                Err(error) => return Err(error),
            }
        }
        for note in facts_notes(&Facts::from(record)) {
            self.write_note(NameKind::Facts, record.backup, &note, None)
                .await?;
        }
        Ok(())
    }

    /// Stores a report with a backup. The same report twice is one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such backup; [`Error::TooLarge`] for a method of a hundred letters.
    pub async fn add_proof(&self, id: BackupId, proof: &ProofRecord) -> Result<(), Error> {
        self.require_record(id).await?;
        let body = to_json("a proof", proof)?;
        let note = proof_note(proof, digest(&body)).ok_or_else(|| Error::TooLarge {
            what: "the method of a proof".to_owned(),
            size: proof.method.len() as u64,
            limit: 100,
        })?;
        self.write_note(NameKind::Proof, id, &note, Some((ObjectKind::Proof, &body)))
            .await
    }

    /// Says something of a backup. The same mark twice is one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such backup.
    pub async fn add_mark(&self, id: BackupId, mark: &MarkRecord) -> Result<(), Error> {
        self.require_record(id).await?;
        self.write_mark(id, mark).await
    }

    pub(super) async fn write_mark(&self, id: BackupId, mark: &MarkRecord) -> Result<(), Error> {
        let body = to_json("a mark", mark)?;
        let (note, long) = mark_note(mark, digest(&body));
        let body = long.then_some((ObjectKind::Mark, body.as_slice()));
        self.write_note(NameKind::Mark, id, &note, body).await
    }

    /// Removes a backup: says that it is being deleted, then removes its commit record, notes and intent, and what was
    /// said first in the end. Repeatable, and no error when nothing is left of it. Returns the bytes of the objects
    /// it removed; the data is freed by [`Vault::collect`].
    ///
    /// The key of its record belongs to whoever makes the backup until that is over: where nobody said so, a tombstone
    /// takes the record's place, lest a maker that slept commits it again.
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
        guard.confirm().await?;
        let at_record = self.at_record(id).await?;
        let notes = self.objects(&format!("{NOTES}{id}.")).await?;
        let comes_back = match at_record {
            AtRecord::Tombstone => true,
            AtRecord::Record if self.may_be_copied_again(id).await? => true,
            // It has lost its record, and may have been a copy.
            AtRecord::Nothing if committed && !notes.is_empty() => true,
            _ => self.may_still_commit(id).await?,
        };
        let mut freed = 0;
        match at_record {
            AtRecord::Record if !committed => {
                return Err(Error::Conflict(format!("backup {id} was committed meanwhile")));
            }
            AtRecord::Record => {
                let at = self.clock().now();
                let action = MarkAction::Delete;
                self.write_mark(id, &MarkRecord { at, action }).await?;
                freed += self.remove_record(id).await?;
                while comes_back && !self.rule_out(id).await? {
                    freed += self.remove_record(id).await?;
                }
            }
            AtRecord::Nothing if comes_back && !self.rule_out(id).await? => {
                return Err(Error::Conflict(format!("backup {id} was committed meanwhile")));
            }
            AtRecord::Nothing | AtRecord::Tombstone => {}
        }
        let notes = self.notes(&format!("{NOTES}{id}.")).await?;
        let (last, first): (Vec<_>, Vec<_>) = notes
            .iter()
            .partition(|object| self.read_note(object).is_some_and(|found| found.is_last()));
        for note in first {
            self.remove(&note.key).await?;
            freed += note.size;
        }
        freed += self.remove_sized(&intent_key(id)?).await?;
        self.forget(id).await?;
        for note in last {
            // What tells of a tombstone stays with it.
            if !comes_back || self.read_note(note).is_some_and(|found| found.is_deletion()) {
                self.remove(&note.key).await?;
            }
        }
        Ok(freed)
    }

    /// Whether a backup has the id of the one that it is a copy of, so that another mirror would use it again. Its key gets
    /// a tombstone, lest somebody who slept while he deleted it deletes the later copy too. One that cannot be read
    /// may be such a copy.
    async fn may_be_copied_again(&self, id: BackupId) -> Result<bool, Error> {
        match self.record(id).await {
            Ok(record) => Ok(record.origin.is_some_and(|origin| origin.backup == id)),
            Err(error) => crate::check::damage(error).map(|_| true),
        }
    }

    /// Whether somebody may still create this backup's record: it was begun, and its maker did not say that it is over.
    pub(crate) async fn may_still_commit(&self, id: BackupId) -> Result<bool, Error> {
        match self.store().head(&intent_key(id)?).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::store("look up", intent_key(id)?)(error)),
        }
        let prefix = backup_chain(id);
        let chain = Chain::read(&prefix, &self.objects(&prefix).await?);
        Ok(!chain.is_some_and(|chain| chain.released))
    }

    /// Removes a record, wherever it is; gives its size.
    pub(crate) async fn remove_record(&self, id: BackupId) -> Result<u64, Error> {
        let plain = record_key(id)?;
        let mut freed = self.remove_sized(&plain).await?;
        if self.keys().has_given_up() {
            for object in self.objects(&format!("{plain}.")).await? {
                self.remove(&object.key).await?;
                freed += object.size;
            }
        }
        Ok(freed)
    }

    async fn remove_sized(&self, key: &ostler_store::Key) -> Result<u64, Error> {
        match self.store().head(key).await {
            Ok(object) => {
                self.remove(key).await?;
                Ok(object.size)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(Error::store("look up", key)(error)),
        }
    }

    async fn require_record(&self, id: BackupId) -> Result<(), Error> {
        let key = record_key(id)?;
        match self.store().head(&key).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => match self.find_record(id).await? {
                Some(_) => Ok(()),
                None => Err(Error::NotFound(format!("backup {id}"))),
            },
            Err(error) => Err(Error::store("look up", &key)(error)),
        }
    }
}
