//! The earlier backup of which unchanged files need not be read.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use ostler_api::document::{BackupState, Source};
use ostler_vault::{ClusterRecord, Record};
use ostler_vocabulary::{BackupId, Failure};
use serde::{Deserialize, Serialize};

use super::Create;
use crate::Context;
use crate::state::Backup;

/// What a plan says of the vault's backups counts so long.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// What the parent step found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(super) host: String,
    pub(super) parent: Option<Parent>,
}

impl Start {
    /// The backup whose unchanged files need not be read.
    pub(crate) fn parent(&self) -> Option<BackupId> {
        self.parent.as_ref().map(|parent| parent.id)
    }

    /// The parent's lists of a cluster, by part. A step's result is small, and clusters have many nodes: they are read anew.
    pub(crate) async fn lists(&self, context: &Context) -> BTreeMap<String, String> {
        let record = match &self.parent {
            Some(parent) => context.record(parent.id).await.ok(),
            None => None,
        };
        let parts = record.into_iter().flat_map(|record| record.nodes);
        parts.map(|part| (part.part(), part.list)).collect()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Parent {
    pub(super) id: BackupId,
    /// Empty for a cluster, which has many.
    #[serde(default)]
    pub(super) list: String,
}

/// The newest backup of the same source that was committed and is not damaged.
pub(crate) fn parent_of(backups: &[Backup], source: &Source) -> Option<BackupId> {
    backups
        .iter()
        .find(|b| {
            b.summary.source.as_ref() == Some(source)
                && matches!(
                    b.state(),
                    BackupState::Complete | BackupState::Verified | BackupState::Partial
                )
        })
        .map(Backup::id)
}

impl Parent {
    /// What a backup of this host, or of a cluster, is good for as a parent.
    fn of(record: Record, host: &str) -> Option<Self> {
        let id = record.backup;
        let list = match record.cluster {
            Some(_) => String::new(),
            None => record.nodes.into_iter().find(|node| node.host == host)?.list,
        };
        Some(Self { id, list })
    }
}

impl Create<'_> {
    pub(super) async fn choose_parent(&self) -> Result<Start, Failure> {
        self.op
            .step("choose parent")
            .retries(3)
            .run(|_| async {
                let host = match &self.context.cluster {
                    Some(cluster) => ClusterRecord::host_of(&cluster.name),
                    None => self.context.node.info().await?.host,
                };
                let source = Source {
                    host: host.clone(),
                    paths: self.request.paths.clone(),
                };
                let chosen = if self.is_planned_just_now() {
                    self.work.parent
                } else {
                    let backups = self.context.backups().await?;
                    let planned = self.work.parent.filter(|id| {
                        backups
                            .iter()
                            .any(|b| b.id() == *id && b.state() != BackupState::Damaged)
                    });
                    planned.or_else(|| parent_of(&backups, &source))
                };
                let parent = match chosen {
                    None => None,
                    // A parent only saves reading: one that cannot be read is none.
                    Some(id) => self
                        .context
                        .record(id)
                        .await
                        .ok()
                        .and_then(|record| Parent::of(record, &host)),
                };
                Ok(Start { host, parent })
            })
            .await
    }

    /// Whether the backups of the vault were listed so short a time ago that nobody needs to list them again.
    fn is_planned_just_now(&self) -> bool {
        let age = self.context.now().duration_since(self.planned);
        (SignedDuration::ZERO..FRESH).contains(&age)
    }
}
