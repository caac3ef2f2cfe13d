//! The ring as its nodes tell it, and what of that belongs into a backup.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde::{Deserialize, Serialize};

use super::cql::{Cql, Row, head};
use super::schema::{self, Schema};
use super::settings::Settings;
use crate::Error;

pub(super) const LOCAL: &str = "SELECT cluster_name, host_id, data_center, rack, release_version, schema_version, \
                     broadcast_address, rpc_address, partitioner, tokens, gossip_generation, truncated_at FROM system.local";
pub(super) const PEERS: &str = "SELECT peer, host_id, data_center FROM system.peers_v2";
pub(super) const SETTINGS: &str = "SELECT name, value FROM system_views.settings";

/// The document that has the ring.
const DOCUMENT: &str = "ring.json";

/// The document that has the settings of a node.
pub(super) fn settings_of(node: &str) -> String {
    format!("settings-{node}.txt")
}

/// A node that answers, as it describes itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Node {
    pub(super) host_id: String,
    pub(super) address: String,
    pub(super) datacenter: String,
    pub(super) rack: String,
    pub(super) version: String,
    pub(super) tokens: Vec<String>,
    /// Which start of its process it is; another number after every one.
    #[serde(default)]
    pub(super) generation: Option<String>,
    /// When its tables were emptied the last time, by their ids. `None` where that was not recorded.
    #[serde(default)]
    pub(super) emptied: Option<BTreeMap<String, String>>,
    #[serde(skip)]
    pub(super) schema: String,
}

impl Node {
    /// A digest of who it is, of its tokens, and of which tables were emptied.
    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let own = [&self.host_id, &self.address].into_iter();
        let emptied = self.emptied.iter().flatten().flat_map(|(id, when)| [id, when]);
        for text in own.chain(&self.tokens).chain(&self.generation).chain(emptied) {
            hasher.update(text.as_bytes());
            hasher.update(b"\n");
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// Whether rows that belong to one belong to the other.
    pub(super) fn owns_as(&self, other: &Self) -> bool {
        let tokens = |node: &Self| node.tokens.iter().cloned().collect::<BTreeSet<String>>();
        self.datacenter == other.datacenter && self.rack == other.rack && tokens(self) == tokens(other)
    }
}

/// All nodes that answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ring {
    /// What Cassandra calls the cluster.
    pub(super) cluster_name: String,
    pub(super) partitioner: String,
    /// By their names here.
    pub(super) nodes: BTreeMap<String, Node>,
    #[serde(skip)]
    pub(super) down: BTreeMap<String, Error>,
}

pub(super) fn column(row: &Row, name: &str, address: &str, statement: &str) -> Result<String, Error> {
    row.get(name).cloned().ok_or_else(|| Error::Answer {
        address: address.to_owned(),
        statement: head(statement),
        lacks: name.to_owned(),
    })
}

/// What a node runs with, without what is secret.
pub(super) fn parameters(rows: &[Row]) -> impl Iterator<Item = (&str, &str)> {
    let told = rows.iter().filter_map(|row| {
        let value = row.get("value").map_or("", String::as_str);
        Some((row.get("name")?.as_str(), value))
    });
    told.filter(|(name, _)| !name.contains("password"))
}

/// The members of a map, as text has them.
fn pairs(text: Option<&String>) -> BTreeMap<String, String> {
    let members = text.into_iter().flat_map(|text| text.split(' '));
    let pair = |member: &str| {
        let (key, value) = member.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    };
    members.filter_map(pair).collect()
}

async fn first(cql: &dyn Cql, address: &str, statement: &str) -> Result<Row, Error> {
    let rows = cql.ask(address, statement).await?;
    rows.into_iter().next().ok_or_else(|| Error::Answer {
        address: address.to_owned(),
        statement: head(statement),
        lacks: "a row".to_owned(),
    })
}

