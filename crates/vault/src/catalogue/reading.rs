//! Reading what is said of backups.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream, try_join};
use ostler_store::Object;
use ostler_vocabulary::{BackupId, Classified, ErrorKind, Timestamp};
use serde::de::DeserializeOwned;

use super::facts::{Note, decode_facts};
use super::note::{Found, backup_of, digest, intent_key, record_key, record_of};
use super::{
    BACKUPS, CatalogueEntry, Facts, INTENTS, Intent, MarkRecord, NOTES, ProofFacts, ProofRecord, Record,
};
use crate::envelope::ObjectKind;
use crate::{Error, Vault};

/// How many small objects are asked for at the same time.
const AT_ONCE: usize = 8;

/// How often what cannot be read is looked at again.
const LOOKS: u32 = 2;

/// Why a backup that notes speak of cannot be read.
pub(crate) const LOST: &str = "its commit record is missing, and nobody deleted it";

impl CatalogueEntry {
    /// A backup of which nothing is known yet.
    fn of(backup: BackupId) -> Self {
        Self {
            backup,
            committed: None,
            intent: None,
            proofs: Vec::new(),
            marks: Vec::new(),
            unreadable: None,
        }
    }
}

impl Vault {
    /// What backups there are, oldest first: committed ones by their records, others by their intents. Asks for
    /// nothing but listings, except for what is not committed or did not fit into names.
    ///
    /// # Errors
    /// Only where the store fails; what cannot be read is in the entries.
    pub async fn catalogue(&self) -> Result<Vec<CatalogueEntry>, Error> {
        let mut entries = self.catalogue_once().await?;
        for _ in 0..LOOKS {
            if entries.iter().all(|entry| entry.unreadable.is_none()) {
                break;
            }
            // A rotation beside this reader moves records, and seals them with secrets that it does not know yet.
            self.rounds().await?;
            entries = self.catalogue_once().await?;
        }
        Ok(entries)
    }

    async fn catalogue_once(&self) -> Result<Vec<CatalogueEntry>, Error> {
        // What is committed or deleted in between is asked for by name, or looked at again.
        let (intents, records, mut said) =
            try_join!(self.objects(INTENTS), self.objects(BACKUPS), self.said())?;
        let mut committed = committed(&records);
        let mut lost = self.without_record(&said, &committed).await?;
        if !lost.is_empty() {
            // Whoever deletes a backup says so before its record goes: perhaps since the notes were listed.
            said = self.said().await?;
            lost = self.without_record(&said, &committed).await?;
        }
        let begun: Vec<BackupId> = intents
            .iter()
            .filter_map(|object| backup_of(INTENTS, &object.key))
            .filter(|id| !committed.contains(id) && !lost.contains(id))
            .collect();
        // Where a tombstone is, there is no backup and will never be one.
        let revoked = |id: &BackupId| {
            said.get(id)
                .is_some_and(|said| said.iter().any(Found::is_revocation))
        };
        let ruled_out: BTreeSet<BackupId> = committed.iter().filter(|id| revoked(id)).copied().collect();
        committed.retain(|id| !ruled_out.contains(id));
        let committed = committed.into_iter().map(|id| {
            let said = said.remove(&id).unwrap_or_default();
            self.committed_entry(id, said)
        });
        let mut entries: Vec<CatalogueEntry> = stream::iter(committed)
            .buffer_unordered(AT_ONCE)
            .try_filter_map(async |entry| Ok(entry))
            .try_collect()
            .await?;
        let begun: Vec<Option<CatalogueEntry>> = stream::iter(begun)
            .map(|id| self.begun_entry(id))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        entries.extend(begun.into_iter().flatten());
        entries.extend(lost.into_iter().map(|backup| CatalogueEntry {
            unreadable: Some(LOST.to_owned()),
            ..CatalogueEntry::of(backup)
        }));
        entries.sort_by_key(|entry| (started(entry), entry.backup));
        Ok(entries)
    }

    /// Backups whose commit record is gone although nobody deleted them.
    ///
    /// # Errors
    /// Only where the store fails.
    pub(crate) async fn lost_records(&self) -> Result<BTreeSet<BackupId>, Error> {
        let committed = committed(&self.objects(BACKUPS).await?);
        self.without_record(&self.said().await?, &committed).await
    }

    /// All notes that can be read, by the backup they are of.
    async fn said(&self) -> Result<BTreeMap<BackupId, Vec<Found>>, Error> {
        let mut said: BTreeMap<BackupId, Vec<Found>> = BTreeMap::new();
        let notes = self.notes(NOTES).await?;
        for found in notes.iter().filter_map(|object| self.read_note(object)) {
            add(said.entry(found.backup).or_default(), found);
        }
        Ok(said)
    }

