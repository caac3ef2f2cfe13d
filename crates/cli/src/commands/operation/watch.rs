//! `ostler operation watch`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::operate::{OnInterrupt, follow};
use crate::report;
use crate::session::Session;

/// Follow an operation to its end, then print what it says of itself
///
/// Exits as the operation's own command would have. Ctrl-C ends the watching and not the operation.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The operation's id or a unique prefix of it
    #[arg(value_name = "OPERATION", value_parser = text())]
    operation: String,
}

impl Watch {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let id = session
            .client()
            .await?
            .operation(&self.operation)
            .await?
            .summary
            .id;
        let detail = follow(session, id, OnInterrupt::StopWatching).await?;
        report::outcome(session, &detail).await
    }
}
