//! Small objects that have done their service.

use std::collections::HashSet;
use std::time::Duration;

use ostler_store::Object;
use ostler_vocabulary::{BackupId, Classified, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::stop_if;
use crate::catalogue::{BACKUPS, INTENTS, NOTES, backup_of};
use crate::{Error, Lease, Vault};

/// For so long a backup that was interrupted can be resumed without storing again what it had stored.
const RESUMABLE: Duration = Duration::from_secs(24 * 3600);

/// What was deleted.
#[derive(Debug, Default)]
pub(super) struct Tidied {
    pub(super) objects: u64,
    pub(super) bytes: u64,
}

impl Vault {
    /// Deletes intents of what is committed or was given up, and notes of what is gone.
    pub(super) async fn tidy(&self, guard: &Lease, cancel: &CancellationToken) -> Result<Tidied, Error> {
        let stale = self.stale(&[]).await?;
        guard.confirm().await?;
        let mut tidied = Tidied::default();
        for object in stale {
            stop_if(cancel)?;
            self.remove(&object.key).await?;
            tidied.objects += 1;
            tidied.bytes += object.size;
        }
        Ok(tidied)
    }

    /// Those objects, as they would be without the backups in `gone`.
    pub(super) async fn stale(&self, gone: &[BackupId]) -> Result<Vec<Object>, Error> {
        let notes = self.objects(NOTES).await?;
        let intents = self.objects(INTENTS).await?;
        // After the notes: a backup that is committed in between is not taken for one that is gone.
        let records = self.objects(BACKUPS).await?;
        let committed: HashSet<BackupId> = records
            .iter()
            .filter_map(|object| backup_of(BACKUPS, &object.key))
            .filter(|id| !gone.contains(id))
            .collect();
        let mut stale = Vec::new();
        for intent in intents {
            if let Some(id) = backup_of(INTENTS, &intent.key)
                && (committed.contains(&id) || gone.contains(&id) || !is_live(self, id).await?)
            {
                stale.push(intent);
            }
        }
        stale.extend(notes.into_iter().filter(|note| {
            let name = note.key.as_str().strip_prefix(NOTES).unwrap_or_default();
            let id = name
                .split_once('.')
                .and_then(|(id, _)| id.parse::<BackupId>().ok());
            id.is_some_and(|id| !committed.contains(&id))
        }));
        Ok(stale)
    }
}

/// Whether this intent is of a backup that is not committed and began a short time ago. One that cannot be read
/// counts as live.
pub(super) async fn is_live(vault: &Vault, id: BackupId) -> Result<bool, Error> {
    let intent = match vault.intent(id).await {
        Ok(None) => return Ok(false),
        Ok(Some(intent)) => intent,
        Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(true),
        Err(error) => return Err(error),
    };
    let age = intent.started.duration_until(vault.clock().now());
    if age.unsigned_abs() >= RESUMABLE {
        return Ok(false);
    }
    match vault.record(id).await {
        Err(Error::NotFound(_)) => Ok(true),
        // Committed; whether its record can be read is another question.
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(false),
        Err(error) => Err(error),
    }
}
