//! `ostler queue dead-letter retry`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Give dead letters back to their consumers
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = text())]
    queue: String,

    /// Their numbers
    #[arg(value_name = "NUMBER", required_unless_present = "all")]
    ids: Vec<i64>,

    /// All of them
    #[arg(long, conflicts_with = "ids")]
    all: bool,

    /// Only of this consumer
    #[arg(long, value_name = "CONSUMER", value_parser = text())]
    consumer: Option<String>,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Retry {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Settle {
            queue: self.queue,
            ids: self.ids,
            consumer: self.consumer,
            retry: true,
        };
        ask(session, self.database, call).await
    }
}
