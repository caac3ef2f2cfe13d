//! Handlers that bring events to a receiver.

use std::time::Duration;

use async_trait::async_trait;

use super::sent::Sent;
use super::{Answer, DeliverError, Receiver, lines, tags};
use crate::consumer::{Batch, BatchHandler, ConsumeError, Event, HandlerError, Unreadable};

/// What one delivery holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// One event.
    Event,
    /// All events of a batch; none at all for an empty batch.
    Batch,
}

/// What happens when a receiver failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The consumer stops; the batch stays open.
    Stop,
    /// The event, or the batch, is tagged for a retry.
    Retry,
}

/// Brings events to a receiver at least once.
#[derive(Debug)]
pub struct Deliver<R> {
    pub(super) receiver: R,
    pub(super) name: String,
    pub(super) per: Per,
    pub(super) on_failure: OnFailure,
    pub(super) pause: Duration,
}

impl<R: Receiver> Deliver<R> {
    /// To this receiver, whose name errors show. What is to be retried comes again after `pause`, unless the receiver says
    /// otherwise.
    pub fn new(
        receiver: R,
        name: impl Into<String>,
        per: Per,
        on_failure: OnFailure,
        pause: Duration,
    ) -> Self {
        Self {
            receiver,
            name: name.into(),
            per,
            on_failure,
            pause,
        }
    }

    /// What to do about an answer: after what time to retry, if at all.
    pub(super) fn judge(
        &self,
        answer: Answer,
        ev_id: Option<i64>,
    ) -> Result<Result<Vec<u8>, Duration>, DeliverError> {
        match (answer, self.on_failure) {
            (Answer::Done(said), _) => Ok(Ok(said)),
            (Answer::Later(after), _) => Ok(Err(after.unwrap_or(self.pause))),
            (Answer::Failed(_), OnFailure::Retry) => Ok(Err(self.pause)),
            (Answer::Failed(how), OnFailure::Stop) => Err(DeliverError::Failed {
                receiver: self.name.clone(),
                ev_id,
                how,
            }),
        }
    }

    /// The events that can be read. The others are tagged, or stop the consumer.
    pub(super) fn readable(
        &self,
        batch: &mut Batch<'_>,
        events: Vec<Result<Event, Unreadable>>,
    ) -> Result<Vec<Event>, ConsumeError> {
        let mut readable = Vec::with_capacity(events.len());
        for event in events {
            match (event, self.on_failure) {
                (Ok(event), _) => readable.push(event),
                (Err(unreadable), OnFailure::Retry) => batch.retry_id(unreadable.ev_id, self.pause),
                (Err(unreadable), OnFailure::Stop) => return Err(ConsumeError::Unreadable(unreadable)),
            }
        }
        Ok(readable)
    }

    async fn one_by_one(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        let info = batch.info().clone();
        while let Some(events) = batch.next_each().await? {
            for event in self.readable(batch, events)? {
                let answer = deliver(&mut self.receiver, &info, &event).await?;
                if let Err(after) = self.judge(answer, Some(event.ev_id))? {
                    batch.retry(&event, after);
                }
            }
        }
        Ok(())
    }

    /// Sends all events of a batch, and notes which. `None` when there are none.
    pub(super) async fn send_all(
        &mut self,
        batch: &mut Batch<'_>,
    ) -> Result<Option<(Answer, Sent)>, HandlerError> {
        let info = batch.info().clone();
        let mut sent = Sent::default();
        let mut begun = false;
        while let Some(events) = batch.next_each().await? {
            let events = self.readable(batch, events)?;
            if !begun && !events.is_empty() {
                self.receiver.begin(&info, None).await?;
                begun = true;
            }
            self.receiver.more(&lines(&events)).await?;
            for event in &events {
                sent.add(event.ev_id);
            }
        }
        if !begun {
            return Ok(None);
        }
        Ok(Some((self.receiver.end().await?, sent)))
    }

    async fn all_at_once(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        let Some((answer, sent)) = self.send_all(batch).await? else {
            return Ok(());
        };
        match self.judge(answer, None)? {
            Err(after) => batch.retry_all(after),
            Ok(said) => {
                let receiver = self.name.clone();
                let tags = tags(&said).map_err(|line| DeliverError::Tag { receiver, line })?;
                if let Some(ev_id) = sent.missing(tags.iter().map(|tag| tag.retry)) {
                    return Err(DeliverError::NotInBatch {
                        receiver: self.name.clone(),
                        ev_id,
                    }
                    .into());
                }
                for tag in tags {
                    let after = tag
                        .seconds
                        .map_or(self.pause, |seconds| Duration::from_secs(seconds.into()));
                    batch.retry_id(tag.retry, after);
                }
            }
        }
        Ok(())
    }
}

pub(super) async fn deliver(
    receiver: &mut impl Receiver,
    info: &crate::consumer::BatchInfo,
    event: &Event,
) -> Result<Answer, DeliverError> {
    receiver.begin(info, Some(event)).await?;
    receiver.more(&lines(std::slice::from_ref(event))).await?;
    receiver.end().await
}

#[async_trait]
impl<R: Receiver> BatchHandler for Deliver<R> {
    async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        match self.per {
            Per::Event => self.one_by_one(batch).await,
            Per::Batch => self.all_at_once(batch).await,
        }
    }
}
