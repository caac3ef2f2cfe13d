//! What there is of a cluster: found, with where it was found, rather than configured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `cluster explore`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterExploration {
    /// The cluster's name.
    pub name: String,
    /// The driver of its database.
    pub driver: String,
    /// Nodes: those of the configuration, and others that these know.
    pub nodes: Vec<FoundNode>,
    /// What the nodes are: versions, places, topology.
    pub facts: Vec<FoundFact>,
    /// What the database runs with, by name.
    pub parameters: Vec<FoundFact>,
    /// What does not fit together, or could not be asked.
    pub problems: Vec<String>,
}

impl ClusterExploration {
    /// Who has a value, in short: the nodes, or `all` where it is every one of the configuration.
    #[must_use]
    pub fn who_has(&self, value: &FoundValue) -> String {
        let configured = self.nodes.iter().filter(|node| node.configured).count();
        match value.nodes.len() == configured {
            true => "all".to_owned(),
            false => value.nodes.join(", "),
        }
    }
}

/// A node that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundNode {
    /// Its name, or its address where it is not configured.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// Whether the configuration has it. Others are in no backup.
    pub configured: bool,
    /// Where it was found.
    pub source: String,
}

/// Something that nodes have a value of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundFact {
    /// What it is of.
    pub name: String,
    /// Whether each node is meant to have its own.
    pub own: bool,
    /// Its values: one where the nodes agree.
    pub values: Vec<FoundValue>,
}

impl FoundFact {
    /// Whether nodes disagree that should not.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.own && self.values.len() > 1
    }
}

/// A value, and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundValue {
    /// As it was found.
    pub value: String,
    /// The nodes that have it.
    pub nodes: Vec<String>,
    /// Where it was found.
    pub source: String,
}
