//! `ostler cluster list`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::output::schema;
use crate::report;
use crate::session::Session;

/// List the configured clusters
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let list = session.client().await?.clusters().await?;
        session.output.document(schema::CLUSTER_LIST, &list, |page| {
            report::cluster::list(page, &list)
        })
    }
}
