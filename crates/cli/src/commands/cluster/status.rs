//! `ostler cluster status`

use clap::Args;
use ostler_vocabulary::{ErrorKind, Failure};

use crate::arguments::text;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Ask every node of a cluster how it is
///
/// Exit code 8 when a node does not answer, or is not the one that is meant.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The cluster's name
    #[arg(value_name = "CLUSTER", value_parser = text())]
    name: String,
}

impl Status {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let status = session.client().await?.cluster_status(&self.name).await?;
        session.output.document(schema::CLUSTER_STATUS, &status, |page| {
            report::cluster::status(page, &status);
        })?;
        let down: Vec<&str> = status
            .nodes
            .iter()
            .filter(|node| !node.ok)
            .map(|node| node.name.as_str())
            .collect();
        match down.as_slice() {
            [] => Ok(()),
            down => Err(Failure::new(
                ErrorKind::Unavailable,
                format!(
                    "cluster `{}`: not as it should be: {}",
                    status.name,
                    down.join(", ")
                ),
            )),
        }
    }
}
