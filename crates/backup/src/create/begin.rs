//! Beginning a backup, and taking back what was begun.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_vault::{Error as VaultError, Intent, Writer};
use ostler_vocabulary::{BackupId, Failure};
use serde::{Deserialize, Serialize};

use super::{Create, Start};

/// Where a backup is made in the vault.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) id: BackupId,
    /// `None` when the commit there was ruled out.
    pub(crate) writer: Option<Writer>,
}

/// That a place was lost, as steps record it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Lost {}

impl Create<'_> {
    /// Says what will be, before the index is read: from here on no collection frees what this backup relies on, unless
    /// it takes the commit away. It is no journaled result: a resumed operation goes on with the backup anew.
    pub(super) async fn register(&self, start: &Start, round: u32) -> Result<Place, Failure> {
        let id = self.id_at(round);
        let intent = Intent {
            backup: id,
            operation: self.op.id(),
            started: self.op.started(),
            host: start.host.clone(),
            paths: self.request.paths.clone(),
            name: self.request.name.clone(),
            owner: self.context.process.clone(),
            attempt: Some(self.op.epoch()),
        };
        let context = self.context.clone();
        let sole = Arc::new(AtomicBool::new(false));
        let is_sole = Arc::clone(&sole);
        let begun = Mutex::new(None);
        let mut step = self.op.step("register intent").retries(3);
        if round > 1 {
            step = step.key(round.to_string());
        }
        let lost: Option<Lost> = step
            .run_with_undo(
                |_| async {
                    let writer = match self.context.vault.begin(&intent).await {
                        Err(VaultError::Revoked(_)) => return Ok(Some(Lost {})),
                        writer => writer.map_err(self.attempting_to_begin(id))?,
                    };
                    sole.store(writer.is_sole(), Ordering::Relaxed);
                    if writer.is_sole() {
                        self.context.refuse_clock(id).await?;
                    }
                    *begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
                    Ok(None)
                },
                move |_| {
                    let (context, sole) = (context.clone(), is_sole.load(Ordering::Relaxed));
                    async move {
                        let removed = context.vault.abandon(id, sole).await;
                        removed.map_err(context.attempting(format_args!("take back backup {}", id.short())))
                    }
                },
            )
            .await?;
        let begun = begun.into_inner().unwrap_or_else(PoisonError::into_inner);
        let writer = match (lost, begun) {
            (Some(Lost {}), _) => None,
            (None, Some(writer)) => Some(writer),
            (None, None) => match self.context.vault.resume(&intent).await {
                Err(VaultError::Revoked(_)) => None,
                writer => Some(writer.map_err(self.attempting_to_begin(id))?),
            },
        };
        if round > 1 && writer.is_some() {
            self.op.message(format!(
                "space was freed while it was interrupted: it goes on as backup {}, and stores again what is gone",
                id.short()
            ));
        }
        Ok(Place { id, writer })
    }

    fn attempting_to_begin<E: Into<Failure>>(&self, id: BackupId) -> impl FnOnce(E) -> Failure {
        self.context.attempting(format!("begin backup {}", id.short()))
    }
}
