//! What the configuration says of a ring.

use std::collections::BTreeMap;

use ostler_vocabulary::Secret;

use super::NAME;
use crate::{Error, Wanted, only};

/// The port of CQL.
const PORT: u16 = 9042;
/// The option that restricts a backup to one datacenter.
const DATACENTER: &str = "datacenter";

/// A ring, as it is configured.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) cluster: String,
    /// Where CQL answers on each node, with the port.
    pub(super) nodes: BTreeMap<String, String>,
    pub(super) user: Option<(String, Secret)>,
    /// Nodes of other datacenters need no agent.
    pub(super) datacenter: Option<String>,
}

impl Settings {
    pub(super) fn of(wanted: Wanted) -> Result<Self, Error> {
        only(NAME, &wanted, &[DATACENTER])?;
        let with_port = |(node, address): (String, String)| match address.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => (node, address),
            _ => (node, format!("{address}:{PORT}")),
        };
        Ok(Self {
            nodes: wanted.nodes.into_iter().map(with_port).collect(),
            user: wanted.user.zip(wanted.password),
            datacenter: wanted.options.get(DATACENTER).cloned(),
            cluster: wanted.cluster,
        })
    }

    pub(super) fn address(&self, node: &str) -> &str {
        self.nodes.get(node).map_or("", String::as_str)
    }
}
