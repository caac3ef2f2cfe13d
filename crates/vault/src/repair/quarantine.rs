//! Packs that are known to be damaged.

use std::collections::HashSet;

use ostler_store::{Key, Object};
use ostler_vocabulary::{Classified, ErrorKind, Timestamp};
use serde::{Deserialize, Serialize};

use crate::envelope::{Mode, ObjectKind};
use crate::index::pack_key;
use crate::objects::object_key;
use crate::rounds::ROUNDS;
use crate::{Error, PackId, Vault};

/// Below [`ROUNDS`], which everybody lists who is to know.
const QUARANTINE: &str = "quarantine/";

#[derive(Debug, Serialize, Deserialize)]
struct Quarantine {
    at: Timestamp,
}

/// The pack that an object says to be damaged; `None` for every other object.
pub(crate) fn quarantine_of(key: &Key) -> Option<PackId> {
    key.as_str()
        .strip_prefix(ROUNDS)?
        .strip_prefix(QUARANTINE)?
        .parse()
        .ok()
}

impl Vault {
    pub(super) async fn write_quarantine(&self, pack: PackId) -> Result<(), Error> {
        let key = object_key(format!("{ROUNDS}{QUARANTINE}{pack}"))?;
        let json = serde_json::to_vec(&Quarantine {
            at: self.clock().now(),
        });
        let json = json.map_err(|error| Error::Internal(format!("could not write JSON: {error}")))?;
        let sealed = self.seal(ObjectKind::Quarantine, Mode::Writer, &key, &json)?;
        self.create_if_free(&key, sealed).await.map(drop)
    }

    /// Whether such an object is what was written; `false` when it is gone.
    pub(crate) async fn read_quarantine(&self, key: &Key, pack: PackId) -> Result<bool, Error> {
        let Some(bytes) = self.read_if_there(key).await? else {
            return Ok(false);
        };
        let json = self.unseal(ObjectKind::Quarantine, key, &bytes)?;
        serde_json::from_slice::<Quarantine>(&json)
            .map_err(|_| Error::damaged(key, format!("what it says of pack {pack} cannot be read")))?;
        Ok(true)
    }

    /// The packs in quarantine, of these objects. What is not authentic is passed over.
    pub(crate) async fn quarantined_of(&self, objects: &[Object]) -> Result<HashSet<PackId>, Error> {
        let mut packs = HashSet::new();
        for object in objects {
            let Some(pack) = quarantine_of(&object.key) else {
                continue;
            };
            match self.read_quarantine(&object.key, pack).await {
                Ok(true) => {
                    packs.insert(pack);
                }
                Ok(false) => {}
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    tracing::warn!(key = %object.key, %error, "passing over what says that a pack is damaged");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(packs)
    }

    /// What speaks of packs that are gone.
    pub(crate) async fn needless_quarantine(&self) -> Result<Vec<Object>, Error> {
        let mut needless = Vec::new();
        for object in self.objects(&format!("{ROUNDS}{QUARANTINE}")).await? {
            let Some(pack) = quarantine_of(&object.key) else {
                continue;
            };
            let key = pack_key(&pack)?;
            match self.store().head(&key).await {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => needless.push(object),
                Err(error) => return Err(Error::store("look up", &key)(error)),
            }
        }
        Ok(needless)
    }
}
