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
        drills_start: false,
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
            configured: None,
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

/// `cluster explore`
#[must_use]
pub fn cluster_exploration() -> ClusterExploration {
    let node = |name: &str, address: &str, configured| FoundNode {
        name: name.into(),
        address: address.into(),
        configured,
        source: if configured {
            "configuration"
        } else {
            "system.peers_v2 of a"
        }
        .into(),
    };
    let fact = |name: &str, source: &str, values: &[(&str, &[&str])]| FoundFact {
        name: name.into(),
        own: false,
        values: values
            .iter()
            .map(|(value, nodes)| FoundValue {
                value: (*value).into(),
                nodes: nodes.iter().map(|node| (*node).into()).collect(),
                source: source.into(),
            })
            .collect(),
    };
    let (both, settings) = (&["a", "b"][..], "system_views.settings");
    ClusterExploration {
        name: "shop".into(),
        driver: "cassandra".into(),
        nodes: vec![
            node("a", "a.example.net:7447", true),
            node("b", "b.example.net:7447", true),
            node("10.0.0.4", "10.0.0.4", false),
        ],
        facts: vec![
            fact("ostler", "agent", &[("0.1.0", both)]),
            fact("version", "system.local", &[("5.0.9", both)]),
        ],
        parameters: vec![
            fact("concurrent_reads", settings, &[("32", &["a"]), ("64", &["b"])]),
            fact("num_tokens", settings, &[("16", both)]),
        ],
        problems: vec!["concurrent_reads differs: 32 on a; 64 on b".into()],
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
