//! Clusters as documents.

use std::collections::BTreeMap;

use ostler_vocabulary::BackupId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::node::NodeRoot;

/// `cluster list`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterList {
    /// By name.
    pub clusters: Vec<ClusterSummary>,
}

/// One row of `cluster list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterSummary {
    /// Its name.
    pub name: String,
    /// The vault its backups go to.
    pub vault: String,
    /// How many nodes it has.
    pub size: u64,
    /// How many a backup has to hold; all where it is not said.
    pub quorum: Option<u32>,
}

/// `cluster show`, and what `cluster init`, `add` and `remove` made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterInfo {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: ClusterSummary,
    /// The roots that backups hold; none named is all that the nodes have.
    pub roots: Vec<String>,
    /// What is left out.
    pub exclude: Vec<String>,
    /// Whether a drill can start its database on what it restored.
    #[serde(default)]
    pub drills_start: bool,
    /// Its nodes, by name.
    pub nodes: Vec<ClusterNodeInfo>,
}

/// A node of a cluster, as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterNodeInfo {
    /// Its name.
    pub name: String,
    /// Where its agent answers.
    pub address: String,
    /// What fails together with others of the same name, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Which part of the data it has, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The files that were just made for it, which go to the node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<std::path::PathBuf>,
}

/// `cluster status`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterStatus {
    /// The cluster's name.
    pub name: String,
    /// Its nodes, by name.
    pub nodes: Vec<NodeStatus>,
    /// What its database says, where one is configured and asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemStatus>,
}

/// `cluster adopt`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterAdoption {
    /// The cluster's name.
    pub name: String,
    /// The vault whose backups of it were adopted.
    pub vault: String,
    /// The nodes that go on with them, by name.
    pub nodes: Vec<AdoptedNode>,
}

/// A node that goes on with backups of its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdoptedNode {
    /// Its name.
    pub name: String,
    /// The backups that it knew nothing of.
    pub backups: Vec<BackupId>,
    /// Whether what it remembered was written on another machine.
    pub moved: bool,
}

/// How the database of a cluster stands, as its driver tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SystemStatus {
    /// The driver.
    pub driver: String,
    /// Facts, by name.
    pub facts: BTreeMap<String, String>,
    /// Counts, by name.
    pub counts: BTreeMap<String, u64>,
    /// What can be done with it now.
    pub actions: Vec<String>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// How a node stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// Where its agent should answer.
    pub address: String,
    /// Whether it does, is the node of this name, and can open its vault.
    pub ok: bool,
    /// The version of Ostler it runs.
    pub version: Option<String>,
    /// The version of the protocol that is spoken with it; `None` when there is none in common.
    pub protocol: Option<u32>,
    /// The directories it works in, with what is free there.
    pub roots: Vec<NodeRoot>,
    /// How far its clock is ahead of ours, in milliseconds.
    pub clock_off_ms: Option<i64>,
    /// What is wrong.
    pub problem: Option<String>,
}
