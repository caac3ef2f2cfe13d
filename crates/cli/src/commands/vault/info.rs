//! `ostler vault info`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Show one vault: where it is, what opens it, how much is in it
#[derive(Debug, Args)]
pub(crate) struct Info {
    /// The vault's name; the default vault if not given
    #[arg(value_name = "VAULT", value_parser = text())]
    vault: Option<String>,
}

impl Info {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let info = session.client().await?.vault(self.vault.as_deref()).await?;
        let now = session.now();
        session
            .output
            .document(schema::VAULT, &info, |page| report::vault::info(page, &info, now))
    }
}
