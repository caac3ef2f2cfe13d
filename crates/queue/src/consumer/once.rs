//! Exactly once: the effects of a batch and the position, in one transaction of the target database.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use ostler_postgres::{Connection, Options, Parameter, Target, Transaction, Type};

use super::{Batch, BatchHandler, BatchInfo, ConsumeError, HandlerError};

const APPLIED_TICK: &str = include_str!("sql/applied_tick.sql");
const SET_APPLIED_TICK: &str = include_str!("sql/set_applied_tick.sql");
const LOCK_POSITION: &str = include_str!("sql/lock_position.sql");
const IS_RECORDED: &str = include_str!("sql/is_recorded.sql");
const RECORD_BATCH: &str = include_str!("sql/record_batch.sql");
const KEEP_TAGS: &str = include_str!("sql/keep_tags.sql");
const KEPT_TAGS: &str = include_str!("sql/kept_tags.sql");
const FORGET_BATCH: &str = include_str!("sql/forget_batch.sql");

/// Stands for any tag: events have numbers from 1 on.
const ANY: i64 = 0;
/// Stands for the whole batch.
const WHOLE_BATCH: i64 = -1;
/// After what time an event comes again whose tag the source did not keep.
const AGAIN: Duration = Duration::from_secs(1);

/// Handles the events of a batch within a transaction of a target database.
///
/// The contract:
///
/// - *Exactly once.* What it does in the transaction happens exactly once for each batch, whatever is lost, killed or
///   started twice. What it does elsewhere happens at least once.
/// - *The transaction is not its own.* It neither commits nor rolls back; savepoints are fine.
/// - *Retries* by [`Batch::retry`] are kept by the target too, in the same transaction: when the source is lost before it
///   has them, they are given to it again.
/// - All else is as for [`BatchHandler`].
#[async_trait]
pub trait TransactionHandler: Send {
    /// Handles one batch.
    ///
    /// # Errors
    /// When the batch cannot be handled now. The transaction is then rolled back.
    async fn handle(&mut self, batch: &mut Batch<'_>, target: &Transaction<'_>) -> Result<(), HandlerError>;
}

/// Brings a [`TransactionHandler`] and its target database together.
///
/// The position is kept by `pgq_ext` in the target, as PgQ's own tools keep it: the last tick for a plain consumer
/// (`pgq_ext.completed_tick`), and for members of a cooperative one, whose batches have no order, the batches that were
/// applied and are not yet known to be finished (`pgq_ext.completed_batch`). A batch that is taken over gets another number,
/// so these go by the tick that ends them.
///
/// A source that fails over to a standby which lacks its last ticks makes ticks of the same numbers anew, with other events. So
/// the target also has the time at which each was made.
pub struct ExactlyOnce<H> {
    target: Target,
    handler: H,
    connection: Option<Connection>,
    /// The record of a member's batch that the source has finished: nobody can have it any more.
    forget: Option<String>,
}

impl<H> fmt::Debug for ExactlyOnce<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactlyOnce")
            .field("target", &self.target.name())
            .finish_non_exhaustive()
    }
}

impl<H: TransactionHandler> ExactlyOnce<H> {
    /// A handler whose effects go into this database, which must have `pgq_ext`.
    pub fn new(target: Target, handler: H) -> Self {
        Self {
            target: target.for_long_work(),
            handler,
            connection: None,
            forget: None,
        }
    }

    /// The handler, after the work.
    #[must_use]
    pub fn into_handler(self) -> H {
        self.handler
    }

    async fn apply(
        &mut self,
        connection: &mut Connection,
        batch: &mut Batch<'_>,
    ) -> Result<(), HandlerError> {
        let info = batch.info().clone();
        let transaction = connection.transaction().await?;
        lock(&transaction, &info).await?;
        let is_done = match &info.sub {
            None => is_applied(&transaction, batch).await?,
            Some(_) => is_recorded(&transaction, &info).await?,
        };
        if is_done {
            return tag_again(&transaction, batch).await;
        }
        // Another member may have taken it over, applied it and forgotten it while we waited for the lock.
        if info.sub.is_some() {
            still_open(batch).await?;
        }
        self.handler.handle(batch, &transaction).await?;
        keep_tags(&transaction, batch).await?;
        match &info.sub {
            None => {
                let tick: Parameter<'_> = (&info.tick_id, Type::INT8);
                let made_at = info.tick_time.as_microsecond();
                let made_at: Parameter<'_> = (&made_at, Type::INT8);
                transaction
                    .query(SET_APPLIED_TICK, &[text(&info.consumer), tick, made_at])
                    .await?;
            }
            Some(_) => {
                let tick: Parameter<'_> = (&info.tick_id, Type::INT8);
                transaction
                    .query(RECORD_BATCH, &[text(&info.consumer), text(&record(&info)), tick])
                    .await?;
                if let Some(finished) = &self.forget {
                    transaction
                        .execute(FORGET_BATCH, &[text(&info.consumer), text(finished)])
                        .await?;
                }
            }
        }
        transaction.commit().await?;
        self.forget = None;
        Ok(())
    }
}

#[async_trait]
impl<H: TransactionHandler> BatchHandler for ExactlyOnce<H> {
    async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        // Taken out, so that a connection on which something failed, or was dropped midway, is not used again.
        let mut connection = match self.connection.take() {
            Some(connection) if !connection.is_closed() => connection,
            _ => {
                let options = Options {
                    application_name: Some(format!("ostler: {}", batch.info().consumer)),
                    ..Options::default()
                };
                Connection::open(&self.target, &options).await?
            }
        };
        self.apply(&mut connection, batch).await?;
        self.connection = Some(connection);
        Ok(())
    }

    async fn finished(&mut self, batch: &BatchInfo, ours: bool) {
        // When it was not ours, whoever has it still has to find the record.
        if ours && batch.sub.is_some() {
            self.forget = Some(record(batch));
        }
    }
}

