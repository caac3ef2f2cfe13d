//! `ostler queue consumer register`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Register a consumer, or move it
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = text())]
    queue: String,

    /// The consumer
    #[arg(value_name = "CONSUMER", value_parser = text())]
    consumer: String,

    /// Start after this tick; one that is registered is moved there, and its open batch is given up
    #[arg(long, value_name = "TICK")]
    at: Option<i64>,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Register {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Register {
            queue: self.queue,
            consumer: self.consumer,
            at: self.at,
        };
        ask(session, self.database, call).await
    }
}
