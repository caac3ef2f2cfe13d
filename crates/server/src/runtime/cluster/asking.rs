//! What the nodes of a cluster and its database answer: how they are, and what there is of them.

use std::time::Duration;

use jiff::SignedDuration;
use ostler_api::Node as _;
use ostler_api::document::{ClusterExploration, ClusterStatus, FoundNode, NodeStatus, SystemStatus};
use ostler_api::node::Epoch;
use ostler_backup::cluster::Member;
use ostler_backup::cluster::explore::{About, Finding, Findings, arrange};
use ostler_backup::driver::FILES;
use ostler_vocabulary::{Failure, VaultId};
use ostler_wire::RemoteNode;

use super::members;
use crate::runtime::Runtime;
use crate::settings::file;

/// A clock that differs by more is told of.
const SKEW: SignedDuration = SignedDuration::from_secs(2);
/// Where what agents say was found.
const AGENT: &str = "agent";

impl Runtime {
    /// Asks every node how it is.
    pub(in crate::runtime) async fn ask_cluster(&self, name: &str) -> Result<ClusterStatus, Failure> {
        let configured = self.configured_cluster(name)?;
        let ways = self.idle_ways(name, configured)?;
        Ok(ClusterStatus {
            name: name.to_owned(),
            nodes: self.ask_agents(configured, &ways).await,
            system: self.system_status(name, configured, members(ways)).await?,
        })
    }

    /// What there is of a cluster: what its agents and its database say, with where they say it.
    pub(in crate::runtime) async fn explore_cluster(
        &self,
        name: &str,
    ) -> Result<ClusterExploration, Failure> {
        let configured = self.configured_cluster(name)?;
        let ways = self.idle_ways(name, configured)?;
        let driver = self.driver(name, configured)?;
        let mut found = Findings::default();
        for node in self.ask_agents(configured, &ways).await {
            found.add(findings(&node));
        }
        match driver.explore(&members(ways)).await {
            Ok(of_database) => found.add(of_database),
            Err(failure) => found.problems.push(failure.messages().join(": ")),
        }
        Ok(arrange(name, driver.name(), found))
    }

    /// Ways to the nodes for who only asks: under no lease, about no vault.
    fn idle_ways(
        &self,
        name: &str,
        configured: &file::Cluster,
    ) -> Result<Vec<(String, RemoteNode)>, Failure> {
        self.ways(name, configured, VaultId::from_bytes([0; 16]), &Epoch::default())
    }

    async fn ask_agents(&self, configured: &file::Cluster, ways: &[(String, RemoteNode)]) -> Vec<NodeStatus> {
        let asking = ways.iter().map(|(node, way)| async {
            let begun = self.inner.clock.monotonic();
            let answered = async { Ok::<_, Failure>((way.versions().await?, way.info().await?)) }.await;
            let took = self.inner.clock.monotonic().saturating_sub(begun);
            self.status_of(node, &configured.node[node].address, answered, took)
        });
        futures::future::join_all(asking).await
    }

    /// What the database says, where there is one.
    async fn system_status(
        &self,
        name: &str,
        configured: &file::Cluster,
        members: Vec<Member>,
    ) -> Result<Option<SystemStatus>, Failure> {
        if configured.driver.name == FILES {
            return Ok(None);
        }
        let driver = self.driver(name, configured)?;
        let status = driver
            .status(&members)
            .await
            .unwrap_or_else(|failure| SystemStatus {
                driver: driver.name().to_owned(),
                problems: vec![failure.messages().join(": ")],
                ..SystemStatus::default()
            });
        Ok(Some(status))
    }

    fn status_of(
        &self,
        node: &str,
        address: &str,
        answered: Result<(ostler_wire::Versions, ostler_api::node::NodeInfo), Failure>,
        took: Duration,
    ) -> NodeStatus {
        let mut status = NodeStatus {
            name: node.to_owned(),
            address: address.to_owned(),
            ok: false,
            version: None,
            protocol: None,
            roots: Vec::new(),
            clock_off_ms: None,
            problem: None,
        };
        let (versions, info) = match answered {
            Ok(answered) => answered,
            Err(failure) => {
                status.problem = Some(failure.messages().join(": "));
                return status;
            }
        };
        status.ok = true;
        status.version = Some(info.version);
        status.protocol = ostler_wire::Versions::own().common(&versions, node).ok();
        status.roots = info.roots;
        if let Some(clock) = info.clock {
            // It said so at some time while it was asked.
            let off = clock.duration_since(self.inner.clock.now());
            let slack = SKEW + SignedDuration::try_from(took).unwrap_or(SignedDuration::ZERO);
            status.clock_off_ms = i64::try_from(off.as_millis()).ok();
            if off.abs() > slack {
                status.problem = Some(format!("its clock differs by {} s", off.as_secs()));
            }
        }
        if let Some(problem) = info.vault_problem {
            status.ok = false;
            let all = status.problem.into_iter().chain([problem]);
            status.problem = Some(all.collect::<Vec<_>>().join("; "));
        }
        if info.node.as_deref() != Some(node) {
            status.ok = false;
            let said = info.node.unwrap_or(info.host);
            status.problem = Some(format!("`{said}` answers there"));
        }
        status
    }
}

/// What an agent said, as findings.
fn findings(status: &NodeStatus) -> Findings {
    let finding = |name: String, value: String, own| Finding {
        about: About::Node,
        node: status.name.clone(),
        name,
        value,
        source: AGENT,
        own,
    };
    let version = status.version.iter();
    let version = version.map(|version| finding("ostler".to_owned(), version.clone(), false));
    let protocol = status.protocol.iter();
    let protocol = protocol.map(|version| finding("protocol".to_owned(), version.to_string(), false));
    let roots = status.roots.iter().map(|root| {
        let place = root.path.display().to_string();
        finding(format!("root {}", root.name), place, true)
    });
    let problem = status.problem.iter();
    Findings {
        nodes: vec![FoundNode {
            name: status.name.clone(),
            address: status.address.clone(),
            configured: true,
            source: "configuration".to_owned(),
        }],
        findings: version.chain(protocol).chain(roots).collect(),
        problems: problem
            .map(|problem| format!("node `{}`: {problem}", status.name))
            .collect(),
    }
}
