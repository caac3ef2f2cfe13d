//! `ostler backup show`

use std::path::PathBuf;

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::{SelectorArguments, path};
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Show one backup: what is in it, what is not, and its proofs
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    which: SelectorArguments,

    /// List its files instead
    #[arg(long)]
    files: bool,

    /// Show what was demanded of it, and which objects were looked up or remembered, with times
    #[arg(long, conflicts_with = "files")]
    evidence: bool,

    /// Only this path and what is below it
    #[arg(value_name = "FILES_BELOW", requires = "files", value_parser = path())]
    below: Option<PathBuf>,
}

impl Show {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let selector = self.which.selector()?;
        let client = session.client().await?;
        if self.files {
            let list = client.files(&selector, self.below.as_deref()).await?;
            return session
                .output
                .document(schema::FILE_LIST, &list, |page| report::files::list(page, &list));
        }
        let detail = client.backup(&selector).await?;
        let now = session.now();
        session
            .output
            .document(schema::BACKUP, &detail, |page| match self.evidence {
                true => report::evidence::show(page, &detail),
                false => report::backup::detail(page, &detail, now),
            })
    }
}
