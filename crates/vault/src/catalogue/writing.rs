//! Saying something of a backup, and taking a backup away.

use ostler_vocabulary::{BackupId, Classified, ErrorKind};

use super::facts::{facts_notes, mark_note, proof_note};
use super::note::{digest, intent_key, record_key, to_json};
use super::{Facts, Intent, MarkAction, MarkRecord, NOTES, ProofRecord, Record};
use crate::envelope::{Mode, ObjectKind};
use crate::sealed_name::NameKind;
use crate::{Error, Lease, Vault};

impl Vault {
    /// Says what a backup will be, before anything of it is stored. Succeeds when the same operation said so
    /// before; what it said then stands.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another operation has this backup's id.
    pub async fn register_intent(&self, intent: &Intent) -> Result<(), Error> {
        let key = intent_key(intent.backup)?;
        let sealed = self.seal(
            ObjectKind::Intent,
            Mode::Writer,
            &key,
            &to_json("an intent", intent)?,
        )?;
        if self.create_if_free(&key, sealed).await? {
            return Ok(());
        }
        match self.intent(intent.backup).await? {
            Some(there) if there.operation == intent.operation => Ok(()),
            _ => Err(Error::Conflict(format!(
                "backup {} was registered by another operation",
                intent.backup
            ))),
        }
    }

    /// Writes the commit record, then its facts. Succeeds when the same record is there already.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the lease was lost, or when another record is there.
    pub async fn commit(&self, record: &Record, guard: &Lease) -> Result<(), Error> {
        let key = record_key(record.backup)?;
        let sealed = self.seal(
            ObjectKind::Record,
            Mode::Public,
            &key,
            &to_json("a commit record", record)?,
        )?;
        guard.confirm().await?;
        if !self.create_if_free(&key, sealed).await? && self.record(record.backup).await? != *record {
            return Err(Error::Conflict(format!(
                "backup {} was committed with another record",
                record.backup
            )));
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
        let body = to_json("a mark", mark)?;
        let (note, long) = mark_note(mark, digest(&body));
        let body = long.then_some((ObjectKind::Mark, body.as_slice()));
        self.write_note(NameKind::Mark, id, &note, body).await
    }

    /// Removes a backup: says that it is being deleted, then removes its commit record, notes and intent, and what was
    /// said first in the end. Repeatable, and no error when nothing is left of it. Returns the bytes of the objects
    /// it removed; the data is freed by [`Vault::collect`].
    ///
    /// # Errors
    /// [`Error::Conflict`] when the lease was lost.
    pub async fn delete_backup(&self, id: BackupId, guard: &Lease) -> Result<u64, Error> {
        guard.confirm().await?;
        match self.require_record(id).await {
            Ok(()) => {
                let at = self.clock().now();
                let action = MarkAction::Delete;
                self.add_mark(id, &MarkRecord { at, action }).await?;
            }
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let mut freed = self.remove_sized(&record_key(id)?).await?;
        let notes = self.objects(&format!("{NOTES}{id}.")).await?;
        let (last, first): (Vec<_>, Vec<_>) = notes
            .iter()
            .partition(|object| self.read_note(object).is_some_and(|found| found.is_deletion()));
        for note in first {
            self.remove(&note.key).await?;
            freed += note.size;
        }
        freed += self.remove_sized(&intent_key(id)?).await?;
        for note in last {
            self.remove(&note.key).await?;
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
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::NotFound(format!("backup {id}"))),
            Err(error) => Err(Error::store("look up", &key)(error)),
        }
    }
}
