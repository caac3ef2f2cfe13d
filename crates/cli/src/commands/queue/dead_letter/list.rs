//! `ostler queue dead-letter list`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// List events that consumers gave up
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = text())]
    queue: String,

    /// Only of this consumer
    #[arg(long, value_name = "CONSUMER", value_parser = text())]
    consumer: Option<String>,

    /// Show at most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::DeadLetters {
            queue: self.queue,
            consumer: self.consumer,
            limit: self.limit,
        };
        ask(session, self.database, call).await
    }
}
