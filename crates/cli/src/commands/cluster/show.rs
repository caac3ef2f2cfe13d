//! `ostler cluster show`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Show what the configuration says of a cluster
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The cluster's name
    #[arg(value_name = "CLUSTER", value_parser = text())]
    name: String,
}

impl Show {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let info = session.client().await?.cluster(&self.name).await?;
        session
            .output
            .document(schema::CLUSTER, &info, |page| report::cluster::info(page, &info))
    }
}
