//! Clusters.

use ostler_api::document::*;
use ostler_api::node::NodeRoot;

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
