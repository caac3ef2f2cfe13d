//! From the first look at a system to files that hold still, counted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::join_all;
use ostler_api::document::BackupCounts;
use ostler_vocabulary::{Failure, Progress, Unit};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::answers::Answers;
use super::create::{Part, selection};
use super::system::enough;
use super::{Cluster, Member};
use crate::create::Create;
use crate::demand::{self, Counted};
use crate::driver::{Look, Take};

/// What holds still, as its step records it. No node has a `:` in its name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Frozen {
    /// Snapshots as they were counted, by part; none in steps of earlier versions.
    #[serde(default, rename = ":counted", skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) counted: BTreeMap<String, Counted>,
    /// Nodes on which nothing holds still, and why.
    #[serde(flatten)]
    pub(super) failed: BTreeMap<String, String>,
}

impl Frozen {
    /// Where nothing is counted.
    pub(super) fn not_counted(failed: BTreeMap<String, String>) -> Self {
        Self {
            failed,
            ..Self::default()
        }
    }
}

impl Create<'_> {
    /// The first look at the system. Nodes that do not run are in it. Roots that do not cover what a node keeps are refused.
    pub(super) async fn look_before(
        &self,
        cluster: &Cluster,
        answers: &Answers,
        suffix: &str,
    ) -> Result<Look, Failure> {
        let nodes = &cluster.of(answers);
        self.keyed("look at the system", suffix)
            .retries(3)
            .run(|_| async {
                let look = cluster.driver.look(nodes).await?;
                let mut roots: BTreeMap<String, Vec<Vec<PathBuf>>> = BTreeMap::new();
                for part in self.parts(answers) {
                    let names = std::iter::once(part.root.path).chain(part.root.configured);
                    roots.entry(part.node).or_default().push(names.collect());
                }
                demand::covered(&cluster.driver.demands(&look.documents), &roots)?;
                Ok(look)
            })
            .await
    }

    /// Has the database hold still, and counts what does. Whatever comes of the backup, it is let go again.
    pub(super) async fn freeze(
        &self,
        cluster: &Arc<Cluster>,
        parts: &[Part],
        least: usize,
        suffix: &str,
    ) -> Result<Frozen, Failure> {
        let mut nodes: Vec<Member> = Vec::new();
        for part in parts {
            if !nodes.iter().any(|node| node.name == part.node) {
                nodes.push(cluster.named(&part.node)?.clone());
            }
        }
        let (kept, of) = (Arc::clone(cluster), nodes.clone());
        let nodes = &nodes;
        self.keyed("freeze", suffix)
            .retries(2)
            .run_with_undo(
                |step| async move {
                    let mut failed = cluster.driver.freeze(nodes, &step.cancelled).await?;
                    let is_frozen = |part: &&Part| !failed.iter().any(|(node, _)| *node == part.node);
                    let frozen: Vec<&Part> = parts.iter().filter(is_frozen).collect();
                    let (counted, not_counted) = self.count(cluster, &frozen, &step.cancelled).await;
                    failed.extend(not_counted);
                    Ok(Frozen {
                        counted,
                        failed: enough(cluster, nodes, failed, least)?,
                    })
                },
                move |_| {
                    let (cluster, nodes) = (Arc::clone(&kept), of.clone());
                    async move { cluster.driver.release(&nodes).await }
                },
            )
            .await
    }

    /// Counts the snapshots of these parts, where the driver makes some, and gives the nodes that did not answer.
    async fn count(
        &self,
        cluster: &Cluster,
        parts: &[&Part],
        cancel: &CancellationToken,
    ) -> (BTreeMap<String, Counted>, Vec<(String, Failure)>) {
        let (mut counted, mut failed) = (BTreeMap::new(), Vec::<(String, Failure)>::new());
        let take = cluster.driver.take();
        if take.frozen.is_none() {
            return (counted, failed);
        }
        for some in parts.chunks(cluster.limit.max(1)) {
            let counting = some
                .iter()
                .map(|part| self.count_part(cluster, part, &take, cancel));
            for (part, result) in some.iter().zip(join_all(counting).await) {
                match result {
                    Ok(snapshot) => {
                        counted.insert(part.name(), snapshot);
                    }
                    Err(failure) if failed.iter().any(|(node, _)| *node == part.node) => {
                        tracing::warn!(part = part.name(), %failure, "its snapshot was not counted");
                    }
                    Err(failure) => failed.push((part.node.clone(), failure)),
                }
            }
        }
        (counted, failed)
    }

    async fn count_part(
        &self,
        cluster: &Cluster,
        part: &Part,
        take: &Take,
        cancel: &CancellationToken,
    ) -> Result<Counted, Failure> {
        let node = cluster.member(&part.node)?;
        let wanted = selection(&self.request, &part.root, take);
        let progress = Progress::new(Unit::Files);
        let failed =
            |failure: Failure| failure.context(format!("cannot count the snapshot of {}", part.name()));
        let counts: BackupCounts = node.survey(&wanted, &progress, cancel).await.map_err(failed)?;
        let mut excluded = 0;
        if !self.request.exclude.is_empty() {
            let mut all = wanted;
            all.exclude.clone_from(&take.exclude);
            let all = node.survey(&all, &progress, cancel).await.map_err(failed)?;
            excluded = all.files.saturating_sub(counts.files);
        }
        Ok(Counted {
            at: self.context.now(),
            files: counts.files,
            bytes: counts.bytes,
            excluded,
        })
    }
}
