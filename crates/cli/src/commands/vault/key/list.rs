//! `ostler vault key list`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// List what opens a vault, and the key epochs that its contents are encrypted with
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The vault's name; the default vault if not given
    #[arg(long, value_name = "VAULT", value_parser = text())]
    vault: Option<String>,
}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let list = session.client().await?.keys(self.vault.as_deref()).await?;
        let now = session.now();
        session.output.document(schema::KEY_LIST, &list, |page| {
            report::keys::list(page, &list, now)
        })
    }
}
