//! Where batches come from.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::retries::Retries;
use super::{BatchInfo, ConsumeError, Event, Unreadable};

/// One consumer's place in one queue.
///
/// The contract, checked by [`conformance`](super::conformance):
///
/// - *Order.* Events of a batch ascend by `ev_id`; batches follow each other without a gap: `prev_tick_id` is the
///   `tick_id` of the batch that was finished before (for a cooperative member: of one before).
/// - *Repeatable.* A batch that is not finished is given again, with the same id and the same events, also after
///   [`disconnect`](BatchSource::disconnect) and to a new value for the same consumer.
/// - *Atomic.* [`finish`](BatchSource::finish) keeps the retries and moves on, both or neither. Events without a tag are
///   done.
/// - *Retries.* A tagged event is given again to this consumer only, not before its time, with `ev_retry` one higher.
/// - *Cancellation.* A dropped future leaves the batch as it was. After one, or after an error, `disconnect` must be
///   called before anything else.
#[async_trait]
pub trait BatchSource: Debug + Send {
    /// The batch that is open, else the next one; `None` when there is nothing to do now.
    ///
    /// # Errors
    /// When the source cannot be reached, or does not know the queue or consumer.
    async fn next_batch(&mut self) -> Result<Option<BatchInfo>, ConsumeError>;

    /// Starts to read the events of an open batch from the first.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn open(&mut self, batch: &BatchInfo) -> Result<(), ConsumeError>;

    /// The next events of the batch that was opened; none at its end. Bounded in number and bytes, apart from a single
    /// event that is larger.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn next_events(&mut self) -> Result<Vec<Result<Event, Unreadable>>, ConsumeError>;

    /// Finishes an open batch. `false` when it is no longer this consumer's: finished before, or taken over.
    ///
    /// # Errors
    /// When it cannot be finished. It may be finished all the same, if the answer was lost.
    async fn finish(&mut self, batch: &BatchInfo, retries: &Retries) -> Result<bool, ConsumeError>;

    /// Whether an open batch is this consumer's now.
    ///
    /// # Errors
    /// When the source cannot be asked.
    async fn is_ours(&mut self, batch: &BatchInfo) -> Result<bool, ConsumeError>;

    /// Waits until there may be another batch, and at most so long. Waking too early is allowed.
    ///
    /// # Errors
    /// When the source is lost meanwhile.
    async fn wait(&mut self, at_most: Duration) -> Result<(), ConsumeError>;

    /// Forgets connections and a half-read batch. The next call starts anew.
    fn disconnect(&mut self);
}
