//! Webhooks: calls about them, and how the outbox is filled and emptied.
//!
//! `answer` looks and changes; `fill` puts what happened since into the outbox; `send` takes messages out of it.

mod answer;
mod fill;
mod send;

use std::sync::Arc;

use ostler_vocabulary::{Failure, ProcessIdentity};

use super::{Runtime, blocking};
use crate::webhook::outbox::Outbox;

impl Runtime {
    /// Calls the outbox on a blocking thread; it is opened at the first call.
    pub(super) async fn outbox<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Outbox) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let runtime = self.clone();
        blocking(move || call(runtime.opened_outbox()?.as_ref())).await
    }

    /// The outbox. Waits for the disk.
    pub(super) fn opened_outbox(&self) -> Result<Arc<Outbox>, Failure> {
        let slot = &self.inner.outbox;
        if let Some(outbox) = slot.get() {
            return Ok(Arc::clone(outbox));
        }
        let opened = Outbox::open(&self.inner.place)?;
        // Two may open it at once, and the first stays.
        Ok(Arc::clone(slot.get_or_init(|| Arc::new(opened))))
    }
}

/// The name of this machine, for whoever is told something.
fn host() -> String {
    ProcessIdentity::current().host
}
