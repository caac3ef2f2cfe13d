//! `ostler operation watch`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::operate::watch;
use crate::report;
use crate::session::Session;

/// Follow an operation to its end, then print what it says of itself
///
/// Of an operation on a cluster it shows a table of the nodes, which changes as they go on; with `--output jsonl` a line for each
/// node that is further, once a second. Exits as the operation's own command would have. Ctrl-C ends the watching and not the
/// operation.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The operation's id or a unique prefix of it
    #[arg(value_name = "OPERATION", value_parser = text())]
    operation: String,
}

impl Watch {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let detail = session.client().await?.operation(&self.operation).await?;
        let detail = watch(session, &detail).await?;
        report::outcome(session, &detail).await
    }
}
