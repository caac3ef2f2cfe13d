//! `ostler backup release`

use clap::Args;
use ostler_api::client::Mark;
use ostler_vocabulary::Failure;

use super::Marked;
use crate::arguments::SelectorArguments;
use crate::output::schema;
use crate::session::Session;

/// Let rules delete a held backup again
#[derive(Debug, Args)]
pub(crate) struct Release {
    #[command(flatten)]
    which: SelectorArguments,
}

impl Release {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let backup = session
            .client()
            .await?
            .mark(&self.which.selector()?, Mark::Release)
            .await?;
        session.output.document(
            schema::MARKED,
            &Marked {
                backup,
                mark: Mark::Release,
            },
            |page| {
                page.line(format!("backup {} is no longer held", backup.short()));
            },
        )
    }
}
