//! `ostler queue tick`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Tick queues now, so that what is committed gets into a batch
#[derive(Debug, Args)]
pub(crate) struct Tick {
    /// Which queues; * and ? stand for any characters
    #[arg(value_name = "PATTERN", value_parser = text())]
    pattern: String,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Tick {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Tick {
            pattern: self.pattern,
        };
        ask(session, self.database, call).await
    }
}
