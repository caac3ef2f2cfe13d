//! `ostler queue consumer unregister`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Remove consumers; what they have not read is no longer kept for them
#[derive(Debug, Args)]
pub(crate) struct Unregister {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = text())]
    queue: String,

    /// Which consumers; * and ? stand for any characters
    #[arg(value_name = "CONSUMERS", value_parser = text())]
    pattern: String,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Unregister {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Unregister {
            queue: self.queue,
            pattern: self.pattern,
        };
        ask(session, self.database, call).await
    }
}
