//! What is forgotten by rule.

use std::time::Duration;

use ostler_vocabulary::{ErrorKind, Failure};

use super::Runtime;
use crate::Error;

/// How long an operation whose work is done waits for this.
const AT_MOST: Duration = Duration::from_secs(2);

impl Runtime {
    /// History and audit log by their rules, and scratch directories of drills that are over: after an operation's own work, and of
    /// a long history a part. None is worth failing for.
    pub(in crate::runtime) async fn forget_the_old(&self) {
        if self.is_unrecorded() {
            return;
        }
        // The end of an operation is recorded soon, whatever becomes of this.
        if tokio::time::timeout(AT_MOST, self.forget()).await.is_err() {
            tracing::debug!("what is old goes after another operation");
        }
    }

    async fn forget(&self) {
        let history = self.inner.settings.file.history.clone();
        let pruned = self
            .journal(move |engine| engine.prune_history(history.keep.0, history.minimum))
            .await;
        if let Err(error) = pruned {
            tracing::warn!(%error, "the history of operations could not be pruned");
        }
        if let Err(error) = self.shorten_audit().await {
            tracing::warn!(%error, "the audit log could not be shortened");
        }
        if let Err(error) = self.remove_old_scratch().await {
            tracing::warn!(%error, "scratch directories of old drills could not be removed");
        }
    }

    async fn remove_old_scratch(&self) -> Result<(), Failure> {
        let scratch = self.inner.settings.state_directory.join("scratch");
        self.journal(move |engine| {
            let Ok(entries) = std::fs::read_dir(&scratch) else {
                return Ok(());
            };
            for entry in entries.flatten() {
                let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                    continue;
                };
                let is_over = engine.get(id).map_or_else(
                    |failure| failure.kind() == ErrorKind::NotFound,
                    |record| record.state.is_over(),
                );
                let is_marked = entry.path().join(ostler_api::node::SCRATCH_MARKER).exists();
                if is_over && is_marked {
                    std::fs::remove_dir_all(entry.path()).map_err(|source| Error::Write {
                        what: "the scratch directory",
                        path: entry.path(),
                        source,
                    })?;
                }
            }
            Ok(())
        })
        .await
    }
}
