//! `ostler queue install-trigger`

use clap::Args;
use ostler_api::queue::{InstallTrigger, QueueCall};
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{DatabaseArguments, text};
use crate::session::Session;

/// Put changes of a table into a queue, by a trigger made for that table
#[derive(Debug, Args)]
pub(crate) struct InstallTriggerVerb {
    /// The table, with its schema
    #[arg(value_name = "TABLE", value_parser = text())]
    table: String,

    /// The queue
    #[arg(value_name = "QUEUE", value_parser = text())]
    queue: String,

    /// What events look like
    #[arg(long, value_name = "KIND", default_value = "logutriga", value_parser = ["logutriga", "jsontriga", "sqltriga"])]
    kind: String,

    /// An argument of the trigger, such as ignore=a,b, pkey=id, backup, when=… or SKIP; may be repeated
    #[arg(long = "arg", value_name = "ARGUMENT", value_parser = text())]
    arguments: Vec<String>,

    /// The trigger's name
    #[arg(long, value_name = "NAME", default_value = "ostler_queue", value_parser = text())]
    name: String,

    /// One event function for each row, or one for a whole statement; the faster one that is possible if not given
    #[arg(long, value_name = "STYLE", value_parser = ["each", "bulk"])]
    style: Option<String>,

    /// Do not put TRUNCATE of the table into the queue
    #[arg(long)]
    no_truncate: bool,

    /// Print the statements and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl InstallTriggerVerb {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::InstallTrigger(InstallTrigger {
            table: self.table,
            queue: self.queue,
            trigger: self.name,
            kind: self.kind,
            arguments: self.arguments,
            style: self.style,
            no_truncate: self.no_truncate,
            dry_run: self.dry_run,
        });
        ask(session, self.database, call).await
    }
}
