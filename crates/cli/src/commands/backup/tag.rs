//! `ostler backup tag`

use clap::Args;
use ostler_api::client::Mark;
use ostler_vocabulary::Failure;

use super::Marked;
use crate::arguments::{self, SelectorArguments, tag_map, tag_or_removal};
use crate::output::schema;
use crate::session::Session;

/// Set and remove tags of a backup
#[derive(Debug, Args)]
pub(crate) struct Tag {
    #[command(flatten)]
    which: SelectorArguments,

    /// Tags to set; `KEY=` removes one
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = tag_or_removal)]
    changes: Vec<arguments::Tag>,
}

impl Tag {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let mark = Mark::Tag {
            tags: tag_map(&self.changes)?,
        };
        let backup = session
            .client()
            .await?
            .mark(&self.which.selector()?, mark.clone())
            .await?;
        session
            .output
            .document(schema::MARKED, &Marked { backup, mark }, |page| {
                page.line(format!("tags of backup {} are changed", backup.short()));
                for change in &self.changes {
                    page.line(match change.value.as_str() {
                        "" => format!("  {} removed", change.key),
                        value => format!("  {}={value}", change.key),
                    });
                }
            })
    }
}
