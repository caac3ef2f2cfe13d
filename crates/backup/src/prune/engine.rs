//! What the engines of databases keep of backups that are deleted.

use ostler_vault::ExternalRecord;
use ostler_vocabulary::{BackupId, ErrorKind, Failure};
use serde::{Deserialize, Serialize};

use super::Run;
use crate::cluster::system;
use crate::state::Backup;

/// Parts of a backup that are to be forgotten with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) cluster: String,
    pub(super) parts: Vec<ExternalRecord>,
    /// Why they cannot be, and the backup therefore stays.
    pub(super) refused: Option<String>,
}

impl Run<'_> {
    /// What an engine keeps of a backup: written down before the record, which names it, is deleted.
    pub(super) async fn kept_by_an_engine(&self, id: BackupId, now: &[Backup]) -> Result<Kept, Failure> {
        // Only clusters have engines, and no host has a `:` in its name.
        let of_cluster = |backup: &&Backup| {
            let source = backup.summary.source.as_ref();
            backup.id() == id && source.is_some_and(|source| source.host.contains(':'))
        };
        if !now.iter().any(|backup| of_cluster(&backup)) {
            return Ok(Kept::default());
        }
        self.op
            .step("look for parts in the system")
            .key(id.to_string())
            .retries(3)
            .run(|_| async move {
                let record = match self.context.record(id).await {
                    Ok(record) => record,
                    // Nobody can tell any more what there was; a damaged backup may be deleted all the same.
                    Err(failure) if matches!(failure.kind(), ErrorKind::NotFound | ErrorKind::Corrupt) => {
                        return Ok(Kept::default());
                    }
                    Err(failure) => return Err(failure),
                };
                if record.origin.is_some() {
                    // A copy: the parts belong to the backup it was made of.
                    return Ok(Kept::default());
                }
                match system::engine(self.context, &record) {
                    Ok(None) => Ok(Kept::default()),
                    Ok(Some((cluster, parts))) => Ok(Kept {
                        cluster: cluster.name.clone(),
                        parts: parts.to_vec(),
                        refused: None,
                    }),
                    Err(failure) => Ok(Kept {
                        refused: Some(format!(
                            "its cluster's engine keeps a part of it, and cannot be asked from here: {}",
                            failure.messages().join(": ")
                        )),
                        ..Kept::default()
                    }),
                }
            })
            .await
    }

    /// Has the engine forget them: last, so that no backup is listed that cannot be restored.
    pub(super) async fn forget(
        &self,
        id: BackupId,
        parts: &[ExternalRecord],
        cluster: &str,
    ) -> Result<(), Failure> {
        if parts.is_empty() {
            return Ok(());
        }
        self.op
            .step("forget in the system")
            .key(id.to_string())
            .retries(3)
            .run(|_| async move {
                for part in parts {
                    let item = format!("{}/{}", part.store, part.id);
                    self.op
                        .audit("delete from the system", &item, 0, "its backup was deleted")
                        .await?;
                }
                let cluster = self.context.clusters.open(cluster)?;
                let forgotten = cluster.driver.forget(parts).await;
                forgotten.map_err(|failure| {
                    failure.context(format!(
                        "what cluster `{}` keeps of backup {} was not removed",
                        cluster.name,
                        id.short()
                    ))
                })
            })
            .await
    }
}
