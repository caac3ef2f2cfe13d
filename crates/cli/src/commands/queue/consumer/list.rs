//! `ostler queue consumer list`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// List consumers
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Of which queues; * and ? stand for any characters; all if not given
    #[arg(value_name = "QUEUES", value_parser = text())]
    queues: Option<String>,

    /// Which consumers; all if not given
    #[arg(value_name = "CONSUMERS", value_parser = text())]
    consumers: Option<String>,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Consumers {
            queue_pattern: self.queues,
            pattern: self.consumers,
        };
        ask(session, self.database, call).await
    }
}
