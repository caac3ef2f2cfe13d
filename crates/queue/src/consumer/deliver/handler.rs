//! Handlers that bring events to a receiver.

use std::time::Duration;

use async_trait::async_trait;
use ostler_postgres::Transaction;

use super::sent::Sent;
use super::{Answer, DeliverError, Receiver, Tag, lines, tags};
use crate::consumer::{Batch, BatchHandler, Event, HandlerError, TransactionHandler};

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
    receiver: R,
    name: String,
    per: Per,
    on_failure: OnFailure,
    pause: Duration,
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
    fn judge(&self, answer: Answer, ev_id: Option<i64>) -> Result<Result<String, Duration>, DeliverError> {
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

    async fn one_by_one(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        let info = batch.info().clone();
        while let Some(events) = batch.next().await? {
            for event in &events {
                let answer = deliver(&mut self.receiver, &info, event).await?;
                if let Err(after) = self.judge(answer, Some(event.ev_id))? {
                    batch.retry(event, after);
                }
            }
        }
        Ok(())
    }

    async fn all_at_once(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        let info = batch.info().clone();
        let mut sent = Sent::default();
        let mut begun = false;
        while let Some(events) = batch.next().await? {
            if !begun {
                self.receiver.begin(&info, None).await?;
                begun = true;
            }
            self.receiver.more(&lines(&events)).await?;
            for event in &events {
                sent.add(event.ev_id);
            }
        }
        if !begun {
            return Ok(());
        }
        let answer = self.receiver.end().await?;
        match self.judge(answer, None)? {
            Err(after) => batch.retry_all(after),
            Ok(said) => {
                let tags: Vec<Tag> = tags(&said).collect();
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

async fn deliver(
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

/// Brings events to a receiver and runs what it answers as SQL in the target, exactly once.
///
/// The receiver itself may be asked more than once for the same events; only its answer of the last time counts.
#[derive(Debug)]
pub struct DeliverSql<R>(Deliver<R>);

impl<R: Receiver> DeliverSql<R> {
    /// To this receiver. A failure always stops.
    pub fn new(receiver: R, name: impl Into<String>, per: Per) -> Self {
        Self(Deliver::new(receiver, name, per, OnFailure::Stop, Duration::ZERO))
    }

    fn sql(&self, answer: Answer, ev_id: Option<i64>) -> Result<String, DeliverError> {
        match answer {
            Answer::Done(sql) => Ok(sql),
            Answer::Later(_) => Err(self.failed(ev_id, "it wants to be asked again".to_owned())),
            Answer::Failed(how) => Err(self.failed(ev_id, how)),
        }
    }

    fn failed(&self, ev_id: Option<i64>, how: String) -> DeliverError {
        DeliverError::Failed {
            receiver: self.0.name.clone(),
            ev_id,
            how,
        }
    }
}

#[async_trait]
impl<R: Receiver> TransactionHandler for DeliverSql<R> {
    async fn handle(&mut self, batch: &mut Batch<'_>, target: &Transaction<'_>) -> Result<(), HandlerError> {
        let info = batch.info().clone();
        let mut begun = false;
        while let Some(events) = batch.next().await? {
            if self.0.per == Per::Event {
                for event in &events {
                    let answer = deliver(&mut self.0.receiver, &info, event).await?;
                    target.batch(&self.sql(answer, Some(event.ev_id))?).await?;
                }
                continue;
            }
            if !begun {
                self.0.receiver.begin(&info, None).await?;
                begun = true;
            }
            self.0.receiver.more(&lines(&events)).await?;
        }
        if begun {
            let answer = self.0.receiver.end().await?;
            target.batch(&self.sql(answer, None)?).await?;
        }
        Ok(())
    }
}
