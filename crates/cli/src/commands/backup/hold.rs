//! `ostler backup hold`

use clap::Args;
use ostler_api::client::Mark;
use ostler_vocabulary::Failure;

use super::Marked;
use crate::arguments::{SelectorArguments, text};
use crate::output::schema;
use crate::session::Session;

/// Keep a backup from being deleted by any rule
#[derive(Debug, Args)]
pub(crate) struct Hold {
    #[command(flatten)]
    which: SelectorArguments,

    /// Why, for whoever finds it later
    #[arg(long, value_name = "TEXT", value_parser = text())]
    reason: Option<String>,
}

impl Hold {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let mark = Mark::Hold { reason: self.reason };
        let backup = session
            .client()
            .await?
            .mark(&self.which.selector()?, mark.clone())
            .await?;
        session
            .output
            .document(schema::MARKED, &Marked { backup, mark }, |page| {
                page.line(format!("backup {} is held: no rule deletes it", backup.short()));
            })
    }
}
