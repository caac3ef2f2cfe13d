//! What was found out about the vault's store, kept in the vault: `probes/<time>`.

use ostler_store::probe::Capabilities;
use ostler_store::{Key, Object};
use ostler_vocabulary::Timestamp;
use serde::{Deserialize, Serialize};

use crate::envelope::{Mode, ObjectKind, epoch_of};
use crate::objects::object_key;
use crate::{Error, Vault};

/// Where results are.
pub(crate) const PROBES: &str = "probes/";
/// Where a probe may make and delete what it likes; no part of the vault.
pub(crate) const SCRATCH: &str = "scratch/";

/// A probe of the vault's store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRecord {
    /// When it was made, by the clock of whoever made it.
    pub at: Timestamp,
    /// What it found.
    pub capabilities: Capabilities,
}

impl Vault {
    /// Finds out what the vault's store can do, and keeps the answer.
    ///
    /// # Errors
    /// When the store cannot be asked, or refuses to create objects.
    pub async fn probe(&self) -> Result<ProbeRecord, Error> {
        let prefix = scratch();
        let found = ostler_store::probe::probe(self.unchecked(), &prefix).await;
        let capabilities = found.map_err(Error::store("probe", &prefix))?;
        self.keep_probe(capabilities).await
    }

    /// Keeps what was found out about the vault's store.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn keep_probe(&self, capabilities: Capabilities) -> Result<ProbeRecord, Error> {
        let at = self.clock().now();
        let record = ProbeRecord { at, capabilities };
        self.store_probe(at.as_nanosecond().max(0), &record).await?;
        Ok(record)
    }

    async fn store_probe(&self, time: i128, record: &ProbeRecord) -> Result<(), Error> {
        let key = object_key(format!("{PROBES}{time:020}"))?;
        let json = serde_json::to_vec(record)
            .map_err(|error| Error::Internal(format!("could not write a probe as JSON: {error}")))?;
        let sealed = self.seal(ObjectKind::Probe, Mode::Writer, &key, &json)?;
        // One that was made in the same nanosecond is as good.
        self.create_if_free(&key, sealed).await.map(drop)
    }

    /// Seals the newest probe with the newest epoch, under the name of the next nanosecond, where it is sealed with an epoch
    /// before this one; and removes all that are.
    pub(crate) async fn seal_probe_anew(&self, before: u32) -> Result<(), Error> {
        let old = self.probes_before(before).await?;
        if let Some((key, record)) = self.newest_probe().await?
            && old.iter().any(|object| object.key == key)
            && let Some(time) = key
                .as_str()
                .strip_prefix(PROBES)
                .and_then(|time| time.parse::<i128>().ok())
        {
            self.store_probe(time.saturating_add(1), &record).await?;
        }
        self.remove_all(old.into_iter().map(|object| object.key).collect())
            .await
    }

    /// Probes that are sealed with epochs before this one.
    pub(crate) async fn probes_before(&self, before: u32) -> Result<Vec<Object>, Error> {
        let mut old = Vec::new();
        for object in self.objects(PROBES).await? {
            if self
                .epoch_at(&object.key)
                .await?
                .is_some_and(|epoch| epoch < before)
            {
                old.push(object);
            }
        }
        Ok(old)
    }

    /// The newest probe of the vault's store that can be read; `None` when there is none.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn last_probe(&self) -> Result<Option<ProbeRecord>, Error> {
        Ok(self.newest_probe().await?.map(|(_, record)| record))
    }

    async fn newest_probe(&self) -> Result<Option<(Key, ProbeRecord)>, Error> {
        for object in self.objects(PROBES).await?.iter().rev() {
            let Some(bytes) = self.read_if_there(&object.key).await? else {
                continue;
            };
            let read = self.unseal(ObjectKind::Probe, &object.key, &bytes);
            let read = read.map(|json| serde_json::from_slice::<ProbeRecord>(&json).ok());
            if let Ok(Some(record)) = read {
                return Ok(Some((object.key.clone(), record)));
            }
            if epoch_of(&bytes).is_some_and(|epoch| epoch < self.keys().lowest()) {
                continue;
            }
            tracing::warn!(key = %object.key, "cannot read what a probe found");
        }
        Ok(None)
    }
}

/// A prefix that nobody else uses, for a probe of a store.
#[must_use]
pub fn scratch() -> String {
    format!("{SCRATCH}{}", ostler_vocabulary::OperationId::random())
}
