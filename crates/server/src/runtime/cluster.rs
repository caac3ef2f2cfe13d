//! Clusters of the configuration: the ways to their nodes, and how they stand.

mod asking;
mod database;
mod init;

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_api::document::{ClusterAdoption, ClusterInfo, ClusterList, ClusterNodeInfo, ClusterSummary};
use ostler_api::node::Epoch;
use ostler_api::request::{Request, Selector};
use ostler_backup::Context;
use ostler_backup::cluster::{Cluster, Clusters, Member, identity};
use ostler_backup::demand::Demand;
use ostler_vault::NodePlace;
use ostler_vocabulary::{ErrorKind, Failure, VaultId};
use ostler_wire::{Identity, RemoteNode, Target, connector};

use super::Runtime;
use crate::Error;
use crate::agent::text;
use crate::settings::file;
pub use init::{ClusterInit, NodeAddress};

/// The clusters of a runtime, for backups in one vault.
#[derive(Debug)]
pub(super) struct Configured {
    pub(super) runtime: Runtime,
    pub(super) vault: VaultId,
}

impl Clusters for Configured {
    fn open(&self, name: &str) -> Result<Arc<Cluster>, Failure> {
        self.runtime.open_cluster(name, self.vault).map(Arc::new)
    }

    fn demands(&self, driver: &str, documents: &BTreeMap<String, String>) -> BTreeMap<String, Demand> {
        let entry = ostler_drivers::DRIVERS.iter().find(|entry| entry.name == driver);
        entry.map(|entry| (entry.demands)(documents)).unwrap_or_default()
    }
}

fn members(ways: Vec<(String, RemoteNode)>) -> Vec<Member> {
    let member = |(name, way)| Member {
        name,
        node: Arc::new(way) as Arc<dyn ostler_api::Node>,
    };
    ways.into_iter().map(member).collect()
}

/// Where the nodes are, as far as that is told.
fn places(configured: &file::Cluster) -> BTreeMap<String, NodePlace> {
    let place = |node: &file::ClusterNode| NodePlace {
        zone: node.zone.clone(),
        shard: node.shard.clone(),
    };
    let all = configured
        .node
        .iter()
        .map(|(name, node)| (name.clone(), place(node)));
    all.filter(|(_, place)| *place != NodePlace::default()).collect()
}

impl Runtime {
    /// The cluster of this name in the configuration.
    pub(super) fn configured_cluster(&self, name: &str) -> Result<&file::Cluster, Failure> {
        let clusters = &self.inner.settings.file.cluster;
        clusters.get(name).ok_or_else(|| {
            let known: Vec<&str> = clusters.keys().map(String::as_str).collect();
            let hint = match known.as_slice() {
                [] => "make one: `ostler cluster init`".to_owned(),
                known => format!("there are: {}", known.join(", ")),
            };
            Error::Request {
                message: format!("no cluster is called `{name}`"),
                kind: ErrorKind::NotFound,
                hint: Some(hint),
            }
            .into()
        })
    }

    /// The cluster that a request is about, with the ways to its nodes.
    pub(super) fn cluster_of(
        &self,
        request: &Request,
        vault: VaultId,
    ) -> Result<Option<Arc<Cluster>>, Failure> {
        let name = match request {
            Request::CreateBackup(request) => request.cluster.as_deref(),
            Request::Restore(request) => request.onto.as_ref().map(|onto| onto.cluster.as_str()),
            _ => None,
        };
        name.map(|name| self.open_cluster(name, vault).map(Arc::new))
            .transpose()
    }

    fn open_cluster(&self, name: &str, vault: VaultId) -> Result<Cluster, Failure> {
        let configured = self.configured_cluster(name)?;
        let epoch = Epoch::default();
        let ways = self.ways(name, configured, vault, &epoch)?;
        if ways.is_empty() {
            return Err(Error::Request {
                message: format!("cluster `{name}` has no nodes"),
                kind: ErrorKind::Invalid,
                hint: Some(format!("add one: `ostler cluster add {name} NODE=HOST:PORT`")),
            }
            .into());
        }
        Ok(Cluster {
            name: name.to_owned(),
            driver: self.driver(name, configured)?,
            members: members(ways),
            places: places(configured),
            quorum: configured.quorum,
            limit: configured.limit as usize,
            epoch,
        })
    }

