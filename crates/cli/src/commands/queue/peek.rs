//! `ostler queue peek`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Show events without consuming them
#[derive(Debug, Args)]
pub(crate) struct Peek {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = text())]
    queue: String,

    /// What this consumer has not got yet, oldest first; else the newest events of the queue
    #[arg(long, value_name = "CONSUMER", value_parser = text())]
    consumer: Option<String>,

    /// Show at most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Peek {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Peek {
            queue: self.queue,
            consumer: self.consumer,
            limit: self.limit,
        };
        ask(session, self.database, call).await
    }
}
