//! What can go wrong with a database.

use ostler_vocabulary::{Classified, ErrorKind};

/// What can go wrong between us and the database of a cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such driver.
    #[error("cluster `{cluster}`: there is no driver `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The cluster.
        cluster: String,
    },
    /// An option that the driver does not know, or cannot use.
    #[error("cluster `{cluster}`: the driver `{driver}` cannot use the option `{key}`: {reason}")]
    Option {
        /// The driver.
        driver: &'static str,
        /// The cluster.
        cluster: String,
        /// The option.
        key: String,
        /// Why not.
        reason: String,
    },
    /// The database does not answer.
    #[error("cannot reach Cassandra at {address}")]
    Unreachable {
        /// Where.
        address: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It has not proven who it is, or does not believe us.
    #[error("cannot reach Cassandra at {address} by TLS as configured: {reason}")]
    Untrusted {
        /// Where.
        address: String,
        /// Why not.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// It does not let the configured role in, or do that.
    #[error("Cassandra at {address} refuses {what}: {reason}")]
    Denied {
        /// Where.
        address: String,
        /// What was refused.
        what: String,
        /// What it says.
        reason: String,
    },
    /// It does not do what it was asked for.
    #[error("Cassandra at {address} does not answer `{statement}`")]
    Query {
        /// Where.
        address: String,
        /// The head of the statement.
        statement: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It said something that makes no sense.
    #[error("Cassandra at {address} answers `{statement}` without {lacks}")]
    Answer {
        /// Where.
        address: String,
        /// The head of the statement.
        statement: String,
        /// What is missing.
        lacks: String,
    },
    /// Nodes have other schemas than others.
    #[error("the nodes of cluster `{cluster}` have {versions} versions of the schema")]
    Disagreement {
        /// The cluster.
        cluster: String,
        /// How many.
        versions: usize,
    },
    /// The ring has nodes that the cluster has not.
    #[error("the ring of cluster `{cluster}` has nodes that no agent is for: {}", nodes.join(", "))]
    Strangers {
        /// The cluster.
        cluster: String,
        /// Their addresses.
        nodes: Vec<String>,
    },
    /// Two nodes of the configuration are one node of the ring.
    #[error("nodes `{one}` and `{other}` of cluster `{cluster}` are the same node of the ring")]
    Same {
        /// The cluster.
        cluster: String,
        /// One of them.
        one: String,
        /// The other.
        other: String,
    },
    /// A command of an agent failed.
    #[error("the command `{command}` of node `{node}` {ended}")]
    Command {
        /// Its name.
        command: String,
        /// The node.
        node: String,
        /// How, and what it said.
        ended: String,
        /// Whether it ended with the exit code of a refusal.
        denied: bool,
    },
    /// The database runs where it must not.
    #[error("Cassandra runs on node `{node}`: {how}")]
    Running {
        /// The node.
        node: String,
        /// How that is known.
        how: String,
    },
    /// What has to be known of a backup is not in it.
    #[error("the backup lacks `{document}`, which a restore of this kind needs")]
    Unrecorded {
        /// The document.
        document: &'static str,
    },
    /// A backup that is older than deletions are remembered.
    #[error("{reason}")]
    Stale {
        /// Of which tables, and what would happen.
        reason: String,
    },
    /// Something that cannot be loaded as it was asked for.
    #[error("{what} {reason}")]
    Load {
        /// The keyspace, table or view.
        what: String,
        /// Why not, as the end of a sentence.
        reason: String,
        /// What to do instead.
        hint: &'static str,
    },
    /// A node does not start on what was restored.
    #[error("Cassandra of node `{node}` does not start on what was restored: {reason}")]
    Scratch {
        /// The node.
        node: String,
        /// Why not, with the end of what it said.
        reason: String,
    },
    /// No such action.
    #[error("the driver `{driver}` has no action `{action}`")]
    Action {
        /// The driver.
        driver: &'static str,
        /// What was asked for.
        action: String,
    },
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown { .. } | Self::Option { .. } | Self::Strangers { .. } | Self::Same { .. } => {
                ErrorKind::Invalid
            }
            Self::Unreachable { .. } | Self::Disagreement { .. } => ErrorKind::Unavailable,
            Self::Untrusted { .. } | Self::Denied { .. } | Self::Command { denied: true, .. } => {
                ErrorKind::Denied
            }
            Self::Query { .. } | Self::Command { .. } | Self::Scratch { .. } => ErrorKind::Internal,
            Self::Answer { .. } => ErrorKind::Unsupported,
            Self::Running { .. } => ErrorKind::Busy,
            Self::Stale { .. } | Self::Load { .. } => ErrorKind::Refused,
            Self::Unrecorded { .. } => ErrorKind::Unsupported,
            Self::Action { .. } => ErrorKind::NotFound,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unknown { .. } => {
                let names: Vec<&str> = crate::DRIVERS.iter().map(|entry| entry.name).collect();
                return Some(format!("there are: {}", names.join(", ")));
            }
            Self::Unreachable { .. } => {
                "[cluster.NAME.node.NODE] database says where it answers, and [cluster.NAME.driver] who signs in"
            }
            Self::Denied { .. } => {
                "[cluster.NAME.driver] user says who signs in; `GRANT SELECT ON ALL KEYSPACES TO ROLE` lets a role read"
            }
            Self::Disagreement { .. } => "wait until `nodetool describecluster` shows one version",
            Self::Strangers { .. } => {
                "`ostler cluster add` adds a node; the option `datacenter` backs up only one datacenter"
            }
            Self::Same { .. } => "look at `database` in [cluster.NAME.node.NODE]",
            Self::Command { .. } => {
                "`ostler agent -v` logs what it is asked for; try the command on that node"
            }
            Self::Running { .. } => "stop it on every node that is restored; nothing was written",
            Self::Action { .. } => "`ostler cluster status` lists them",
            Self::Unrecorded { .. } => {
                "make another backup; that one can be restored as files, onto all nodes"
            }
            Self::Stale { .. } => {
                "restore a newer backup, or let the ring rebuild what was lost; --allow-stale restores it all the same"
            }
            Self::Scratch { .. } => {
                "`scratch_start` and the other options in [cluster.NAME.driver.options] say how a node is started on this machine"
            }
            Self::Untrusted { hint, .. } => return Some(hint.clone()),
            Self::Load { hint, .. } => hint,
            Self::Option { .. } | Self::Query { .. } | Self::Answer { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
