//! Mending a damaged vault: what is lost is stored again, from what can still be read here, from another vault that has
//! copies, or from the files it was read from.
//!
//! A pack that is found to be damaged is put into *quarantine*: a small object says so, so that new backups do not rely
//! on it, chunks are read from other packs first, and a collection frees it as soon as everything in it that is needed is
//! elsewhere. Nothing that may be the last copy of something is ever deleted by a repair.
//!
//! Whatever a chunk is replaced from, only bytes that have its name are stored: a chunk's name is a keyed hash of it.

mod from_files;
mod from_mirror;
mod lost;
mod quarantine;

use std::collections::BTreeSet;
use std::sync::Arc;

use ostler_vocabulary::{BackupId, Classified, ErrorKind, Progress};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use self::from_files::LiveFiles;
use self::lost::Lost;
pub(crate) use self::quarantine::quarantine_of;
use crate::catalogue::{BACKUPS, record_of};
use crate::objects::object_key;
use crate::{Error, Lease, PackId, Record, Vault};

/// What lost chunks may be replaced from, beside what can still be read in the vault itself.
#[derive(Debug, Clone, Default)]
pub struct Healing {
    /// A vault that has copies of backups.
    pub mirror: Option<Arc<Vault>>,
    /// The files that were backed up.
    pub files: Option<Arc<dyn LiveFiles>>,
}

/// What a repair stored again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healed {
    /// Chunks that were only in damaged packs and could still be read there.
    pub salvaged: u64,
    /// Chunks that came from the other vault.
    pub from_mirror: u64,
    /// Chunks that came from the files they were read from.
    pub from_files: u64,
    /// Bytes by which the store grew.
    pub stored_bytes: u64,
    /// Chunks that backups need and that could not be had.
    pub lost: u64,
    /// Parts of file lists that cannot be read.
    pub lost_lists: u64,
}

impl Vault {
    /// Stores that these packs are damaged. Repeatable. It needs no lease: who finds damage stores it at once, and a
    /// collector that does not see it yet only keeps what it would have kept before.
    ///
    /// # Errors
    /// What the store says.
    pub async fn quarantine(&self, packs: &[PackId]) -> Result<(), Error> {
        for pack in packs {
            self.write_quarantine(*pack).await?;
        }
        Ok(())
    }

    /// Stores again what backups need and no sound pack has, as far as it can be had. Also describes in the index what
    /// no readable segment describes. Changes nothing else; repeatable after a kill at any moment. `progress` counts
    /// bytes of chunks.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the lease was lost, [`Error::Cancelled`], and what the stores say when they cannot be
    /// reached. What is damaged in the other vault is passed over.
    pub async fn heal(
        self: &Arc<Self>,
        how: Healing,
        guard: &Lease,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Healed, Error> {
        guard.confirm().await?;
        let records = self.readable_records().await?;
        let there: std::collections::HashSet<PackId> = self
            .objects("packs/")
            .await?
            .iter()
            .filter_map(|object| crate::index::pack_of(&object.key))
            .collect();
        let mirror = match how.mirror {
            Some(mirror) => Some(self.copies(&records, mirror).await?),
            None => None,
        };
        // Packs in quarantine and packs that are not there count as unknown to this session.
        let index = self.index(true).await?;
        let upload = self.upload(Arc::clone(&index));
        let reader = Arc::new(self.reader(index));
        let (progress, cancel) = (progress.clone(), cancel.clone());
        let work = self.host().blocking(move || {
            let mut lost = Lost::gather(&reader, &upload, &records, &cancel)?;
            progress.add_total(lost.bytes());
            lost.salvage(&there, &progress, &cancel)?;
            if let Some(mirror) = &mirror
                && !lost.is_nothing()
            {
                mirror.heal(&mut lost, &progress, &cancel)?;
            }
            if let Some(files) = &how.files
                && !lost.is_nothing()
            {
                lost.read_files(&**files, &records, &progress, &cancel)?;
            }
            let healed = lost.finish()?;
            Ok::<_, Error>((upload, healed))
        });
        let (upload, mut healed) = work.await??;
        healed.stored_bytes = upload.finish().await?.stored_bytes;
        Ok(healed)
    }

    /// Deletes an index segment or note that cannot be read. What it described must have been described anew. `false`
    /// when it can be read after all.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the lease was lost; [`Error::Internal`] for an object of any other kind.
    pub async fn remove_unreadable(&self, name: &str, guard: &Lease) -> Result<bool, Error> {
        let key = object_key(name.to_owned())?;
        let looked = if name.starts_with("index/") {
            match self.segment(&key).await? {
                Some((_, said)) => said.map(drop),
                None => Ok(()),
            }
        } else if name.starts_with(crate::catalogue::NOTES) {
            self.check_note(&key).await
        } else {
            return Err(Error::Internal(format!("`{name}` is not removed by a repair")));
        };
        match looked {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                guard.confirm().await?;
                self.remove(&key).await?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes the commit record of a backup anew that was lost or cannot be read, as a copy in another vault has it.
    /// `false` when it can be read after all, or the other vault has no copy that was made from here.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the lease was lost, and what the stores say.
    pub async fn restore_record(&self, id: BackupId, mirror: &Self, guard: &Lease) -> Result<bool, Error> {
        match self.record(id).await {
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) => {}
            Ok(_) => return Ok(false),
            Err(error) => return Err(error),
        }
        let Ok(copy) = mirror.record(id).await else {
            return Ok(false);
        };
        let Some(origin) = copy.origin.clone() else {
            return Ok(false);
        };
        if (origin.vault, origin.backup) != (self.id(), id) || origin.lists.len() != copy.nodes.len() {
            return Ok(false);
        }
        let mut record = Record { origin: None, ..copy };
        for (node, list) in record.nodes.iter_mut().zip(origin.lists) {
            node.list = list;
        }
        guard.confirm().await?;
        self.remove_record(id, None).await?;
        self.write_record(&record, true, false).await?;
        Ok(true)
    }

    /// All commit records that can be read.
    async fn readable_records(&self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        let objects = self.objects(BACKUPS).await?;
        let ids: BTreeSet<BackupId> = objects
            .iter()
            .filter_map(|object| record_of(&object.key).map(|(id, _)| id))
            .collect();
        for id in ids {
            match self.record(id).await {
                Ok(record) => records.push(record),
                Err(error) => drop(crate::check::damage(error)?),
            }
        }
        Ok(records)
    }
}
