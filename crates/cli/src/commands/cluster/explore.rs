//! `ostler cluster explore`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Find out what there is of a cluster, and where that is said
///
/// Nodes that nobody configured, versions, topology and what the database runs with; nodes that disagree are told.
#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// The cluster's name
    #[arg(value_name = "CLUSTER", value_parser = text())]
    name: String,

    /// Show every parameter, not only those in which nodes disagree
    #[arg(long)]
    parameters: bool,
}

impl Explore {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let client = session.client().await?;
        let explored = client.cluster_exploration(&self.name).await?;
        session
            .output
            .document(schema::CLUSTER_EXPLORATION, &explored, |page| {
                report::exploration::show(page, &explored, self.parameters);
            })
    }
}
