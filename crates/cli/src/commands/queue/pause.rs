//! `ostler queue pause`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Stop ticking queues: events are taken, and wait
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// Which queues; * and ? stand for any characters
    #[arg(value_name = "PATTERN", value_parser = text())]
    pattern: String,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Pause {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Configure {
            pattern: self.pattern,
            settings: [("ticker_paused".to_owned(), "true".to_owned())].into(),
        };
        ask(session, self.database, call).await
    }
}
