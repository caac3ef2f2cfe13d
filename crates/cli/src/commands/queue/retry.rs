//! `ostler queue retry`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Show events that wait, to be tried again or for their time; `--now` gives them at once
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = text())]
    queue: String,

    /// Only of these consumers; * and ? stand for any characters
    #[arg(long, value_name = "PATTERN", value_parser = text())]
    consumer: Option<String>,

    /// Their time comes now
    #[arg(long)]
    now: bool,

    /// Show at most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Retry {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Retries {
            queue: self.queue,
            consumer_pattern: self.consumer,
            now: self.now,
            limit: self.limit,
        };
        ask(session, self.database, call).await
    }
}
