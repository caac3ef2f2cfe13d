//! `ostler operation export`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::session::Session;

/// Print everything that is known about operations as JSON lines, oldest first
///
/// The lines are the journal's own and the same whatever `--output` says.
#[derive(Debug, Args)]
pub(crate) struct Export {}

impl Export {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let rows = session.client().await?.export_operations().await?;
        session.output.lines(&rows)
    }
}
