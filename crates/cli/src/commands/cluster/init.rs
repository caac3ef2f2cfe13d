//! `ostler cluster init`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::{Tag, tag, tag_map, text};
use crate::backend::{ClusterInit, NodeAddress};
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Make a cluster: certificates, a configuration for each node's agent, an entry in the configuration
///
/// Each node gets a directory, `clusters/NAME/nodes/NODE` beside the configuration file, which goes to that node with the
/// key of the vault; there `ostler agent --config agent.toml` runs it. Replaces nothing.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The cluster's name: lower-case letters, digits and `-`
    #[arg(value_name = "CLUSTER", value_parser = text())]
    name: String,

    /// A node and where its agent answers; may be repeated
    #[arg(long = "node", value_name = "NODE=HOST:PORT", required = true, value_parser = tag)]
    nodes: Vec<Tag>,

    /// A directory that every agent works in, with its name; `{node}` in it is the node's name; may be repeated
    #[arg(long = "root", value_name = "NAME=DIR", required = true, value_parser = tag)]
    roots: Vec<Tag>,

    /// The vault its backups go to; the default vault if not given
    #[arg(long, value_name = "VAULT", value_parser = text())]
    vault: Option<String>,

    /// How many nodes a backup has to hold; all if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    quorum: Option<u32>,

    /// What runs on it: `cassandra`; plain files if not given
    #[arg(long, value_name = "DRIVER", value_parser = text())]
    driver: Option<String>,
}

impl Init {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = ClusterInit {
            name: self.name,
            vault: self.vault,
            nodes: self.nodes.into_iter().map(address).collect(),
            roots: tag_map(&self.roots)?,
            quorum: self.quorum,
            driver: self.driver,
        };
        let info = session.backend.init_cluster(request).await?;
        session
            .output
            .document(schema::CLUSTER, &info, |page| report::cluster::info(page, &info))
    }
}

pub(super) fn address(tag: Tag) -> NodeAddress {
    NodeAddress {
        name: tag.key,
        address: tag.value,
    }
}
