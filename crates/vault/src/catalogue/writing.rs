//! Saying something of a backup.

use futures::join;
use ostler_store::Key;
use ostler_vocabulary::{BackupId, Classified, ErrorKind};

use super::facts::{facts_notes, mark_note, proof_note};
use super::note::{digest, intent_key, record_key, to_json};
use super::{Facts, Intent, MarkRecord, ProofRecord, Record};
use crate::envelope::{Mode, ObjectKind};
use crate::sealed_name::NameKind;
use crate::{Error, Vault};

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
    /// unset it has to be. With `reads_back` it gives what is there afterwards, where that could be read.
    pub(crate) async fn write_record(
        &self,
        record: &Record,
        may_create: bool,
        reads_back: bool,
    ) -> Result<Option<Record>, Error> {
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
        let facts = async {
            for note in facts_notes(&Facts::from(record)) {
                self.write_note(NameKind::Facts, record.backup, &note, None)
                    .await?;
            }
            Ok(())
        };
        if !reads_back {
            return facts.await.map(|()| None);
        }
        let (noted, read): (Result<(), Error>, _) = join!(facts, self.record(record.backup));
        noted.map(|()| read.ok())
    }

    /// Stores a report with a backup. The same report twice is one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such backup; [`Error::TooLarge`] for a method of a hundred letters.
    pub async fn add_proof(&self, id: BackupId, proof: &ProofRecord) -> Result<(), Error> {
        self.require_record(id).await?;
        self.write_proof(id, proof).await
    }

    /// As [`Vault::add_proof`], for a record that was read just now.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a method of a hundred letters.
    pub async fn add_proof_to(&self, record: &Record, proof: &ProofRecord) -> Result<(), Error> {
        self.write_proof(record.backup, proof).await
    }

    async fn write_proof(&self, id: BackupId, proof: &ProofRecord) -> Result<(), Error> {
        let body = to_json("a proof", proof)?;
        let note = proof_note(proof, digest(&body)).ok_or_else(|| Error::TooLarge {
            what: "the method of a proof".to_owned(),
            size: proof.method.len() as u64,
            limit: 100,
        })?;
        self.write_note(NameKind::Proof, id, &note, Some((ObjectKind::Proof, &body)))
            .await
            .map(drop)
    }

    /// Says something of a backup. The same mark twice is one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such backup.
    pub async fn add_mark(&self, id: BackupId, mark: &MarkRecord) -> Result<(), Error> {
        self.require_record(id).await?;
        self.write_mark(id, mark).await.map(drop)
    }

    /// Gives the key of the mark.
    pub(super) async fn write_mark(&self, id: BackupId, mark: &MarkRecord) -> Result<Key, Error> {
        let body = to_json("a mark", mark)?;
        let (note, long) = mark_note(mark, digest(&body));
        let body = long.then_some((ObjectKind::Mark, body.as_slice()));
        self.write_note(NameKind::Mark, id, &note, body).await
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
