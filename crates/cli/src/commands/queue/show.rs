//! `ostler queue show`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Show a queue with its settings and consumers
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = text())]
    queue: String,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Show {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Show { queue: self.queue };
        ask(session, self.database, call).await
    }
}
