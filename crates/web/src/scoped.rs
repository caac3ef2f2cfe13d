//! A client for somebody who may only see and touch what is about some clusters.

mod requests;
mod schedules;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ostler_api::audit::{AuditList, AuditQuery};
use ostler_api::client::{LimitChange, Mark};
use ostler_api::document::{
    BackupDetail, BackupList, BackupSummary, ClusterExploration, ClusterInfo, ClusterList, ClusterStatus,
    ConnectionList, DatabaseList, Diff, FileList, KeyList, OperationDetail, OperationList, OperationSummary,
    VaultInfo, VaultList,
};
use ostler_api::metrics::Metrics;
use ostler_api::queue::{DatabaseChoice, QueueAnswer, QueueCall};
use ostler_api::reach::{cluster_of_host, host_of_cluster};
use ostler_api::request::{Filter, Plan, Request, Selector};
use ostler_api::retention::{PolicyPlace, RetentionAnswer, RetentionCall};
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_api::vault::NewVault;
use ostler_api::webhook::{WebhookAnswer, WebhookCall};
use ostler_api::{Client, Event};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, OperationCursor, OperationId};
use tokio::sync::mpsc;

use crate::refusal::Refusal;

/// Operations that are looked through at once for those of some clusters, after the first ones.
const AT_ONCE: std::ops::RangeInclusive<usize> = 100..=1000;

/// The client of these clusters. What is about anything else is not there; what is about no cluster is refused. A call that
/// is not known here is refused.
#[derive(Debug, Clone)]
pub(crate) struct Scoped {
    inner: Arc<dyn Client>,
    clusters: BTreeSet<String>,
}

impl Scoped {
    pub fn new(inner: Arc<dyn Client>, clusters: BTreeSet<String>) -> Self {
        Self { inner, clusters }
    }

    fn is_mine(&self, clusters: &BTreeSet<String>) -> bool {
        !clusters.is_empty() && clusters.is_subset(&self.clusters)
    }

    fn has(&self, backup: &BackupSummary) -> bool {
        backup
            .cluster()
            .is_some_and(|cluster| self.clusters.contains(cluster))
    }

    /// Refuses what is no name of a vault but a place, which may be anywhere on the server.
    fn vault_named(&self, vault: Option<&str>) -> Result<(), Failure> {
        match vault {
            Some(vault) if vault.contains('/') => self.outside("a place that is in no configuration"),
            _ => Ok(()),
        }
    }

    /// Refuses clusters that are not theirs, whether there is one of that name or not.
    fn named_mine(&self, cluster: &str) -> Result<(), Failure> {
        match self.clusters.contains(cluster) {
            true => Ok(()),
            false => self.outside("another cluster"),
        }
    }

    fn outside<T>(&self, what: &str) -> Result<T, Failure> {
        Err(outside(&self.clusters, what))
    }

    /// The backup that is meant, and what means it and no other. Those of other clusters are not there.
    async fn meant(&self, selector: &Selector) -> Result<(Selector, BackupDetail), Failure> {
        self.vault_named(selector.vault.as_deref())?;
        let wanted = selector.filter.host.as_deref().map(cluster_of_host);
        let mut found: Option<BackupDetail> = None;
        let mut failed = None;
        for cluster in &self.clusters {
            if wanted.is_some_and(|wanted| wanted != Some(cluster.as_str())) {
                continue;
            }
            let narrowed = Selector {
                filter: Filter {
                    host: Some(host_of_cluster(cluster)),
                    ..selector.filter.clone()
                },
                ..selector.clone()
            };
            match self.inner.backup(&narrowed).await {
                // Of several clusters' newest, the newest.
                Ok(detail) if self.has(&detail.summary) => {
                    if found
                        .as_ref()
                        .is_none_or(|known| known.summary.started < detail.summary.started)
                    {
                        found = Some(detail);
                    }
                }
                Ok(_) => {}
                Err(failure) => failed = Some(failure),
            }
        }
        match (found, failed) {
            (Some(detail), _) => {
                let pinned = Selector {
                    vault: Some(detail.summary.vault.clone()),
                    backup: detail.summary.id.to_string(),
                    filter: Filter {
                        host: detail.summary.source.as_ref().map(|source| source.host.clone()),
                        ..Filter::default()
                    },
                };
                Ok((pinned, detail))
            }
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(Failure::new(
                ErrorKind::NotFound,
                format!(
                    "there is no backup `{}` of {}",
                    selector.backup,
                    named(&self.clusters)
                ),
            )),
        }
    }