    async fn without_record(
        &self,
        said: &BTreeMap<BackupId, Vec<Found>>,
        committed: &BTreeSet<BackupId>,
    ) -> Result<BTreeSet<BackupId>, Error> {
        let mut lost = BTreeSet::new();
        for (id, notes) in said {
            if !committed.contains(id)
                && notes.iter().any(Found::follows_a_commit)
                && !notes.iter().any(Found::is_deletion)
                // It may have been committed since the records were listed, and sealed again under another name.
                && self.objects(record_key(*id)?.as_str()).await?.is_empty()
            {
                lost.insert(*id);
            }
        }
        Ok(lost)
    }

    /// A backup's commit record.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not committed, [`Error::Damaged`] when the record is not what was written,
    /// [`Error::Version`] when a newer program wrote it.
    pub async fn record(&self, id: BackupId) -> Result<Record, Error> {
        match self.record_once(id).await {
            // What was damaged on its way is right the second time.
            Err(Error::Damaged { .. }) => self.record_once(id).await,
            read => read,
        }
    }

    async fn record_once(&self, id: BackupId) -> Result<Record, Error> {
        let (key, bytes) = self
            .find_record(id)
            .await?
            .ok_or_else(|| Error::NotFound(format!("backup {id}")))?;
        self.open_record(id, &key, &bytes)
    }

    /// The commit record that these bytes are.
    pub(super) fn open_record(
        &self,
        id: BackupId,
        key: &ostler_store::Key,
        bytes: &[u8],
    ) -> Result<Record, Error> {
        let json = match self.unseal(ObjectKind::Record, key, bytes) {
            Err(_) if self.is_tombstone(key, bytes)? => {
                return Err(Error::NotFound(format!("backup {id}: its commit was ruled out")));
            }
            unsealed => unsealed?,
        };
        #[derive(serde::Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = from_json(key, &json)?;
        if version > Record::VERSION {
            return Err(Error::Version {
                what: format!("the commit record of backup {id}"),
                found: version,
                known: Record::VERSION,
            });
        }
        let record: Record = from_json(key, &json)?;
        if record.backup == id {
            Ok(record)
        } else {
            Err(Error::damaged(key, "it is the record of another backup"))
        }
    }

    /// What a backup said it would be; `None` when it has no intent (any more).
    ///
    /// # Errors
    /// [`Error::Damaged`] when the intent is not what was written.
    pub async fn intent(&self, id: BackupId) -> Result<Option<Intent>, Error> {
        let key = intent_key(id)?;
        let Some(bytes) = self.read_if_there(&key).await? else {
            return Ok(None);
        };
        from_json(&key, &self.unseal(ObjectKind::Intent, &key, &bytes)?).map(Some)
    }

