//! Clusters.

use ostler_api::document::*;
use ostler_api::node::NodeRoot;
use ostler_vocabulary::BackupId;

use crate::progress::{Row, Rows, Standing};

fn summary() -> ClusterSummary {
    ClusterSummary {
        name: "shop".into(),
        vault: "main".into(),
        size: 3,
        quorum: None,
    }
}

/// `cluster list`
#[must_use]
pub fn cluster_list() -> ClusterList {
    ClusterList {
        clusters: vec![summary()],
    }
}

/// `cluster show`
#[must_use]
pub fn cluster_info() -> ClusterInfo {
    let node = |name: &str| ClusterNodeInfo {
        name: name.into(),
        address: format!("{name}.example.net:7447"),
        zone: Some(format!("eu-1{name}")),
        shard: None,
        files: vec![],
    };
    ClusterInfo {
        summary: summary(),
        roots: vec!["data".into()],
        exclude: vec![],
        nodes: ["a", "b", "c"].map(node).into(),
    }
}

/// `cluster status`
#[must_use]
pub fn cluster_status() -> ClusterStatus {
    let up = |name: &str| NodeStatus {
        name: name.into(),
        address: format!("{name}.example.net:7447"),
        ok: true,
        version: Some("0.1.0".into()),
        protocol: Some(2),
        roots: vec![NodeRoot {
            name: "data".into(),
            path: "/var/lib/shop".into(),
            free: 34_359_738_368,
        }],
        clock_off_ms: Some(3),
        problem: None,
    };
    let down = NodeStatus {
        ok: false,
        version: None,
        protocol: None,
        roots: vec![],
        clock_off_ms: None,
        problem: Some("cannot reach the agent of node `c` at c.example.net:7447".into()),
        ..up("c")
    };
    ClusterStatus {
        name: "shop".into(),
        nodes: vec![up("a"), up("b"), down],
        system: Some(SystemStatus {
            driver: "cassandra".into(),
            facts: [("version".into(), "5.0.9".into())].into(),
            counts: [("nodes that answer".into(), 3)].into(),
            actions: vec!["clear-snapshots".into()],
            problems: vec![],
        }),
    }
}

/// `cluster adopt`
#[must_use]
pub fn cluster_adoption() -> ClusterAdoption {
    ClusterAdoption {
        name: "shop".into(),
        vault: "main".into(),
        nodes: vec![AdoptedNode {
            name: "c".into(),
            backups: vec![BackupId::from_bytes([7; 16])],
            moved: false,
        }],
    }
}

/// `operation watch`, of an operation on a cluster
#[must_use]
pub(crate) fn operation_nodes() -> Rows {
    let row = |node: &str, bytes, state| Row {
        node: node.into(),
        phase: "upload".into(),
        state,
        files: bytes >> 14,
        bytes,
        total_bytes: Some(4 << 30),
        rate: None,
        eta_seconds: None,
    };
    let running = Row {
        rate: Some(100 << 20),
        eta_seconds: Some(31),
        ..row("a", 1 << 30, Standing::Running)
    };
    Rows {
        operation: super::operation_id(1),
        nodes: vec![running, row("b", 4 << 30, Standing::Done)],
    }
}