    fn ways(
        &self,
        name: &str,
        configured: &file::Cluster,
        vault: VaultId,
        epoch: &Epoch,
    ) -> Result<Vec<(String, RemoteNode)>, Failure> {
        let settings = &self.inner.settings;
        let incomplete = |key: &str| Error::Setting {
            file: settings.config_file.display().to_string(),
            key: format!("cluster.{name}.{key}"),
            reason: "it is needed to reach the agents".to_owned(),
            cure: "`ostler cluster init` writes it".to_owned(),
        };
        let authority = configured
            .authority
            .as_ref()
            .ok_or_else(|| incomplete("authority"))?;
        let own = match (&configured.certificate, &configured.key) {
            (Some(certificate), Some(key)) => Some(Identity {
                certificate: text(settings, certificate)?,
                key: self.secret("the cluster's key", key)?,
            }),
            (None, None) => None,
            (Some(_), None) => return Err(incomplete("key").into()),
            (None, Some(_)) => return Err(incomplete("certificate").into()),
        };
        let token = configured
            .token
            .as_ref()
            .map(|token| self.secret("the cluster's token", token))
            .transpose()?;
        let tls = connector(own.as_ref(), &text(settings, authority)?)?;
        let ways = configured.node.iter().map(|(node, told)| {
            let target = Target {
                node: node.clone(),
                address: told.address.clone(),
                certificate_name: told.certificate_name.clone(),
                tls: tls.clone(),
                token: token.clone(),
                patience: configured.patience.0,
            };
            (node.clone(), RemoteNode::new(target, name, vault, epoch.clone()))
        });
        Ok(ways.collect())
    }

    /// Where a restore onto a cluster looks for its backup: the cluster's vault, unless somebody says another.
    pub(super) fn in_vault_of(&self, selector: &mut Selector, cluster: &str) -> Result<(), Failure> {
        let configured = self.configured_cluster(cluster)?;
        if selector.vault.is_none() {
            selector.vault.clone_from(&configured.vault);
        }
        Ok(())
    }

    /// A context that has the cluster of the request.
    pub(super) fn with_cluster(&self, context: Context, request: &Request) -> Result<Context, Failure> {
        let cluster = self.cluster_of(request, context.vault.id())?;
        Ok(Context { cluster, ..context })
    }

    /// The clusters of the configuration.
    pub(super) fn list_clusters(&self) -> ClusterList {
        let clusters = self.inner.settings.file.cluster.iter();
        ClusterList {
            clusters: clusters
                .map(|(name, cluster)| ClusterSummary {
                    name: name.clone(),
                    vault: self.present_vault(cluster.vault.as_deref()),
                    size: cluster.node.len() as u64,
                    quorum: cluster.quorum,
                })
                .collect(),
        }
    }

    /// What the configuration says of a cluster.
    ///
    /// # Errors
    /// `NotFound`
    pub fn cluster_info(&self, name: &str) -> Result<ClusterInfo, Failure> {
        let cluster = self.configured_cluster(name)?;
        Ok(ClusterInfo {
            summary: ClusterSummary {
                name: name.to_owned(),
                vault: self.present_vault(cluster.vault.as_deref()),
                size: cluster.node.len() as u64,
                quorum: cluster.quorum,
            },
            roots: cluster.roots.clone(),
            exclude: cluster.exclude.clone(),
            drills_start: self.driver(name, cluster).is_ok_and(|driver| driver.rehearses()),
            nodes: cluster
                .node
                .iter()
                .map(|(name, node)| ClusterNodeInfo {
                    name: name.clone(),
                    address: node.address.clone(),
                    zone: node.zone.clone(),
                    shard: node.shard.clone(),
                    files: Vec::new(),
                })
                .collect(),
        })
    }

    /// Lets nodes of a cluster go on with the backups that its vault has of it; all of them where none is named.
    ///
    /// # Errors
    /// `NotFound` for a cluster or node that is not configured; a vault that cannot be opened, a node that does not answer.
    pub async fn adopt_nodes(&self, name: &str, nodes: &[String]) -> Result<ClusterAdoption, Failure> {
        let vault = self.configured_cluster(name)?.vault.clone();
        let context = self.context_of(vault.as_deref()).await?;
        let cluster = self.open_cluster(name, context.vault.id())?;
        identity::adopt(&context, &cluster, nodes).await
    }
}
