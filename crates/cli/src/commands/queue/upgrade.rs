//! `ostler queue upgrade`

use clap::Args;
use ostler_api::request::{QueueAction, QueueSchema, Request};
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, DatabaseArguments};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Bring the PgQ of a database up to date
#[derive(Debug, Args)]
pub(crate) struct Upgrade {
    /// Make no roles; grants go to those that exist
    #[arg(long)]
    no_roles: bool,

    #[command(flatten)]
    database: DatabaseArguments,

    #[command(flatten)]
    approval: ApprovalArguments,
}

impl Upgrade {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = Request::QueueSchema(QueueSchema {
            database: self.database.choice(),
            action: QueueAction::Install {
                roles: !self.no_roles,
                upgrade: true,
            },
        });
        carry_out(session, request, Approval::offered(self.approval)).await
    }
}
