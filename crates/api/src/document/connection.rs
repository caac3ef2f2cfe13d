//! What the configuration names, and whether it can be reached, as documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `config check --connect`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionList {
    /// The state, then vaults, databases and nodes of clusters by name.
    pub connections: Vec<Connection>,
}

/// What is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionKind {
    /// Where Ostler keeps its own state.
    State,
    /// A vault.
    Vault,
    /// A database.
    Database,
    /// An agent on a node of a cluster.
    Node,
}

impl ConnectionKind {
    /// The word in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Vault => "vault",
            Self::Database => "database",
            Self::Node => "node",
        }
    }
}

/// Something that the configuration names, and what it answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// What it is.
    pub kind: ConnectionKind,
    /// Its name; of a node after the cluster's and a slash; empty for the state.
    pub name: String,
    /// Where it is, without a password.
    pub at: String,
    /// Whether it answered and is what it should be.
    pub ok: bool,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
    /// What was found there, or why nothing was, the outermost message first.
    pub said: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}