    /// The reports stored with a backup, oldest first. Reports that are not authentic are passed over.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn proofs(&self, id: BackupId) -> Result<Vec<ProofRecord>, Error> {
        let mut proofs = Vec::new();
        for found in self.notes_of(id).await? {
            if let Note::Proof { digest, .. } = found.note
                && let Some(proof) = self
                    .body::<ProofRecord>(ObjectKind::Proof, &found.key, digest)
                    .await?
            {
                proofs.push(proof);
            }
        }
        proofs.sort_by_key(|proof| proof.at);
        Ok(proofs)
    }

    /// Whether a note is one that this vault's keys made, with the body its name was made for.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not.
    pub(crate) async fn check_note(&self, key: &ostler_store::Key) -> Result<(), Error> {
        let found = self
            .open_note(key)
            .map_err(|reason| Error::damaged(key, reason))?;
        let body = match found.note {
            Note::Proof { digest, .. } => self
                .body::<ProofRecord>(ObjectKind::Proof, key, digest)
                .await?
                .map(drop),
            Note::LongMark { digest } => self
                .body::<MarkRecord>(ObjectKind::Mark, key, digest)
                .await?
                .map(drop),
            Note::Facts { .. } | Note::Mark(_) => Some(()),
        };
        body.ok_or_else(|| Error::damaged(key, "its body is not the one its name was made for"))
    }

    /// What listings show of the reports stored with a backup, oldest first: by names alone.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn proof_facts(&self, id: BackupId) -> Result<Vec<ProofFacts>, Error> {
        let proofs = self.notes_of(id).await?.into_iter();
        let mut proofs: Vec<ProofFacts> = proofs
            .filter_map(|found| match found.note {
                Note::Proof { facts, .. } => Some(facts),
                _ => None,
            })
            .collect();
        proofs.sort_by_key(|proof| proof.at);
        Ok(proofs)
    }

    async fn notes_of(&self, id: BackupId) -> Result<Vec<Found>, Error> {
        let notes = self.notes(&format!("{NOTES}{id}.")).await?;
        let mut said = Vec::new();
        for found in notes.iter().filter_map(|object| self.read_note(object)) {
            add(&mut said, found);
        }
        Ok(said)
    }

    /// The body of a note; `None`, with a warning, when it is not the one its name was made for.
    async fn body<T: DeserializeOwned>(
        &self,
        kind: ObjectKind,
        key: &ostler_store::Key,
        expected: [u8; 8],
    ) -> Result<Option<T>, Error> {
        let Some(bytes) = self.read_if_there(key).await? else {
            return Ok(None);
        };
        let read = || {
            let json = self.unseal(kind, key, &bytes)?;
            if digest(&json) != expected {
                return Err(Error::damaged(key, "its body is another's"));
            }
            from_json(key, &json)
        };
        Ok(read()
            .inspect_err(|error| tracing::warn!(%key, %error, "passing over the body of a note"))
            .ok())
    }

    async fn committed_entry(
        &self,
        backup: BackupId,
        said: Vec<Found>,
    ) -> Result<Option<CatalogueEntry>, Error> {
        let mut entry = CatalogueEntry::of(backup);
        let mut parts = BTreeMap::new();
        for found in said {
            match found.note {
                Note::Facts {
                    part,
                    parts: of,
                    piece,
                } => {
                    parts.insert((of, part), piece);
                }
                Note::Proof { facts, .. } => entry.proofs.push(facts),
                Note::Mark(mark) => entry.marks.push(mark),
                Note::LongMark { digest } => {
                    let mark = self.body::<MarkRecord>(ObjectKind::Mark, &found.key, digest);
                    entry.marks.extend(mark.await?);
                }
            }
        }
        entry.proofs.sort_by_key(|proof| proof.at);
        entry.marks.sort_by_key(|mark| mark.at);
        entry.committed = whole(&parts);
        if entry.committed.is_none() {
            match self.record(backup).await {
                Ok(record) => entry.committed = Some(Facts::from(&record)),
                Err(error) => match error.kind() {
                    // Deleted since the listing.
                    ErrorKind::NotFound => return Ok(None),
                    ErrorKind::Corrupt | ErrorKind::Unsupported => entry.unreadable = Some(error.to_string()),
                    _ => return Err(error),
                },
            }
        }
        Ok(Some(entry))
    }

    async fn begun_entry(&self, backup: BackupId) -> Result<Option<CatalogueEntry>, Error> {
        let mut entry = CatalogueEntry::of(backup);
        match self.intent(backup).await {
            Ok(None) => return Ok(None),
            Ok(intent) => entry.intent = intent,
            Err(error) if error.kind() == ErrorKind::Corrupt => entry.unreadable = Some(error.to_string()),
            Err(error) => return Err(error),
        }
        Ok(Some(entry))
    }
}

/// The backups that have one of these records.
fn committed(records: &[Object]) -> BTreeSet<BackupId> {
    let named = records
        .iter()
        .map(|object| record_of(&object.key).map(|(id, _)| id));
    named.flatten().collect()
}

/// The facts, if all their parts are there.
fn whole(parts: &BTreeMap<(u8, u8), Vec<u8>>) -> Option<Facts> {
    let (of, _) = *parts.keys().next_back()?;
    let mut coded = Vec::new();
    for part in 0..of {
        coded.extend_from_slice(parts.get(&(of, part))?);
    }
    decode_facts(&coded).ok()
}

fn started(entry: &CatalogueEntry) -> Timestamp {
    let facts = entry.committed.as_ref().map(|facts| facts.started);
    let intent = entry.intent.as_ref().map(|intent| intent.started);
    facts.or(intent).unwrap_or(Timestamp::MIN)
}

fn from_json<T: DeserializeOwned>(key: &ostler_store::Key, json: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(json)
        .map_err(|error| Error::damaged(key, format!("it does not read as JSON: {error}")))
}

/// Adds a note. One that is sealed anew stands beside the old one for a while, and says the same.
fn add(said: &mut Vec<Found>, found: Found) {
    if !said.iter().any(|known| known.note == found.note) {
        said.push(found);
    }
}