async fn lock(transaction: &Transaction<'_>, info: &BatchInfo) -> Result<(), HandlerError> {
    let name = match &info.sub {
        None => info.consumer.clone(),
        Some(_) => format!("{} {}", info.consumer, record(info)),
    };
    transaction.query(LOCK_POSITION, &[text(&name)]).await?;
    Ok(())
}

/// Whether the target has the batch of a plain consumer.
async fn is_applied(transaction: &Transaction<'_>, batch: &mut Batch<'_>) -> Result<bool, HandlerError> {
    let info = batch.info().clone();
    let row = transaction.one(APPLIED_TICK, &[text(&info.consumer)]).await?;
    let (applied, of, made_at): (Option<i64>, Option<i64>, Option<i64>) =
        (row.get(0), row.get(1), row.get(2));
    // Its first batch.
    let Some(applied) = applied else { return Ok(false) };
    let (is_done, time) = if applied == info.tick_id {
        (true, info.tick_time)
    } else if applied == info.prev_tick_id {
        (false, info.prev_tick_time)
    } else {
        still_open(batch).await?;
        return Err(ConsumeError::LostPosition {
            queue: info.queue.clone(),
            consumer: info.consumer.clone(),
            applied,
            prev_tick_id: info.prev_tick_id,
            tick_id: info.tick_id,
        }
        .into());
    };
    if of == Some(applied) && made_at.is_some_and(|made_at| made_at != time.as_microsecond()) {
        still_open(batch).await?;
        return Err(ConsumeError::OtherTick {
            queue: info.queue.clone(),
            consumer: info.consumer.clone(),
            tick_id: applied,
        }
        .into());
    }
    Ok(is_done)
}

/// An error when another process has finished the batch: the target may then have later ones.
async fn still_open(batch: &mut Batch<'_>) -> Result<(), HandlerError> {
    let batch_id = batch.info().batch_id;
    if batch.is_still_ours().await? {
        return Ok(());
    }
    Err(ConsumeError::NotOpen { batch_id }.into())
}

/// Records what was tagged, so that a source that did not hear of it can be given it again.
async fn keep_tags(transaction: &Transaction<'_>, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
    let retries = batch.retries();
    if retries.is_empty() {
        return Ok(());
    }
    let mut tagged: Vec<i64> = retries
        .of_events()
        .flat_map(|(_, events)| events.iter().copied())
        .collect();
    tagged.extend(retries.of_whole_batch().map(|_| WHOLE_BATCH));
    let info = batch.info().clone();
    let (part, tick): (String, Parameter<'_>) = (tags_of(&info), (&info.tick_id, Type::INT8));
    let tagged: Parameter<'_> = (&tagged, Type::INT8_ARRAY);
    transaction
        .query(KEEP_TAGS, &[text(&info.consumer), text(&part), tick, tagged])
        .await?;
    Ok(())
}

/// Tags what was tagged when the target applied this batch: the source has not finished it, so it has no tags.
async fn tag_again(transaction: &Transaction<'_>, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
    let info = batch.info().clone();
    let mut wanted = vec![ANY, WHOLE_BATCH];
    loop {
        let part = tags_of(&info);
        let parameters = [
            text(&info.consumer),
            text(&part),
            (&info.tick_id, Type::INT8),
            (&wanted, Type::INT8_ARRAY),
        ];
        let kept = transaction.query(KEPT_TAGS, &parameters).await?;
        let kept: Vec<i64> = kept.iter().map(|row| row.get(0)).collect();
        if wanted.contains(&ANY) && !kept.contains(&ANY) {
            return Ok(());
        }
        for ev_id in kept {
            match ev_id {
                ANY => {}
                WHOLE_BATCH => {
                    batch.retry_all(AGAIN);
                    return Ok(());
                }
                ev_id => batch.retry_id(ev_id, AGAIN),
            }
        }
        let Some(events) = batch.next_each().await? else {
            return Ok(());
        };
        wanted = events
            .into_iter()
            .map(|event| event.map_or_else(|unreadable| unreadable.ev_id, |event| event.ev_id))
            .collect();
    }
}

/// Under which name the tags of a batch are kept.
fn tags_of(info: &BatchInfo) -> String {
    match &info.sub {
        None => "ostler: retry".to_owned(),
        Some(_) => format!("{}: retry", record(info)),
    }
}

/// Whether the target has the batch of a member.
async fn is_recorded(transaction: &Transaction<'_>, info: &BatchInfo) -> Result<bool, HandlerError> {
    let tick: Parameter<'_> = (&info.tick_id, Type::INT8);
    let row = transaction
        .one(IS_RECORDED, &[text(&info.consumer), text(&record(info)), tick])
        .await?;
    Ok(row.get(0))
}

/// One record a batch: a single one a member would be overwritten by a member that goes on while another, which took its
/// batch over, has not looked yet.
fn record(info: &BatchInfo) -> String {
    let made_at = info.tick_time.as_microsecond();
    format!("{} to tick {} of {made_at}", info.queue, info.tick_id)
}

fn text(value: &String) -> Parameter<'_> {
    (value, Type::TEXT)
}
