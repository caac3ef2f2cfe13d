//! Beginning a backup, and taking back what was begun.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_vault::{Intent, Writer};
use ostler_vocabulary::Failure;

use super::{Create, Start};

impl Create<'_> {
    /// Says what will be, before the index is read: from here on no collection frees what this backup relies on, unless
    /// it takes the commit away. It is no journaled result: a resumed operation goes on with the backup anew.
    pub(super) async fn register(&self, start: &Start) -> Result<Writer, Failure> {
        let intent = Intent {
            backup: self.id,
            operation: self.op.id(),
            started: self.op.started(),
            host: start.host.clone(),
            paths: self.request.paths.clone(),
            name: self.request.name.clone(),
            owner: self.context.process.clone(),
        };
        let (context, id) = (self.context.clone(), self.id);
        let sole = Arc::new(AtomicBool::new(false));
        let is_sole = Arc::clone(&sole);
        let begun = Mutex::new(None);
        self.op
            .step("register intent")
            .retries(3)
            .run_with_undo(
                |_| async {
                    let writer = self.context.vault.begin(&intent).await;
                    let writer = writer.map_err(self.attempting_to_begin())?;
                    sole.store(writer.is_sole(), Ordering::Relaxed);
                    *begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
                    Ok(())
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
        match begun.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(writer) => Ok(writer),
            None => self
                .context
                .vault
                .resume(&intent)
                .await
                .map_err(self.attempting_to_begin()),
        }
    }

    fn attempting_to_begin<E: Into<Failure>>(&self) -> impl FnOnce(E) -> Failure {
        self.context
            .attempting(format!("begin backup {}", self.id.short()))
    }
}
