//! What an application does with a batch.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;

use super::{Batch, BatchInfo};

/// Why a handler could not do its work. Everything that is an error, and any text, becomes one with `?` or `into()`.
pub struct HandlerError(Box<dyn Error + Send + Sync>);

impl HandlerError {
    pub(super) fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Handles the events of a batch.
///
/// The contract:
///
/// - *At least once.* [`handle`](BatchHandler::handle) may see a batch again, in part or in whole: after a crash, a lost
///   connection, or an error it returned. Its effects must be repeatable, or stand in a target database together with
///   the position: [`TransactionHandler`](super::TransactionHandler).
/// - *Done is the default.* `Ok` finishes the batch: every event that was not tagged by [`Batch::retry`] is done, also
///   one that was not read.
/// - *An error* leaves the batch open, and discards its tags. Whether it is tried again is the consumer's choice.
/// - *One at a time.* A consumer never calls it for two batches at once.
/// - *Cancellation.* The future may be dropped at any await. The batch is then given again.
///
/// ```
/// use std::time::Duration;
/// use ostler_queue::consumer::{Batch, BatchHandler, HandlerError};
///
/// #[derive(Debug)]
/// struct Print;
///
/// #[async_trait::async_trait]
/// impl BatchHandler for Print {
///     async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
///         while let Some(events) = batch.next().await? {
///             for event in &events {
///                 match &event.ev_data {
///                     Some(data) => println!("{} {data}", event.ev_id),
///                     None => batch.retry(event, Duration::from_secs(60)),
///                 }
///             }
///         }
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait BatchHandler: Send {
    /// Handles one batch.
    ///
    /// # Errors
    /// When the batch cannot be handled now.
    async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError>;

    /// The batch was finished at the source. `ours` is false when it had been finished or taken over before.
    async fn finished(&mut self, batch: &BatchInfo, ours: bool) {
        let _ = (batch, ours);
    }
}
