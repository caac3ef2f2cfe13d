//! What the clock of the store says, by the times of its objects.

use futures::try_join;
use ostler_store::Location;
use ostler_vocabulary::{BackupId, Timestamp};

use super::BACKUPS;
use super::note::intent_key;
use crate::{Error, Vault, objects};

impl Vault {
    /// The newest time that the store gives an object of its backups and leases: its clock says that or more. `None` where it
    /// gives none, and where the clock is this machine's.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn store_time(&self) -> Result<Option<Timestamp>, Error> {
        if !self.has_own_clock() {
            return Ok(None);
        }
        let (backups, leases) = try_join!(
            objects::list(self.store(), BACKUPS),
            objects::list(self.store(), "leases/")
        )?;
        Ok(backups
            .into_iter()
            .chain(leases)
            .filter_map(|object| object.modified)
            .max())
    }

    /// When the intent of a backup was stored, by the store's clock. `None` where the store gives no time, and where its clock is
    /// this machine's.
    ///
    /// # Errors
    /// When the store cannot look it up.
    pub async fn intent_stored(&self, id: BackupId) -> Result<Option<Timestamp>, Error> {
        if !self.has_own_clock() {
            return Ok(None);
        }
        let key = intent_key(id)?;
        let found = self.store().head(&key).await;
        Ok(found.map_err(Error::store("look up", &key))?.modified)
    }

    /// Whether the times of the store may differ from this machine's clock.
    fn has_own_clock(&self) -> bool {
        !matches!(self.store().location().parse(), Ok(Location::Local(_)))
    }
}
