//! The loop of a consumer: next batch, handler, finish; wait; connect again.

use std::fmt;
use std::time::{Duration, Instant};

use ostler_vocabulary::{Classified, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::deliver::DeliverError;
use super::dispatch::DispatchError;
use super::source::BatchSource;
use super::{Batch, BatchHandler, BatchInfo, ConsumeError, HandlerError};

/// How long one that does not wait for batches waits for another process of its name, whose session may just be ending.
const BUSY: Duration = Duration::from_secs(3);

/// How a consumer goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// How long it waits for a wake-up before it asks by itself.
    pub poll: Duration,
    /// The pause after the first failure in a row; each further one doubles it.
    pub first_pause: Duration,
    /// The longest pause between attempts.
    pub longest_pause: Duration,
    /// How often a batch that the handler refused is tried before [`Consumer::run`] gives up; `None`: for ever. Lost
    /// connections do not count: they are made again for ever.
    pub attempts: Option<u32>,
    /// Ends when there is nothing more to do, instead of waiting.
    pub until_idle: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(20),
            attempts: Some(1),
            until_idle: false,
        }
    }
}

/// What a consumer tells while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'n> {
    /// A batch was handled and finished.
    Finished {
        /// The batch.
        batch: &'n BatchInfo,
        /// Events that were read.
        events: u64,
        /// Events that come again; all of them when the whole batch does.
        retried: u64,
    },
    /// A batch was handled, but somebody else had finished it or taken it over.
    NotOurs {
        /// The batch.
        batch: &'n BatchInfo,
    },
    /// Something failed and is tried again after a pause.
    Trouble {
        /// What failed.
        error: &'n ConsumeError,
        /// When it is tried again.
        pause: Duration,
    },
    /// TRUNCATE of a table is not in the queue: what it removes stays in the target.
    TruncateNotLogged {
        /// The queue.
        queue: &'n str,
        /// The table.
        table: &'n str,
    },
    /// There is nothing to do now.
    Idle,
}

/// What a consumer did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// Batches that were finished.
    pub batches: u64,
    /// Events that were read in them.
    pub events: u64,
    /// Events that come again.
    pub retried: u64,
}

/// Brings batches of a source to a handler.
pub struct Consumer<S, H> {
    source: S,
    handler: H,
    options: RunOptions,
    watch: Box<dyn FnMut(Notice<'_>) + Send>,
    totals: Totals,
}

impl<S: fmt::Debug, H> fmt::Debug for Consumer<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("source", &self.source)
            .field("options", &self.options)
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}

/// What one step of the loop did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A batch was handled and finished.
    Finished,
    /// There was none.
    Idle,
}

impl<S: BatchSource, H: BatchHandler> Consumer<S, H> {
    /// A consumer that does nothing yet.
    pub fn new(source: S, handler: H, options: RunOptions) -> Self {
        Self {
            source,
            handler,
            options,
            watch: Box::new(|_| ()),
            totals: Totals::default(),
        }
    }

