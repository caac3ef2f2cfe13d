//! What the verbs that consume a queue have in common: whose place, and how the work is shown and stopped.

use std::sync::PoisonError;

use clap::Args;
use ostler_api::queue::DatabaseChoice;
use ostler_server::queue::{Consume, Member, Notice, SubscriptionOptions, Totals, Work};
use ostler_vocabulary::{ErrorKind, Failure, Span};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::arguments::{DatabaseArguments, text};
use crate::output::{Format, plural, schema};
use crate::session::Session;

/// Whose place in which queue.
#[derive(Debug, Args)]
pub(crate) struct PlaceArguments {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = text())]
    pub queue: String,

    #[command(flatten)]
    pub database: DatabaseArguments,

    /// The consumer's name
    #[arg(long, value_name = "NAME", value_parser = text())]
    pub consumer: String,

    /// Register the consumer first, unless it is; it begins with what is inserted from now on
    #[arg(long)]
    pub register: bool,

    /// Work as this member of a cooperative consumer: members share the batches
    #[arg(long, value_name = "NAME", value_parser = text())]
    pub sub: Option<String>,

    /// Take over the batch of a member that was silent for so long; longer than any batch takes
    #[arg(long, value_name = "TIME", requires = "sub")]
    pub dead_after: Option<Span>,

    /// Put ticks together until there are about so many events
    #[arg(long, value_name = "EVENTS")]
    pub min_count: Option<i32>,

    /// Put ticks together until the batch covers so much time
    #[arg(long, value_name = "TIME")]
    pub min_interval: Option<Span>,

    /// Stay so far behind the newest tick
    #[arg(long, value_name = "TIME")]
    pub min_lag: Option<Span>,

    /// End when there is nothing more to do, instead of waiting
    #[arg(long)]
    pub until_idle: bool,

    /// Ask so often when nobody wakes us
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub poll: Span,
}

/// A line of progress.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'n> {
    Batch {
        batch_id: i64,
        tick_id: i64,
        events: u64,
        retried: u64,
        lag_seconds: f64,
    },
    NotOurs {
        batch_id: i64,
    },
    TruncateNotLogged {
        queue: &'n str,
        table: &'n str,
    },
    Trouble {
        error: &'n str,
        pause_seconds: f64,
    },
}

impl PlaceArguments {
    /// The consumer that does this work.
    pub fn consume(self, target: Option<DatabaseChoice>, work: Work) -> Consume {
        let dead_after = self.dead_after.map(|span| span.0);
        Consume {
            source: self.database.choice(),
            queue: self.queue,
            consumer: self.consumer,
            member: self.sub.map(|name| Member { name, dead_after }),
            register: self.register,
            target,
            batches: SubscriptionOptions {
                min_lag: self.min_lag.map(|span| span.0),
                min_count: self.min_count,
                min_interval: self.min_interval.map(|span| span.0),
                ..SubscriptionOptions::default()
            },
            until_idle: self.until_idle,
            poll: self.poll.0,
            work,
        }
    }
}

/// The database that the position is kept in, together with what is done.
#[derive(Debug, Args)]
pub(crate) struct TargetArguments {
    /// The target database's name in the configuration; it must have pgq_ext
    #[arg(long, value_name = "NAME", value_parser = text(), conflicts_with = "target")]
    target_database: Option<String>,

    /// The target database's connection string without a password; it must have pgq_ext
    #[arg(long, value_name = "DSN", value_parser = text())]
    target: Option<String>,
}

impl TargetArguments {
    /// `None` when neither was given.
    pub fn choice(self) -> Option<DatabaseChoice> {
        let choice = DatabaseChoice {
            name: self.target_database,
            dsn: self.target,
        };
        (choice != DatabaseChoice::default()).then_some(choice)
    }
}

/// Runs a consumer in the foreground. The first interrupt finishes the batch at hand; the second stops at once, and the
/// batch is given again.
pub(crate) async fn carry_out(session: &Session, consume: Consume) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let format = session.output.format;
    let quiet = session.output.quiet;
    let stderr = session.output.stderr();
    let watch = move |notice: Notice<'_>| {
        // Rows that stay are not progress.
        if quiet && !matches!(notice, Notice::TruncateNotLogged { .. }) {
            return;
        }
        if let Some(line) = describe(&notice, format) {
            let mut stderr = stderr.lock().unwrap_or_else(PoisonError::into_inner);
            // That nobody reads it is no reason to stop.
            let said = writeln!(stderr, "{line}").and_then(|()| stderr.flush());
            drop(said);
        }
    };
    let work = session
        .backend
        .consume_queue(consume, stop.clone(), Box::new(watch));
    tokio::pin!(work);
    let mut interrupts = session.interrupts.lock().await;
    let totals: Totals = loop {
        tokio::select! {
            done = &mut work => break done?,
            interrupt = interrupts.recv() => {
                if interrupt.is_none() {
                    break (&mut work).await?;
                }
                if stop.is_cancelled() {
                    return Err(Failure::new(ErrorKind::Cancelled, "the consumer was stopped within a batch")
                        .with_hint("nothing is lost: the batch is given again"));
                }
                stop.cancel();
            }
        }
    };
    session.output.document(schema::CONSUME_REPORT, &totals, |page| {
        page.line(format!(
            "{}, {}, {} to be tried again",
            plural(totals.batches, "batch"),
            plural(totals.events, "event"),
            totals.retried
        ));
    })
}

fn describe(notice: &Notice<'_>, format: Format) -> Option<String> {
    let error_text;
    let line = match notice {
        Notice::Finished {
            batch,
            events,
            retried,
        } => Line::Batch {
            batch_id: batch.batch_id,
            tick_id: batch.tick_id,
            events: *events,
            retried: *retried,
            lag_seconds: batch.lag.as_secs_f64(),
        },
        Notice::NotOurs { batch } => Line::NotOurs {
            batch_id: batch.batch_id,
        },
        Notice::TruncateNotLogged { queue, table } => Line::TruncateNotLogged { queue, table },
        Notice::Trouble { error, pause } => {
            error_text = chain(*error);
            Line::Trouble {
                error: &error_text,
                pause_seconds: pause.as_secs_f64(),
            }
        }
        _ => return None,
    };
    if format != Format::Table {
        return serde_json::to_string(&line).ok();
    }
    match line {
        // A batch without events is every idle second: not for people.
        Line::Batch { events: 0, .. } => None,
        Line::Batch {
            batch_id,
            events,
            retried,
            lag_seconds,
            ..
        } => Some(format!(
            "batch {batch_id}: {}, {retried} to be tried again, {lag_seconds:.1} s behind",
            plural(events, "event")
        )),
        Line::NotOurs { batch_id } => Some(format!("batch {batch_id} was finished by somebody else")),
        Line::TruncateNotLogged { queue, table } => Some(format!(
            "TRUNCATE of {table} is not in queue {queue}: rows that it removes stay in the target; \
             `ostler queue install-trigger {table} {queue}` logs it"
        )),
        Line::Trouble { error, pause_seconds } => Some(format!("{error}; again in {pause_seconds:.1} s")),
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