impl Ring {
    /// Asks each of these nodes for itself, and one of them whom else it knows. A node that does not answer is down; a
    /// ring with nodes that nobody configured would be backed up in part, and is refused.
    pub(super) async fn read(cql: &dyn Cql, settings: &Settings, nodes: &[&str]) -> Result<Self, Error> {
        let asking = nodes.iter().map(|node| async move {
            let address = settings.address(node);
            ((*node).to_owned(), address, first(cql, address, LOCAL).await)
        });
        let mut ring = Self {
            cluster_name: String::new(),
            partitioner: String::new(),
            nodes: BTreeMap::new(),
            down: BTreeMap::new(),
        };
        let mut asked = None;
        for (name, address, answer) in join_all(asking).await {
            let row = match answer {
                Ok(row) => row,
                Err(error @ (Error::Unreachable { .. } | Error::Untrusted { .. })) => {
                    ring.down.insert(name, error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let column = |name| column(&row, name, address, LOCAL);
            let tokens = column("tokens")?;
            ring.cluster_name = column("cluster_name")?;
            ring.partitioner = column("partitioner")?;
            let node = Node {
                host_id: column("host_id")?,
                address: column("broadcast_address")?,
                datacenter: column("data_center")?,
                rack: column("rack")?,
                version: column("release_version")?,
                schema: column("schema_version")?,
                tokens: tokens.split(' ').map(str::to_owned).collect(),
                generation: row.get("gossip_generation").cloned(),
                emptied: Some(pairs(row.get("truncated_at"))),
            };
            if let Some((other, _)) = ring.nodes.iter().find(|(_, other)| other.host_id == node.host_id) {
                return Err(Error::Same {
                    cluster: settings.cluster.clone(),
                    one: other.clone(),
                    other: name,
                });
            }
            asked = Some(address);
            ring.nodes.insert(name, node);
        }
        let Some(address) = asked else {
            let error = ring.down.into_values().next();
            return Err(error.unwrap_or_else(|| Error::Unreachable {
                address: "nowhere".to_owned(),
                source: "no node is configured".into(),
            }));
        };
        ring.all_are_known(&cql.ask(address, PEERS).await?, settings, nodes.len())?;
        Ok(ring)
    }

    fn all_are_known(&self, peers: &[Row], settings: &Settings, configured: usize) -> Result<(), Error> {
        // A node that took over another's address may still have who was there before among its peers.
        let ids = self.nodes.values().map(|node| node.host_id.as_str());
        let known: BTreeSet<&str> = ids
            .chain(self.nodes.values().map(|node| node.address.as_str()))
            .collect();
        let is_meant = |row: &&Row| match (&settings.datacenter, row.get("data_center")) {
            (Some(meant), Some(has)) => meant == has,
            _ => true,
        };
        let strangers: Vec<String> = peers
            .iter()
            .filter(is_meant)
            .filter(|row| {
                let mut names = ["host_id", "peer"].into_iter().filter_map(|name| row.get(name));
                !names.any(|name| known.contains(name.as_str()))
            })
            .map(|row| row.get("peer").cloned().unwrap_or_default())
            .collect();
        // Those that are down have not said who they are, and nodes that were not asked for are configured all the same.
        let silent = self.down.len() + settings.nodes.len().saturating_sub(configured);
        match strangers.len() > silent {
            true => Err(Error::Strangers {
                cluster: settings.cluster.clone(),
                nodes: strangers,
            }),
            false => Ok(()),
        }
    }

    /// The version of the schema, which is the same on all nodes.
    pub(super) fn schema(&self, cluster: &str) -> Result<String, Error> {
        let versions: BTreeSet<&str> = self.nodes.values().map(|node| node.schema.as_str()).collect();
        match (versions.len(), versions.first()) {
            (1, Some(version)) => Ok((*version).to_owned()),
            (versions, _) => Err(Error::Disagreement {
                cluster: cluster.to_owned(),
                versions,
            }),
        }
    }

    /// The ring as a backup recorded it.
    pub(super) fn recorded(documents: &BTreeMap<String, String>) -> Option<Self> {
        serde_json::from_str(documents.get(DOCUMENT)?).ok()
    }

    /// What is kept with the backup: the ring, the schema as the server gives it, and the settings of every node.
    pub(super) async fn documents(
        &self,
        cql: &dyn Cql,
        settings: &Settings,
    ) -> Result<BTreeMap<String, String>, Error> {
        let mut documents = BTreeMap::new();
        let ring = serde_json::to_string_pretty(self).unwrap_or_default();
        documents.insert(DOCUMENT.to_owned(), ring + "\n");
        if let Some(name) = self.nodes.keys().next() {
            let schema = Schema::read(cql, settings.address(name)).await?;
            documents.insert(schema::DOCUMENT.to_owned(), schema.document());
            documents.insert("schema.cql".to_owned(), schema.script());
        }
        for name in self.nodes.keys() {
            let rows = match cql.ask(settings.address(name), SETTINGS).await {
                // A backup without them is partial: nothing says which directories the node has.
                Err(Error::Denied { .. }) => continue,
                rows => rows?,
            };
            let mut lines: Vec<String> = parameters(&rows)
                .map(|(name, value)| format!("{name} = {value}\n"))
                .collect();
            lines.sort();
            documents.insert(settings_of(name), lines.concat());
        }
        Ok(documents)
    }
}
