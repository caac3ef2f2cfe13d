//! `ostler queue drop`

use clap::Args;
use ostler_api::request::{QueueAction, QueueSchema, Request};
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, DatabaseArguments, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Drop queues with their events
#[derive(Debug, Args)]
pub(crate) struct Drop {
    /// Which queues; * and ? stand for any characters
    #[arg(value_name = "PATTERN", required = true, value_parser = text())]
    patterns: Vec<String>,

    /// Also with consumers
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    database: DatabaseArguments,

    #[command(flatten)]
    approval: ApprovalArguments,
}

impl Drop {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = Request::QueueSchema(QueueSchema {
            database: self.database.choice(),
            action: QueueAction::Drop {
                patterns: self.patterns,
                force: self.force,
            },
        });
        carry_out(
            session,
            request,
            Approval::needed("dropping queues", self.approval),
        )
        .await
    }
}
