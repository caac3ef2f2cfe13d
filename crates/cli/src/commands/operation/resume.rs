//! `ostler operation resume`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::operate::follow;
use crate::report;
use crate::session::Session;

/// Go on with an interrupted or failed operation
///
/// Finished steps are not run again, and what is in the store is not stored again.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The operation's id or a unique prefix of it
    #[arg(value_name = "OPERATION", value_parser = text())]
    operation: String,
}

impl Resume {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let client = session.client().await?;
        let id = client.operation(&self.operation).await?.summary.id;
        client.resume(id).await?;
        let detail = follow(session, id).await?;
        report::outcome(session, &detail).await
    }
}
