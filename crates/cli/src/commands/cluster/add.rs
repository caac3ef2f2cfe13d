//! `ostler cluster add`

use clap::Args;
use ostler_vocabulary::Failure;

use super::init::address;
use crate::arguments::{Tag, tag, tag_map, text};
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Add a node to a cluster: its certificate, its agent's configuration, its entry
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The cluster's name
    #[arg(value_name = "CLUSTER", value_parser = text())]
    name: String,

    /// The node and where its agent answers
    #[arg(value_name = "NODE=HOST:PORT", value_parser = tag)]
    node: Tag,

    /// A directory that its agent works in, with its name; may be repeated
    #[arg(long = "root", value_name = "NAME=DIR", required = true, value_parser = tag)]
    roots: Vec<Tag>,
}

impl Add {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let roots = tag_map(&self.roots)?;
        let info = session
            .backend
            .add_node(&self.name, address(self.node), roots)
            .await?;
        session
            .output
            .document(schema::CLUSTER, &info, |page| report::cluster::info(page, &info))
    }
}
