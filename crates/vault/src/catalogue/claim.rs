//! The key of a commit record: it belongs to whoever makes the backup, until that is over or a tombstone is there.

use ostler_vocabulary::{BackupId, Timestamp};
use serde::{Deserialize, Serialize};

use super::note::{record_key, to_json};
use super::{MarkAction, MarkRecord};
use crate::envelope::{Mode, ObjectKind};
use crate::{Error, Vault};

/// What is at the key of a commit record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtRecord {
    /// Nothing: it may still be committed.
    Nothing,
    /// A tombstone: it never will be.
    Tombstone,
    /// A record, readable or not.
    Record,
}

/// What a tombstone says.
#[derive(Debug, Serialize, Deserialize)]
struct Tombstone {
    at: Timestamp,
}

impl Vault {
    /// What is at the key of a backup's commit record, asked for itself and not looked up in a listing.
    pub(crate) async fn at_record(&self, id: BackupId) -> Result<AtRecord, Error> {
        let key = record_key(id)?;
        let Some(bytes) = self.read_if_there(&key).await? else {
            return Ok(AtRecord::Nothing);
        };
        Ok(match self.unseal(ObjectKind::Tombstone, &key, &bytes) {
            Ok(_) => AtRecord::Tombstone,
            Err(_) => AtRecord::Record,
        })
    }

    /// Rules out that a backup is ever committed: creates a tombstone where its record would be, which the store will
    /// refuse to replace. `false` when it is committed.
    pub(crate) async fn rule_out(&self, id: BackupId) -> Result<bool, Error> {
        let key = record_key(id)?;
        let at = self.clock().now();
        let json = to_json("a tombstone", &Tombstone { at })?;
        loop {
            let sealed = self.seal(ObjectKind::Tombstone, Mode::Writer, &key, &json)?;
            if self.create_if_free(&key, sealed).await? {
                break;
            }
            match self.at_record(id).await? {
                AtRecord::Record => return Ok(false),
                AtRecord::Tombstone => break,
                // Deleted in between.
                AtRecord::Nothing => {}
            }
        }
        // Listings need not read the tombstone to know what it is.
        self.write_mark(
            id,
            &MarkRecord {
                at,
                action: MarkAction::Revoke,
            },
        )
        .await?;
        Ok(true)
    }
}
