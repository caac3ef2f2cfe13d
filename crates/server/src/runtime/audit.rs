//! The audit log of this state.

use std::sync::Arc;

use async_trait::async_trait;
use ostler_vocabulary::Failure;
use ostler_web::{Sighting, Witness};

use super::{Runtime, blocking};
use crate::audit::Log;

#[async_trait]
impl Witness for Runtime {
    async fn saw(&self, sighting: Sighting) {
        let noted = self.audit(move |log| {
            let Sighting {
                by,
                action,
                object,
                failure,
            } = sighting;
            log.note(&by, action, &object, failure.as_deref())
        });
        if let Err(error) = noted.await {
            tracing::error!(%error, "who came in or was refused could not be written into the audit log");
        }
    }
}

impl Runtime {
    /// Calls the audit log on a blocking thread; it is opened at the first call.
    pub(crate) async fn audit<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Log) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let runtime = self.clone();
        blocking(move || call(runtime.opened_log()?.as_ref())).await
    }

    /// Removes what is older than its rule keeps.
    pub(super) async fn shorten_audit(&self) -> Result<usize, Failure> {
        let keep = self.inner.settings.file.audit.keep.0;
        self.audit(move |log| log.shorten(keep)).await
    }

    fn opened_log(&self) -> Result<Arc<Log>, Failure> {
        let slot = &self.inner.audit;
        if let Some(log) = slot.get() {
            return Ok(Arc::clone(log));
        }
        let opened = Log::open(&self.inner.place, Arc::clone(&self.inner.clock))?;
        // Two may open it at once, and the first stays.
        Ok(Arc::clone(slot.get_or_init(|| Arc::new(opened))))
    }
}
