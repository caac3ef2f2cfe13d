//! `ostler cluster adopt`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Let nodes go on with backups that they know nothing of
///
/// A node that does not know the backups which the vault has of it stores nothing: it may be an old image, or of a copy of
/// the cluster. For a node that was replaced or restored on purpose, this says that it is meant.
#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// The cluster's name
    #[arg(value_name = "CLUSTER", value_parser = text())]
    name: String,

    /// Only these nodes of it
    #[arg(value_name = "NODE", value_parser = text())]
    nodes: Vec<String>,
}

impl Adopt {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let adoption = session.backend.adopt_nodes(&self.name, &self.nodes).await?;
        session
            .output
            .document(schema::CLUSTER_ADOPTION, &adoption, |page| {
                report::cluster::adoption(page, &adoption);
            })
    }
}
