//! `ostler queue insert`

use clap::Args;
use ostler_api::queue::{InsertEvent, QueueCall};
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Insert an event
#[derive(Debug, Args)]
pub(crate) struct Insert {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = text())]
    queue: String,

    /// Its type
    #[arg(value_name = "TYPE")]
    kind: String,

    /// Its data
    #[arg(value_name = "DATA")]
    data: Option<String>,

    /// An extra field, four at most
    #[arg(long, value_name = "TEXT")]
    extra: Vec<String>,

    /// When it may be seen, such as '2027-01-01 08:00+01'; at once if not given
    #[arg(long, value_name = "TIME", value_parser = text())]
    at: Option<String>,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Insert {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Insert(InsertEvent {
            queue: self.queue,
            kind: Some(self.kind),
            data: self.data,
            extra: self.extra,
            at: self.at,
        });
        ask(session, self.database, call).await
    }
}
