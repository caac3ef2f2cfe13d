//! A consumer from what a command says.

use std::time::Duration;

use ostler_api::queue::DatabaseChoice;
use ostler_queue::consumer::deliver::{Command, Deliver, DeliverSql, OnFailure, Per, Url};
use ostler_queue::consumer::dispatch::{Dispatch, Rule, Rules, TableOptions};
use ostler_queue::consumer::{
    BatchHandler, Consumer, ExactlyOnce, Member, Notice, RunOptions, Subscription, SubscriptionOptions,
    Totals,
};
use ostler_vocabulary::{ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use super::http::Requests;
use crate::runtime::database_target;
use crate::settings::Settings;

/// Events in a piece when they go into a database: statements take arrays.
const LARGE_PIECE: usize = 10_000;

/// Who is told what happens.
pub type Watch = Box<dyn FnMut(Notice<'_>) + Send>;

/// Who gets the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// A command, by its words.
    Command(Vec<String>),
    /// A URL.
    Url(String),
}

/// What is done with the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// They are given to a receiver.
    Deliver {
        /// To whom.
        receiver: Receiver,
        /// How many at once.
        per: Per,
        /// What happens when it fails.
        on_failure: OnFailure,
        /// After what time it is tried again.
        retry_after: Duration,
    },
    /// They go into queues and tables of the target.
    Dispatch {
        /// Where they go; the first rule that holds decides.
        rules: Vec<Rule>,
        /// How rows go into tables.
        tables: TableOptions,
        /// Whether queues that are missing are made.
        create_queues: bool,
    },
}

/// A consumer to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Consume {
    /// The source database.
    pub source: DatabaseChoice,
    /// The queue.
    pub queue: String,
    /// The consumer.
    pub consumer: String,
    /// The member of a cooperative consumer.
    pub member: Option<Member>,
    /// Registers it first, unless it is.
    pub register: bool,
    /// The database that the position is kept in: exactly once.
    pub target: Option<DatabaseChoice>,
    /// Which batches.
    pub batches: SubscriptionOptions,
    /// Ends when there is nothing more to do.
    pub until_idle: bool,
    /// How long to wait for a wake-up before asking.
    pub poll: Duration,
    /// What is done.
    pub work: Work,
}

/// Runs a consumer until it is told to stop.
///
/// # Errors
/// What the databases, the receiver or the rules say.
pub async fn consume(
    settings: &Settings,
    request: Consume,
    stop: &CancellationToken,
    mut watch: Watch,
) -> Result<Totals, Failure> {
    let source = database_target(settings, &request.source)?;
    let target = request.target.as_ref();
    let sink = target
        .map(|choice| database_target(settings, choice))
        .transpose()?;
    let mut batches = request.batches;
    if matches!(request.work, Work::Dispatch { .. }) {
        batches.piece_events = LARGE_PIECE;
    }
    let mut subscription =
        Subscription::new(source.clone(), &request.queue, &request.consumer).with_options(batches);
    if let Some(member) = request.member {
        subscription = subscription.as_member(member);
    }
    if request.register {
        subscription.register().await?;
    }
    let to_tables =
        matches!(&request.work, Work::Dispatch { rules, .. } if rules.iter().any(Rule::is_to_table));
    if to_tables {
        for table in subscription.tables_without_truncate().await? {
            let queue = &request.queue;
            watch(Notice::TruncateNotLogged { queue, table: &table });
        }
    }
    let subscription = subscription.exclusively();
    let options = RunOptions {
        poll: request.poll,
        until_idle: request.until_idle,
        ..RunOptions::default()
    };
    let run = Run {
        subscription,
        options,
        stop,
        watch,
    };
    match request.work {
        Work::Dispatch {
            rules,
            tables,
            create_queues,
        } => {
            let dispatch = Dispatch::new(Rules::new(rules)).with_tables(tables);
            let dispatch = if create_queues {
                dispatch.creating_queues()
            } else {
                dispatch
            };
            // Within one database the position could be the batch itself, but then a lost answer would be a second copy.
            run.with(ExactlyOnce::new(sink.unwrap_or(source), dispatch)).await
        }
        Work::Deliver {
            receiver,
            per,
            on_failure,
            retry_after,
        } => match (receiver, sink) {
            (Receiver::Command(words), None) => {
                let name = format!("`{}`", words.first().map_or("", String::as_str));
                let handler = Deliver::new(Command::new(words), name, per, on_failure, retry_after);
                run.with(handler).await
            }
            (Receiver::Command(words), Some(sink)) => {
                let name = format!("`{}`", words.first().map_or("", String::as_str));
                run.with(ExactlyOnce::new(
                    sink,
                    DeliverSql::new(Command::new(words), name, per, on_failure, retry_after),
                ))
                .await
            }
            (Receiver::Url(url), None) => {
                let url = Url::new(requests()?, url);
                let name = format!("{url:?}");
                run.with(Deliver::new(url, name, per, on_failure, retry_after))
                    .await
            }
            (Receiver::Url(url), Some(sink)) => {
                let url = Url::new(requests()?, url);
                let name = format!("{url:?}");
                let handler = DeliverSql::new(url, name, per, on_failure, retry_after);
                run.with(ExactlyOnce::new(sink, handler)).await
            }
        },
    }
}

struct Run<'s> {
    subscription: Subscription,
    options: RunOptions,
    stop: &'s CancellationToken,
    watch: Watch,
}

impl Run<'_> {
    async fn with(self, handler: impl BatchHandler) -> Result<Totals, Failure> {
        let mut consumer = Consumer::new(self.subscription, handler, self.options).watched(self.watch);
        Ok(consumer.run(self.stop).await?)
    }
}

fn requests() -> Result<Requests, Failure> {
    Requests::new().map_err(|error| {
        Failure::new(
            ErrorKind::Internal,
            format!("cannot make an HTTP client: {error}"),
        )
    })
}
