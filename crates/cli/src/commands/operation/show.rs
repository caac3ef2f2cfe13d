//! `ostler operation show`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Show one operation: its steps, what it deleted, how it ended
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The operation's id or a unique prefix of it
    #[arg(value_name = "OPERATION", value_parser = text())]
    operation: String,
}

impl Show {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let detail = session.client().await?.operation(&self.operation).await?;
        let now = session.now();
        session.output.document(schema::OPERATION, &detail, |page| {
            report::operation::detail(page, &detail, now)
        })
    }
}