    /// Tells this closure what happens.
    #[must_use]
    pub fn watched(mut self, watch: impl FnMut(Notice<'_>) + Send + 'static) -> Self {
        self.watch = Box::new(watch);
        self
    }

    /// What it did so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The handler, after the work.
    #[must_use]
    pub fn into_handler(self) -> H {
        self.handler
    }

    /// Works until it is told to stop: it then finishes the batch at hand. To stop at once, drop the future: the batch
    /// stays open and is given again.
    ///
    /// # Errors
    /// When the handler refused a batch too often, or for what cannot be helped by trying again: no such queue, no
    /// rights, a lost position; another process of this name, when it is not to wait. A lost connection is no error.
    pub async fn run(&mut self, stop: &CancellationToken) -> Result<Totals, ConsumeError> {
        let mut failures = 0_u32;
        let mut refused = 0_u32;
        let mut busy: Option<Instant> = None;
        while !stop.is_cancelled() {
            let error = match self.step().await {
                Ok(Step::Finished) => {
                    (failures, refused, busy) = (0, 0, None);
                    continue;
                }
                Ok(Step::Idle) => {
                    (failures, busy) = (0, None);
                    if self.options.until_idle {
                        break;
                    }
                    (self.watch)(Notice::Idle);
                    let waited = tokio::select! {
                        waited = self.source.wait(self.options.poll) => waited,
                        () = stop.cancelled() => break,
                    };
                    match waited {
                        Ok(()) => continue,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            self.source.disconnect();
            if matches!(error, ConsumeError::Busy { .. }) {
                let pause = self.options.poll;
                match busy {
                    Some(since) if self.options.until_idle && since.elapsed() > BUSY => return Err(error),
                    Some(_) => {}
                    None => {
                        busy = Some(Instant::now());
                        (self.watch)(Notice::Trouble { error: &error, pause });
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => continue,
                    () = stop.cancelled() => break,
                }
            }
            if !error.kind().is_transient() {
                if !error.is_the_handlers() {
                    return Err(error);
                }
                refused += 1;
                if self.options.attempts.is_some_and(|most| refused >= most) {
                    return Err(error);
                }
            }
            let pause = self.pause(failures);
            failures = failures.saturating_add(1);
            (self.watch)(Notice::Trouble { error: &error, pause });
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => break,
            }
        }
        Ok(self.totals)
    }

    /// Handles one batch, if there is one. After an error, and after dropping the future, the source has to be
    /// disconnected; [`Consumer::run`] does.
    ///
    /// # Errors
    /// What the source or the handler says.
    pub async fn step(&mut self) -> Result<Step, ConsumeError> {
        let Some(info) = self.source.next_batch().await? else {
            return Ok(Step::Idle);
        };
        let mut batch = Batch::new(&info, &mut self.source);
        let handled = self.handler.handle(&mut batch).await;
        let (retries, events, midway) = batch.close();
        handled.map_err(|error| handler_failed(&info, error))?;
        if midway {
            self.source.disconnect();
        }
        let ours = self.source.finish(&info, &retries).await?;
        self.handler.finished(&info, ours).await;
        if ours {
            let retried = retries.of_whole_batch().map_or(retries.count(), |_| events);
            self.totals.batches += 1;
            self.totals.events += events;
            self.totals.retried += retried;
            (self.watch)(Notice::Finished {
                batch: &info,
                events,
                retried,
            });
        } else {
            (self.watch)(Notice::NotOurs { batch: &info });
        }
        Ok(Step::Finished)
    }

    fn pause(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.min(16)).unwrap_or(u32::MAX);
        self.options
            .first_pause
            .saturating_mul(factor)
            .min(self.options.longest_pause)
    }
}

/// An error of the source that the handler handed on stays what it is.
fn handler_failed(batch: &BatchInfo, error: HandlerError) -> ConsumeError {
    match error.into_inner().downcast::<ConsumeError>() {
        Ok(of_source) => *of_source,
        Err(source) => {
            let (kind, hint) = meaning_of(&*source);
            ConsumeError::Handler {
                queue: batch.queue.clone(),
                consumer: batch.consumer.clone(),
                batch_id: batch.batch_id,
                kind,
                hint,
                source,
            }
        }
    }
}

/// A lost target database is worth another attempt; for errors of others nobody knows.
fn meaning_of(error: &(dyn std::error::Error + Send + Sync + 'static)) -> (ErrorKind, Option<String>) {
    let known: Option<&dyn Classified> = None
        .or(error
            .downcast_ref::<ostler_postgres::Error>()
            .map(|error| error as _))
        .or(error.downcast_ref::<DispatchError>().map(|error| error as _))
        .or(error.downcast_ref::<DeliverError>().map(|error| error as _));
    known.map_or((ErrorKind::Internal, None), |known| (known.kind(), known.hint()))
}
