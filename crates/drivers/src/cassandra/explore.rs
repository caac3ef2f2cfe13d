//! What there is of a ring: its nodes, whether they are configured or not, and what each runs with.

use std::collections::BTreeSet;

use futures::future::join_all;
use ostler_api::document::FoundNode;
use ostler_backup::cluster::explore::{About, Finding, Findings};

use super::cql::{Cql, Row};
use super::ring::{LOCAL, PEERS, SETTINGS, parameters};
use super::settings::Settings;
use crate::Error;

const OF_ITSELF: &str = "system.local";
const OF_OTHERS: &str = "system.peers_v2";
const OF_SETTINGS: &str = "system_views.settings";

/// Columns of a node's own row, what they are called here, and whether each node has its own.
const FACTS: &[(&str, &str, bool)] = &[
    ("cluster_name", "ring", false),
    ("release_version", "version", false),
    ("schema_version", "schema", false),
    ("partitioner", "partitioner", false),
    ("data_center", "datacenter", true),
    ("rack", "rack", true),
    ("broadcast_address", "address", true),
    ("host_id", "host id", true),
];

/// Parts of the names of settings that say who and where a node is.
const OWN: &[&str] = &["address", "initial_token", "director", "interface", "keystore"];

struct Answer {
    node: String,
    local: Row,
    peers: Vec<Row>,
    settings: Vec<Row>,
}

async fn ask(cql: &dyn Cql, settings: &Settings, node: &str) -> Result<Answer, Error> {
    let address = settings.address(node);
    Ok(Answer {
        node: node.to_owned(),
        local: cql.ask(address, LOCAL).await?.pop().unwrap_or_default(),
        peers: cql.ask(address, PEERS).await?,
        settings: cql.ask(address, SETTINGS).await?,
    })
}

/// Asks every node. One that does not answer is a problem, not an error.
pub(super) async fn of(cql: &dyn Cql, settings: &Settings) -> Findings {
    let mut found = Findings::default();
    let mut answers = Vec::new();
    for (node, answer) in join_all(
        settings
            .nodes
            .keys()
            .map(|node| async move { (node, ask(cql, settings, node).await) }),
    )
    .await
    {
        match answer {
            Ok(answer) => answers.push(answer),
            Err(error) => found.problems.push(format!("node `{node}`: {error}")),
        }
    }
    let ids = answers.iter().filter_map(|answer| answer.local.get("host_id"));
    let mut known: BTreeSet<String> = ids.cloned().collect();
    // A node that is down has said nothing of itself; the others know it by the address that is configured.
    let told = answers
        .iter()
        .filter_map(|answer| answer.local.get("broadcast_address"));
    let addresses: BTreeSet<&str> = settings
        .nodes
        .values()
        .map(|address| host(address))
        .chain(told.map(String::as_str))
        .collect();
    for answer in &answers {
        found.findings.extend(findings(answer));
        for peer in &answer.peers {
            let address = peer.get("peer").map_or("", String::as_str);
            let id = peer.get("host_id").cloned().unwrap_or_default();
            if !addresses.contains(address) && known.insert(id) {
                found.nodes.push(FoundNode {
                    name: address.to_owned(),
                    address: address.to_owned(),
                    configured: false,
                    source: format!("{OF_OTHERS} of {}", answer.node),
                });
            }
        }
    }
    found
}

fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

fn findings(answer: &Answer) -> Vec<Finding> {
    let finding = |about, name: &str, value: &str, source, own| Finding {
        about,
        node: answer.node.clone(),
        name: name.to_owned(),
        value: value.to_owned(),
        source,
        own,
    };
    let mut found = Vec::new();
    for (column, name, own) in FACTS {
        if let Some(value) = answer.local.get(*column) {
            found.push(finding(About::Node, name, value, OF_ITSELF, *own));
        }
    }
    if let Some(tokens) = answer.local.get("tokens") {
        let number = tokens.split(' ').count().to_string();
        found.push(finding(About::Node, "tokens", &number, OF_ITSELF, false));
    }
    for (name, value) in parameters(&answer.settings) {
        let own = OWN.iter().any(|part| name.contains(part));
        found.push(finding(About::Parameter, name, value, OF_SETTINGS, own));
    }
    found
}
