//! `ostler queue install`

use clap::Args;
use ostler_api::request::{QueueAction, QueueSchema, Request};
use ostler_vocabulary::Failure;
use serde::Serialize;

use crate::arguments::{ApprovalArguments, DatabaseArguments};
use crate::operate::{Approval, carry_out};
use crate::output::schema;
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

/// `queue install --schema-only`
#[derive(Debug, Serialize)]
struct Script {
    sql: String,
}

impl Install {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        if self.schema_only {
            let script = Script {
                sql: session.backend.queue_schema(!self.no_roles),
            };
            return session
                .output
                .document(schema::QUEUE_SCRIPT, &script, |page| page.verbatim(&script.sql));
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
