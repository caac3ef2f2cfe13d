//! `ostler vault probe`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Try what the store of a vault can do
///
/// Creates, reads, lists and deletes some sixty small objects beside the vault's, as `vault init` does before it makes a
/// vault. The answer is kept in the vault, for `vault info`. Worth doing after the service was updated or replaced.
#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// The vault's name; the default vault if not given
    #[arg(value_name = "VAULT", value_parser = text())]
    vault: Option<String>,
}

impl Probe {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let info = session.backend.probe_vault(self.vault.as_deref()).await?;
        let now = session.now();
        session.output.document(schema::VAULT, &info, |page| {
            report::vault::probed(page, &info, now)
        })
    }
}
