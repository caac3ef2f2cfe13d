//! `ostler queue install`

use clap::Args;
use ostler_api::request::{QueueAction, QueueSchema, Request};
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, DatabaseArguments};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Install PgQ in a database, or bring it up to date
///
/// In one transaction, and safe to repeat. A database with the pgq extension is taken over in place: its queues, consumers and events stay.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Make no roles; grants go to those that exist
    #[arg(long)]
    no_roles: bool,

    /// Print the schema as SQL for psql, and talk to no database
    #[arg(long, conflicts_with_all = ["database", "dsn", "dry_run", "yes", "apply"])]
    schema_only: bool,

    #[command(flatten)]
    database: DatabaseArguments,

    #[command(flatten)]
    approval: ApprovalArguments,
}

impl Install {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        if self.schema_only {
            return session.output.text(&session.backend.queue_schema(!self.no_roles));
        }
        let request = Request::QueueSchema(QueueSchema {
            database: self.database.choice(),
            action: QueueAction::Install {
                roles: !self.no_roles,
                upgrade: false,
            },
        });
        carry_out(session, request, Approval::offered(self.approval)).await
    }
}
