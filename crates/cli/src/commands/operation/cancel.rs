//! `ostler operation cancel`

use clap::Args;
use ostler_api::document::OperationState;
use ostler_vocabulary::{Failure, OperationId};
use serde::Serialize;

use crate::arguments::text;
use crate::output::schema;
use crate::session::Session;

/// Ask a running operation to stop
///
/// What it did is undone, unless it has committed. With `--leave` it stops as it is and can be resumed.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The operation's id or a unique prefix of it
    #[arg(value_name = "OPERATION", value_parser = text())]
    operation: String,

    /// Undo nothing, so that it can be resumed
    #[arg(long)]
    leave: bool,
}

/// `operation cancel`
#[derive(Debug, Serialize)]
pub(crate) struct Asked {
    pub operation: OperationId,
    pub leave: bool,
}

impl Cancel {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let client = session.client().await?;
        let id = client.operation(&self.operation).await?.summary.id;
        client.cancel(id, self.leave).await?;
        let state = client.operation(&id.to_string()).await?.summary.state;
        let asked = Asked {
            operation: id,
            leave: self.leave,
        };
        session.output.document(schema::OPERATION_CANCEL, &asked, |page| {
            let id = id.short();
            page.line(match (self.leave, state) {
                (false, OperationState::Cancelled) => format!("operation {id} is cancelled"),
                (true, _) => {
                    format!("operation {id} was asked to stop; `ostler operation resume {id}` goes on")
                }
                (false, _) => format!(
                    "operation {id} was asked to stop and undo; `ostler operation watch {id}` follows"
                ),
            });
        })
    }
}