    /// The operation that is meant. Those of other clusters are not there.
    async fn operation_meant(&self, id: &str) -> Result<OperationDetail, Failure> {
        let gone = || Failure::new(ErrorKind::NotFound, format!("there is no operation `{id}`"));
        match self.inner.operation(id).await {
            Ok(detail) if self.is_mine(&detail.summary.clusters) => Ok(detail),
            // Why somebody else's cannot be told apart is told nobody.
            Ok(_) => Err(gone()),
            Err(failure) if matches!(failure.kind(), ErrorKind::NotFound | ErrorKind::Invalid) => Err(gone()),
            Err(failure) => Err(failure),
        }
    }

    async fn mine(&self, operation: OperationId) -> Result<(), Failure> {
        self.operation_meant(&operation.to_string()).await.map(drop)
    }
}

/// What somebody is told who asks for more than they may see.
pub(crate) fn outside(clusters: &BTreeSet<String>, what: &str) -> Failure {
    let message = format!("{what} is not about {} only", named(clusters));
    Refusal::failure(message, "ask an admin for a token without `--cluster`")
}

fn named(clusters: &BTreeSet<String>) -> String {
    let names: Vec<&str> = clusters.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => "any cluster".to_owned(),
        [one] => format!("cluster {one}"),
        several => format!("the clusters {}", several.join(", ")),
    }
}

#[async_trait]
impl Client for Scoped {
    async fn plan(&self, request: Request) -> Result<Plan, Failure> {
        let request = self.request(request).await?;
        self.inner.plan(request).await
    }

    async fn start(&self, plan: Plan) -> Result<OperationId, Failure> {
        self.request(plan.request.clone()).await?;
        match self.is_mine(&plan.clusters()) {
            true => self.inner.start(plan).await,
            false => self.outside("this plan"),
        }
    }

    async fn start_with_callback(&self, _: Plan, _: String) -> Result<OperationId, Failure> {
        self.outside("an address that the server calls")
    }

    async fn watch(&self, operation: OperationId) -> Result<mpsc::Receiver<Event>, Failure> {
        self.mine(operation).await?;
        self.inner.watch(operation).await
    }

    async fn cancel(&self, operation: OperationId, leave: bool) -> Result<(), Failure> {
        self.mine(operation).await?;
        self.inner.cancel(operation, leave).await
    }

    async fn limit(&self, operation: OperationId, change: LimitChange) -> Result<LimitChange, Failure> {
        self.mine(operation).await?;
        self.inner.limit(operation, change).await
    }

    async fn resume(&self, operation: OperationId) -> Result<(), Failure> {
        self.mine(operation).await?;
        self.inner.resume(operation).await
    }

    async fn operation(&self, id: &str) -> Result<OperationDetail, Failure> {
        self.operation_meant(id).await
    }

    async fn operations(
        &self,
        limit: usize,
        mut after: Option<OperationCursor>,
    ) -> Result<OperationList, Failure> {
        let mut operations = Vec::new();
        let mut asked = limit;
        loop {
            let page = self.inner.operations(asked, after).await?.operations;
            after = page.last().map(OperationSummary::cursor);
            let is_all = page.len() < asked;
            let mine = page.into_iter().filter(|one| self.is_mine(&one.clusters));
            operations.extend(mine.take(limit - operations.len()));
            if is_all || operations.len() == limit {
                return Ok(OperationList { operations });
            }
            asked = asked.clamp(*AT_ONCE.start(), *AT_ONCE.end());
        }
    }

