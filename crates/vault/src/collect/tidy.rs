//! Small objects that have done their service.

use std::collections::HashSet;
use std::time::Duration;

use ostler_store::Object;
use ostler_vocabulary::{BackupId, Classified, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::{Tally, stop_if};
use crate::catalogue::{AtRecord, BACKUPS, INTENTS, NOTES, backup_of, record_of};
use crate::lease::{BACKUPS_MADE, backup_chain};
use crate::{Error, Lease, Vault};

/// For so long a backup that was interrupted can be resumed without storing again what it had stored.
const RESUMABLE: Duration = Duration::from_secs(24 * 3600);

/// What has done its service.
#[derive(Debug, Default)]
pub(super) struct Stale {
    /// Backups that are over, with their intents and signs of life.
    over: Vec<(BackupId, AtRecord, Vec<Object>)>,
    /// Notes of what is gone, and signs of life without an intent.
    others: Vec<Object>,
}

impl Stale {
    pub(super) fn objects(self) -> Vec<Object> {
        let of_over = self.over.into_iter().flat_map(|(_, _, objects)| objects);
        of_over.chain(self.others).collect()
    }
}

impl Vault {
    /// Deletes intents and signs of life of what is over or was given up, and notes of what is gone.
    pub(super) async fn tidy(
        &self,
        guard: &Lease,
        cancel: &CancellationToken,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let stale = self.stale(&[]).await?;
        guard.confirm().await?;
        for (id, at_record, objects) in stale.over {
            stop_if(cancel)?;
            if at_record == AtRecord::Nothing && !self.rule_out(id).await? {
                continue;
            }
            self.forget(id).await?;
            objects.iter().for_each(|object| tally.deleted(object.size));
        }
        self.remove_objects(stale.others, tally, cancel).await?;
        self.remove_objects(self.needless_quarantine().await?, tally, cancel)
            .await
    }

    /// Those objects, as they would be without the backups in `gone`.
    pub(super) async fn stale(&self, gone: &[BackupId]) -> Result<Stale, Error> {
        let notes = self.objects(NOTES).await?;
        // Signs before intents: whoever begins says so first.
        let made = self.objects(BACKUPS_MADE).await?;
        let signs = self.signs().await?;
        let intents = self.objects(INTENTS).await?;
        // After the notes: a backup that is committed in between is not taken for one that is gone.
        let records = self.objects(BACKUPS).await?;
        let committed: HashSet<BackupId> = records
            .iter()
            .filter_map(|object| Some(record_of(&object.key)?.0))
            .filter(|id| !gone.contains(id))
            .collect();
        let mut stale = Stale::default();
        let mut begun = HashSet::new();
        for intent in intents {
            let Some(id) = backup_of(INTENTS, &intent.key) else {
                continue;
            };
            if !gone.contains(&id) {
                begun.insert(id);
            }
            let signs = signs.get(&id).cloned().unwrap_or_default();
            let at_record = self.at_record(id).await?;
            let is_over = match at_record {
                _ if gone.contains(&id) => true,
                AtRecord::Tombstone => true,
                // The key of its record is its maker's until the maker says that it is done with it. The intent makes up
                // for a listing that does not show the record yet.
                AtRecord::Record => signs.released && committed.contains(&id),
                AtRecord::Nothing => !self.is_young(id).await? && self.maker_is_dead(id, &signs).await?,
            };
            if is_over {
                let chain = backup_chain(id);
                let mut objects = vec![intent];
                objects.extend(
                    made.iter()
                        .filter(|sign| sign.key.as_str().starts_with(&chain))
                        .cloned(),
                );
                stale.over.push((id, at_record, objects));
            }
        }
        let of_backup = |name: &str, end: char| name.split_once(end)?.0.parse::<BackupId>().ok();
        stale.others.extend(notes.into_iter().filter(|note| {
            let name = note.key.as_str().strip_prefix(NOTES).unwrap_or_default();
            of_backup(name, '.').is_some_and(|id| !committed.contains(&id) && !begun.contains(&id))
        }));
        stale.others.extend(made.into_iter().filter(|sign| {
            let name = sign.key.as_str().strip_prefix(BACKUPS_MADE).unwrap_or_default();
            of_backup(name, '/').is_some_and(|id| !begun.contains(&id) && !gone.contains(&id))
        }));
        Ok(stale)
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
