//! How a ring stands.

use std::collections::{BTreeMap, BTreeSet};

use ostler_api::document::SystemStatus;

use super::NAME;
use super::ring::Ring;

/// Removes what was left of snapshots of ours.
pub(super) const CLEAR: &str = "clear-snapshots";

pub(super) fn of(ring: &Ring, cluster: &str) -> SystemStatus {
    let versions: BTreeSet<&str> = ring.nodes.values().map(|node| node.version.as_str()).collect();
    let datacenters: BTreeSet<&str> = ring.nodes.values().map(|node| node.datacenter.as_str()).collect();
    let listed = |words: BTreeSet<&str>| words.into_iter().collect::<Vec<_>>().join(", ");
    let schema = ring.schema(cluster);
    let mut problems: Vec<String> = ring
        .down
        .iter()
        .map(|(node, error)| format!("node `{node}`: {error}"))
        .collect();
    problems.extend(schema.as_ref().err().map(ToString::to_string));
    let mut facts = BTreeMap::from([
        ("name".to_owned(), ring.cluster_name.clone()),
        ("version".to_owned(), listed(versions)),
        ("datacenters".to_owned(), listed(datacenters)),
    ]);
    if let Ok(schema) = schema {
        facts.insert("schema".to_owned(), schema);
    }
    let tokens = ring.nodes.values().map(|node| node.tokens.len() as u64).sum();
    SystemStatus {
        driver: NAME.to_owned(),
        facts,
        counts: BTreeMap::from([
            ("nodes that answer".to_owned(), ring.nodes.len() as u64),
            ("tokens".to_owned(), tokens),
        ]),
        actions: vec![CLEAR.to_owned()],
        problems,
    }
}