    async fn export_operations(&self) -> Result<Vec<serde_json::Value>, Failure> {
        self.outside("the history of all operations")
    }

    async fn backups(&self, vault: Option<&str>, filter: &Filter) -> Result<BackupList, Failure> {
        self.vault_named(vault)?;
        let mut list = self.inner.backups(vault, filter).await?;
        list.backups.retain(|backup| self.has(backup));
        Ok(list)
    }

    async fn backup(&self, selector: &Selector) -> Result<BackupDetail, Failure> {
        Ok(self.meant(selector).await?.1)
    }

    async fn files(&self, selector: &Selector, path: Option<&Path>) -> Result<FileList, Failure> {
        let (selector, _) = self.meant(selector).await?;
        self.inner.files(&selector, path).await
    }

    async fn diff(&self, from: &Selector, to: &Selector) -> Result<Diff, Failure> {
        let ((from, _), (to, _)) = (self.meant(from).await?, self.meant(to).await?);
        self.inner.diff(&from, &to).await
    }

    async fn read_file(
        &self,
        selector: &Selector,
        path: &Path,
        allow_incomplete: bool,
    ) -> Result<mpsc::Receiver<Result<Vec<u8>, Failure>>, Failure> {
        let (selector, _) = self.meant(selector).await?;
        self.inner.read_file(&selector, path, allow_incomplete).await
    }

    async fn mark(&self, selector: &Selector, mark: Mark) -> Result<BackupId, Failure> {
        let (selector, _) = self.meant(selector).await?;
        self.inner.mark(&selector, mark).await
    }

    async fn vaults(&self) -> Result<VaultList, Failure> {
        self.outside("the list of vaults")
    }

    async fn vault(&self, _: Option<&str>) -> Result<VaultInfo, Failure> {
        self.outside("a vault")
    }

    async fn make_vault(&self, _: NewVault) -> Result<VaultInfo, Failure> {
        self.outside("a vault")
    }

    async fn keys(&self, _: Option<&str>) -> Result<KeyList, Failure> {
        self.outside("what opens a vault")
    }

    async fn clusters(&self) -> Result<ClusterList, Failure> {
        let mut list = self.inner.clusters().await?;
        list.clusters
            .retain(|cluster| self.clusters.contains(&cluster.name));
        Ok(list)
    }

    async fn cluster(&self, name: &str) -> Result<ClusterInfo, Failure> {
        self.named_mine(name)?;
        self.inner.cluster(name).await
    }

    async fn cluster_status(&self, name: &str) -> Result<ClusterStatus, Failure> {
        self.named_mine(name)?;
        self.inner.cluster_status(name).await
    }

    async fn cluster_exploration(&self, name: &str) -> Result<ClusterExploration, Failure> {
        self.named_mine(name)?;
        self.inner.cluster_exploration(name).await
    }

    async fn connections(&self) -> Result<ConnectionList, Failure> {
        self.outside("what the configuration names")
    }

    async fn databases(&self) -> Result<DatabaseList, Failure> {
        self.outside("the list of databases")
    }

    async fn queue(&self, _: &DatabaseChoice, _: QueueCall) -> Result<QueueAnswer, Failure> {
        self.outside("a database")
    }

    async fn retention(&self, _: &PolicyPlace, _: RetentionCall) -> Result<RetentionAnswer, Failure> {
        self.outside("a database")
    }

    async fn schedule(&self, call: ScheduleCall) -> Result<ScheduleAnswer, Failure> {
        self.scheduled(call).await
    }

    async fn webhook(&self, _: WebhookCall) -> Result<WebhookAnswer, Failure> {
        self.outside("a webhook")
    }

    async fn metrics(&self, _: bool) -> Result<Metrics, Failure> {
        self.outside("the list of all metrics")
    }

    async fn audit(&self, _: &AuditQuery) -> Result<AuditList, Failure> {
        self.outside("the audit log")
    }
}
