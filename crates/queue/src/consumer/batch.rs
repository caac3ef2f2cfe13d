//! The batch a handler works on.

use std::time::Duration;

use ostler_vocabulary::Timestamp;
use serde::Serialize;

use super::retries::Retries;
use super::source::BatchSource;
use super::{ConsumeError, Event, Unreadable};

/// What is known about a batch before its events are read. The same for every kind of consumer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchInfo {
    /// PgQ's number of the batch, unique in the source database. It stays the same until the batch is finished.
    pub batch_id: i64,
    /// The queue.
    pub queue: String,
    /// The consumer; for a cooperative one the main consumer's name.
    pub consumer: String,
    /// The member of a cooperative consumer.
    pub sub: Option<String>,
    /// The tick before the batch: the end of the one before.
    pub prev_tick_id: i64,
    /// The tick that ends the batch.
    pub tick_id: i64,
    /// When the tick before the batch was made.
    pub prev_tick_time: Timestamp,
    /// When the tick that ends it was made.
    pub tick_time: Timestamp,
    /// The event sequence at the tick before.
    pub prev_tick_event_seq: i64,
    /// The event sequence at the tick that ends it. The difference is about how many events there are: a hint.
    pub tick_event_seq: i64,
    /// How old the end of the batch was when it was opened, by the server's clock.
    #[serde(serialize_with = "as_seconds")]
    pub lag: Duration,
}

impl BatchInfo {
    /// About how many events there are. Rolled back and forced ticks make it too high, retries too low.
    #[must_use]
    pub fn expected_events(&self) -> u64 {
        u64::try_from(self.tick_event_seq.saturating_sub(self.prev_tick_event_seq)).unwrap_or(0)
    }
}

fn as_seconds<S: serde::Serializer>(lag: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(lag.as_secs_f64())
}

/// An open batch: its events in order, in pieces of bounded size, and the tags of those that have to come again.
#[derive(Debug)]
pub struct Batch<'b> {
    info: &'b BatchInfo,
    source: &'b mut dyn BatchSource,
    state: Reading,
    retries: Retries,
    events: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Reading {
    NotYet,
    Midway,
    AtEnd,
}

impl<'b> Batch<'b> {
    /// An open batch of this source, read from its first event.
    pub fn new(info: &'b BatchInfo, source: &'b mut dyn BatchSource) -> Self {
        Self {
            info,
            source,
            state: Reading::NotYet,
            retries: Retries::default(),
            events: 0,
        }
    }

    /// Ids, ticks, times and lag.
    #[must_use]
    pub fn info(&self) -> &BatchInfo {
        self.info
    }

    /// The next events in order, at least one; `None` at the end. One piece is in memory at a time, so a batch may be
    /// of any size.
    ///
    /// # Errors
    /// When the source cannot be read. Hand it on: the consumer then connects again and gives the same batch again. Also
    /// [`ConsumeError::Unreadable`].
    pub async fn next(&mut self) -> Result<Option<Vec<Event>>, ConsumeError> {
        let Some(events) = self.next_each().await? else {
            return Ok(None);
        };
        let readable: Result<_, _> = events.into_iter().collect();
        readable.map(Some).map_err(ConsumeError::Unreadable)
    }

    /// The same for a handler that goes on without the events that cannot be read: it tags them by
    /// [`Batch::retry_id`].
    ///
    /// # Errors
    /// When the source cannot be read.
    pub async fn next_each(&mut self) -> Result<Option<Vec<Result<Event, Unreadable>>>, ConsumeError> {
        if self.state == Reading::AtEnd {
            return Ok(None);
        }
        if self.state == Reading::NotYet {
            self.source.open(self.info).await?;
            self.state = Reading::Midway;
        }
        let events = self.source.next_events().await?;
        if events.is_empty() {
            self.state = Reading::AtEnd;
            return Ok(None);
        }
        self.events += events.len() as u64;
        Ok(Some(events))
    }

    /// Tags one event: it comes again after this time, with `ev_retry` raised by one. What is not tagged is done.
    pub fn retry(&mut self, event: &Event, after: Duration) {
        self.retries.event(event.ev_id, after);
    }

    /// The same for an event of which only the number is at hand. It must be one of this batch.
    pub fn retry_id(&mut self, ev_id: i64, after: Duration) {
        self.retries.event(ev_id, after);
    }

    /// Every event of the batch comes again after this time.
    pub fn retry_all(&mut self, after: Duration) {
        self.retries.whole_batch(after);
    }

    /// Whether the batch is still this consumer's at its source: a cooperative member that was silent for too long may
    /// have lost it to another one. Only before the first [`Batch::next`].
    ///
    /// # Errors
    /// When the source cannot be asked.
    pub async fn is_still_ours(&mut self) -> Result<bool, ConsumeError> {
        self.source.is_ours(self.info).await
    }

    /// How many events were read so far.
    #[must_use]
    pub fn events_read(&self) -> u64 {
        self.events
    }

    /// What is tagged so far.
    pub(super) fn retries(&self) -> &Retries {
        &self.retries
    }

    /// The end of the work on it: its tags, and whether reading was stopped midway.
    pub(super) fn close(self) -> (Retries, u64, bool) {
        (self.retries, self.events, self.state == Reading::Midway)
    }
}
