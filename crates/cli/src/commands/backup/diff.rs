//! `ostler backup diff`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::{FilterArguments, backup};
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Show how one backup differs from another
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The first backup: an id, a unique prefix of one, a name, `latest` or `latest~N`
    #[arg(value_name = "FROM", value_parser = backup())]
    from: String,

    /// The second backup
    #[arg(value_name = "TO", value_parser = backup())]
    to: String,

    #[command(flatten)]
    narrowed: FilterArguments,
}

impl Diff {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (from, to) = (
            self.narrowed.selector(&self.from)?,
            self.narrowed.selector(&self.to)?,
        );
        let diff = session.client().await?.diff(&from, &to).await?;
        session
            .output
            .document(schema::DIFF, &diff, |page| report::files::diff(page, &diff))
    }
}
