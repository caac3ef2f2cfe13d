//! Small objects that have done their service.

use std::collections::HashSet;
use std::time::Duration;

use ostler_vocabulary::{BackupId, Classified, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::{Tally, stop_if};
use crate::catalogue::{AtRecord, BACKUPS, INTENTS, NOTES, backup_of};
use crate::lease::BACKUPS_MADE;
use crate::{Error, Lease, Vault};

/// For so long a backup that was interrupted can be resumed without storing again what it had stored.
const RESUMABLE: Duration = Duration::from_secs(24 * 3600);

impl Vault {
    /// Deletes intents and signs of life of what is over or was given up, and notes of what is gone.
    pub(super) async fn tidy(
        &self,
        guard: &Lease,
        cancel: &CancellationToken,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let notes = self.objects(NOTES).await?;
        // Signs before intents: whoever begins says so first.
        let made = self.objects(BACKUPS_MADE).await?;
        let signs = self.signs().await?;
        let intents = self.objects(INTENTS).await?;
        guard.confirm().await?;
        // After the notes: a backup that is committed in between is not taken for one that is gone.
        let records = self.objects(BACKUPS).await?;
        let committed: HashSet<BackupId> = records
            .iter()
            .filter_map(|object| backup_of(BACKUPS, &object.key))
            .collect();
        let mut begun = HashSet::new();
        for intent in intents {
            let Some(id) = backup_of(INTENTS, &intent.key) else {
                continue;
            };
            begun.insert(id);
            let signs = signs.get(&id).cloned().unwrap_or_default();
            let is_over = match self.at_record(id).await? {
                AtRecord::Tombstone => true,
                // The key of its record is its maker's until the maker says that it is done with it. The intent makes up
                // for a listing that does not show the record yet.
                AtRecord::Record => signs.released && committed.contains(&id),
                AtRecord::Nothing if self.is_young(id).await? || !self.maker_is_dead(id, &signs).await? => false,
                AtRecord::Nothing => self.rule_out(id).await?,
            };
            if is_over {
                stop_if(cancel)?;
                self.forget(id).await?;
                tally.deleted(intent.size);
            }
        }
        let of_backup = |name: &str, end: char| name.split_once(end)?.0.parse::<BackupId>().ok();
        let stale_notes = notes.into_iter().filter(|note| {
            let name = note.key.as_str().strip_prefix(NOTES).unwrap_or_default();
            of_backup(name, '.').is_some_and(|id| !committed.contains(&id) && !begun.contains(&id))
        });
        let stale_signs = made.into_iter().filter(|sign| {
            let name = sign.key.as_str().strip_prefix(BACKUPS_MADE).unwrap_or_default();
            of_backup(name, '/').is_some_and(|id| !begun.contains(&id))
        });
        for object in stale_notes.chain(stale_signs) {
            stop_if(cancel)?;
            self.remove(&object.key).await?;
            tally.deleted(object.size);
        }
        Ok(())
    }

    /// Whether a backup began a short time ago. One whose intent cannot be read counts as young.
    pub(super) async fn is_young(&self, id: BackupId) -> Result<bool, Error> {
        let intent = match self.intent(id).await {
            Ok(None) => return Ok(false),
            Ok(Some(intent)) => intent,
            Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(true),
            Err(error) => return Err(error),
        };
        let age = intent.started.duration_until(self.clock().now());
        Ok(age.unsigned_abs() < RESUMABLE)
    }
}
