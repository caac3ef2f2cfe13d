//! `ostler queue list`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// List the queues of a database
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Which queues; * and ? stand for any characters; all if not given
    #[arg(value_name = "PATTERN", value_parser = text())]
    pattern: Option<String>,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::List {
            pattern: self.pattern,
        };
        ask(session, self.database, call).await
    }
}
