//! `ostler queue dead-letter drop`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Drop dead letters for good
#[derive(Debug, Args)]
pub(crate) struct Drop {
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

impl Drop {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Settle {
            queue: self.queue,
            ids: self.ids,
            consumer: self.consumer,
            retry: false,
        };
        ask(session, self.database, call).await
    }
}
