//! `ostler queue uninstall`

use clap::Args;
use ostler_api::request::{QueueAction, QueueSchema, Request};
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, DatabaseArguments};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Remove PgQ from a database
#[derive(Debug, Args)]
pub(crate) struct Uninstall {
    /// Also with queues, whose events are lost, and triggers that write into them
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    database: DatabaseArguments,

    #[command(flatten)]
    approval: ApprovalArguments,
}

impl Uninstall {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = Request::QueueSchema(QueueSchema {
            database: self.database.choice(),
            action: QueueAction::Uninstall { force: self.force },
        });
        carry_out(
            session,
            request,
            Approval::needed("removing the queue", self.approval),
        )
        .await
    }
}
