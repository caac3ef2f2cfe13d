//! Ways to open a vault that were taken away while a lock keeps them: marked, they get no new secrets, their locks end,
//! and the next collection after that removes them.

use std::collections::BTreeMap;

use ostler_store::{Key, Object};
use ostler_vocabulary::Timestamp;
use serde::{Deserialize, Serialize};

use super::epochs::numbered;
use crate::envelope::{Mode, ObjectKind};
use crate::objects::object_key;
use crate::{Error, Lease, Vault};

const MARK: &str = "/retired-";

/// The contents of a mark, which is sealed with the epoch that its name names.
#[derive(Debug, Serialize, Deserialize)]
struct Retired {
    at: Timestamp,
}

/// The wrapper that an object marks, and the epoch that it is sealed with.
fn marked(key: &Key) -> Option<(&str, u32)> {
    let (wrapper, digits) = key.as_str().strip_prefix("keys/")?.split_once(MARK)?;
    Some((wrapper, numbered(digits)?))
}

impl Vault {
    /// The wrappers that were taken away and are still there, with the newest epoch that says so. Marks that this vault's
    /// secrets did not make count for nothing.
    pub(crate) async fn retired(&self) -> Result<BTreeMap<String, u32>, Error> {
        let mut retired = BTreeMap::new();
        // Elsewhere they are gone at once.
        if self.locks().is_none() {
            return Ok(retired);
        }
        for Object { key, .. } in self.objects("keys/").await? {
            let Some((wrapper, epoch)) = marked(&key) else {
                continue;
            };
            let Some(bytes) = self.read_if_there(&key).await? else {
                continue;
            };
            if self.unseal(ObjectKind::Tombstone, &key, &bytes).is_ok() {
                let newest = retired.entry(wrapper.to_owned()).or_default();
                *newest = epoch.max(*newest);
            }
        }
        Ok(retired)
    }

    /// Marks a wrapper as taken away.
    pub(super) async fn retire(&self, wrapper: &str) -> Result<(), Error> {
        let epoch = self.keys().current();
        let key = object_key(format!("keys/{wrapper}{MARK}{epoch:08}"))?;
        let at = self.clock().now();
        let json = serde_json::to_vec(&Retired { at })
            .map_err(|error| Error::Internal(format!("could not write that a key is removed: {error}")))?;
        let sealed = self.seal(ObjectKind::Tombstone, Mode::Writer, &key, &json)?;
        self.create_if_free(&key, sealed).await.map(drop)
    }

    /// Marks anew what was marked with an epoch that is to be given up.
    pub(crate) async fn retire_anew(&self, before: u32) -> Result<(), Error> {
        for (wrapper, epoch) in self.retired().await? {
            if epoch < before {
                self.retire(&wrapper).await?;
            }
        }
        Ok(())
    }

    /// Removes what was taken away, where its locks are over.
    pub(crate) async fn remove_retired(&self, guard: &Lease) -> Result<(), Error> {
        for wrapper in self.retired().await?.into_keys() {
            if self.wrapper_locked(&wrapper).await?.is_none() {
                guard.confirm().await?;
                self.remove_below(&wrapper).await?;
            }
        }
        Ok(())
    }

    /// Until when what opens the vault by this wrapper cannot be deleted. Marks do not count: they go last, or stay.
    pub(super) async fn wrapper_locked(&self, wrapper: &str) -> Result<Option<Timestamp>, Error> {
        if self.locks().is_none() {
            return Ok(None);
        }
        let objects = self.objects(&format!("keys/{wrapper}/")).await?;
        let keys = objects.into_iter().map(|object| object.key);
        let secrets = keys.filter(|key| marked(key).is_none()).collect();
        Ok(self.still_locked(secrets).await?.into_values().max())
    }
}
