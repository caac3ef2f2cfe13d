//! `ostler vault list`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::output::schema;
use crate::report;
use crate::session::Session;

/// List the configured vaults
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let list = session.client().await?.vaults().await?;
        session
            .output
            .document(schema::VAULT_LIST, &list, |page| report::vault::list(page, &list))
    }
}
