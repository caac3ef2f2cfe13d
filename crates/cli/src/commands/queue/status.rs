//! `ostler queue status`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::DatabaseArguments;
use crate::session::Session;

/// Show how the queues of a database are: its ticker, and what needs attention
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    database: DatabaseArguments,
}

impl Status {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Status;
        ask(session, self.database, call).await
    }
}
