//! `ostler cluster remove`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::session::Session;

/// Take a cluster, or one node of it, out of the configuration
///
/// Backups stay, and so do the certificates beside the configuration file.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The cluster's name
    #[arg(value_name = "CLUSTER", value_parser = text())]
    name: String,

    /// Only this node of it
    #[arg(value_name = "NODE", value_parser = text())]
    node: Option<String>,
}

impl Remove {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        session
            .backend
            .remove_cluster(&self.name, self.node.as_deref())
            .await?;
        session.output.note(&match &self.node {
            Some(node) => format!(
                "node {node} is no longer in cluster {}; its certificates stay",
                self.name
            ),
            None => format!(
                "cluster {} is no longer configured; its backups and certificates stay",
                self.name
            ),
        });
        Ok(())
    }
}
