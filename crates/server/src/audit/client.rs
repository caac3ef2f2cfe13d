//! A client that writes down what is asked of it.

use std::future::Future;
use std::path::Path;

use async_trait::async_trait;
use ostler_api::audit::{Actor, AuditList, AuditQuery};
use ostler_api::client::{LimitChange, Mark};
use ostler_api::document::{
    BackupDetail, BackupList, ClusterExploration, ClusterInfo, ClusterList, ClusterStatus, ConnectionList,
    DatabaseList, Diff, FileList, KeyList, OperationDetail, OperationList, VaultInfo, VaultList,
};
use ostler_api::metrics::Metrics;
use ostler_api::queue::{DatabaseChoice, QueueAnswer, QueueCall};
use ostler_api::request::{Filter, Plan, Request, Selector};
use ostler_api::retention::{PolicyPlace, RetentionAnswer, RetentionCall};
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_api::vault::NewVault;
use ostler_api::webhook::{WebhookAnswer, WebhookCall};
use ostler_api::{Client, Event};
use ostler_vocabulary::{BackupId, Failure, OperationCursor, OperationId};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::calls::{self, Named};
use super::secrets::hidden;
use crate::{AddVault, InitVault, Runtime};

/// The runtime for one caller. Every change that they ask for is in the log before it is made; one that cannot be written
/// down is not made.
#[derive(Debug, Clone)]
pub struct Audited {
    runtime: Runtime,
    by: Actor,
}

impl Audited {
    /// The runtime for this caller.
    #[must_use]
    pub fn new(runtime: Runtime, by: Actor) -> Self {
        Self { runtime, by }
    }

    /// Writes down a change that something else than a client makes. What was there before and is after is written without
    /// what is secret in it.
    ///
    /// # Errors
    /// Those of the change; and when it cannot be written down, before it is made.
    pub async fn change<T>(
        &self,
        (action, object): Named,
        before: Option<Value>,
        work: impl Future<Output = Result<T, Failure>>,
        after: impl FnOnce(&T) -> Option<Value>,
    ) -> Result<T, Failure> {
        let by = self.by.clone();
        let before = before.map(hidden);
        let asked = move |log: &super::Log| log.ask(&by, &action, &object, before.as_ref());
        let number = self.runtime.audit(asked).await?;
        let done = work.await;
        let went = match &done {
            Ok(value) => Ok(after(value).map(hidden)),
            Err(failure) => Err(failure.messages().join(": ")),
        };
        let ended = self
            .runtime
            .audit(move |log| log.end(number, went.as_ref().map(Option::as_ref).map_err(String::as_str)))
            .await;
        if let Err(error) = ended {
            // It was made, and cannot be taken back for that.
            tracing::error!(%error, number, "how a change went could not be written into the audit log");
        }
        done
    }

    async fn started(&self, plan: Plan, result_url: Option<String>) -> Result<OperationId, Failure> {
        let mut what = json!({ "digest": plan.digest, "request": plan.request });
        if let Some(url) = &result_url {
            what["result"] = json!({ "url": url });
        }
        let named = (calls::word(&what["request"], "kind"), plan.subject.clone());
        if self.runtime.is_unrecorded() && result_url.is_none() {
            // Only what changes nothing of a vault is started then, and it must not fail for want of a log.
            return self.runtime.start(plan).await;
        }
        let work = async {
            match result_url {
                Some(url) => self.runtime.start_with_callback(plan, url).await,
                None => self.runtime.start(plan).await,
            }
        };
        let after = |id: &OperationId| {
            what["operation"] = json!(id);
            Some(what)
        };
        self.change(named, None, work, after).await
    }

    /// Makes a vault as [`Runtime::init_vault`] does.
    ///
    /// # Errors
    /// Those; and when it cannot be written down, before it is made.
    pub async fn init_vault(&self, request: InitVault) -> Result<VaultInfo, Failure> {
        let name = request.vault.name.clone();
        let name = name.or_else(|| request.vault.location.clone());
        self.known("init", name, self.runtime.init_vault(request)).await
    }

    /// Adds a vault as [`Runtime::add_vault`] does.
    ///
    /// # Errors
    /// Those; and when it cannot be written down, before it is added.
    pub async fn add_vault(&self, request: AddVault) -> Result<VaultInfo, Failure> {
        let name = request.name.clone();
        let name = name.or_else(|| Some(request.location.clone()));
        self.known("add", name, self.runtime.add_vault(request)).await
    }

    /// A vault becomes known here.
    async fn known(
        &self,
        verb: &str,
        name: Option<String>,
        work: impl Future<Output = Result<VaultInfo, Failure>>,
    ) -> Result<VaultInfo, Failure> {
        let named = (
            format!("vault {verb}"),
            name.unwrap_or_else(|| "default".to_owned()),
        );
        let after = |vault: &VaultInfo| Some(json!({ "id": vault.id, "location": vault.summary.location }));
        self.change(named, None, work, after).await
    }

    /// A change of an operation that is there.
    async fn of_operation<T>(
        &self,
        verb: &str,
        operation: OperationId,
        after: Option<Value>,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let before = self.runtime.operation(&operation.to_string()).await.ok();
        let before = before.map(|detail| json!({ "state": detail.summary.state }));
        let named = (format!("operation {verb}"), operation.to_string());
        self.change(named, before, work, |_| after).await
    }
}

fn value(document: &impl Serialize) -> Option<Value> {
    serde_json::to_value(document).ok()
}

/// What marks change of a backup.
fn marks(detail: &BackupDetail) -> Value {
    json!({ "held": detail.summary.held, "hold_reason": detail.hold_reason, "tags": detail.summary.tags })
}

#[async_trait]
impl Client for Audited {
    async fn plan(&self, request: Request) -> Result<Plan, Failure> {
        self.runtime.plan(request).await
    }

    async fn start(&self, plan: Plan) -> Result<OperationId, Failure> {
        self.started(plan, None).await
    }

    async fn start_with_callback(&self, plan: Plan, result_url: String) -> Result<OperationId, Failure> {
        self.started(plan, Some(result_url)).await
    }

    async fn watch(&self, operation: OperationId) -> Result<mpsc::Receiver<Event>, Failure> {
        self.runtime.watch(operation).await
    }

    async fn cancel(&self, operation: OperationId, leave: bool) -> Result<(), Failure> {
        let work = self.runtime.cancel(operation, leave);
        let after = Some(json!({ "leave": leave }));
        self.of_operation("cancel", operation, after, work).await
    }

    async fn limit(&self, operation: OperationId, change: LimitChange) -> Result<LimitChange, Failure> {
        let work = self.runtime.limit(operation, change);
        self.of_operation("limit", operation, value(&change), work).await
    }

    async fn resume(&self, operation: OperationId) -> Result<(), Failure> {
        let work = self.runtime.resume(operation);
        self.of_operation("resume", operation, None, work).await
    }

    async fn operation(&self, id: &str) -> Result<OperationDetail, Failure> {
        self.runtime.operation(id).await
    }

    async fn operations(
        &self,
        limit: usize,
        after: Option<OperationCursor>,
    ) -> Result<OperationList, Failure> {
        self.runtime.operations(limit, after).await
    }

    async fn export_operations(&self) -> Result<Vec<Value>, Failure> {
        self.runtime.export_operations().await
    }

    async fn backups(&self, vault: Option<&str>, filter: &Filter) -> Result<BackupList, Failure> {
        self.runtime.backups(vault, filter).await
    }

    async fn backup(&self, selector: &Selector) -> Result<BackupDetail, Failure> {
        self.runtime.backup(selector).await
    }

    async fn files(&self, selector: &Selector, path: Option<&Path>) -> Result<FileList, Failure> {
        self.runtime.files(selector, path).await
    }

    async fn diff(&self, from: &Selector, to: &Selector) -> Result<Diff, Failure> {
        self.runtime.diff(from, to).await
    }

    async fn read_file(
        &self,
        selector: &Selector,
        path: &Path,
        allow_incomplete: bool,
    ) -> Result<mpsc::Receiver<Result<Vec<u8>, Failure>>, Failure> {
        self.runtime.read_file(selector, path, allow_incomplete).await
    }

    async fn mark(&self, selector: &Selector, mark: Mark) -> Result<BackupId, Failure> {
        let before = self.runtime.backup(selector).await?;
        let verb = calls::word(&value(&mark).unwrap_or_default(), "mark");
        let named = (format!("backup {verb}"), before.summary.id.to_string());
        let work = async {
            let id = self.runtime.mark(selector, mark).await?;
            let after = self.runtime.backup(selector).await.ok();
            Ok((id, after.as_ref().map(marks)))
        };
        let done = self.change(named, Some(marks(&before)), work, |(_, after)| after.clone());
        Ok(done.await?.0)
    }

    async fn vaults(&self) -> Result<VaultList, Failure> {
        self.runtime.vaults().await
    }

    async fn vault(&self, name: Option<&str>) -> Result<VaultInfo, Failure> {
        self.runtime.vault(name).await
    }

    async fn make_vault(&self, vault: NewVault) -> Result<VaultInfo, Failure> {
        let name = vault.name.clone().or_else(|| vault.location.clone());
        self.known("init", name, self.runtime.make_vault(vault)).await
    }

    async fn keys(&self, vault: Option<&str>) -> Result<KeyList, Failure> {
        self.runtime.keys(vault).await
    }

    async fn clusters(&self) -> Result<ClusterList, Failure> {
        self.runtime.clusters().await
    }

    async fn cluster(&self, name: &str) -> Result<ClusterInfo, Failure> {
        self.runtime.cluster(name).await
    }

    async fn cluster_status(&self, name: &str) -> Result<ClusterStatus, Failure> {
        self.runtime.cluster_status(name).await
    }

    async fn cluster_exploration(&self, name: &str) -> Result<ClusterExploration, Failure> {
        self.runtime.cluster_exploration(name).await
    }

    async fn connections(&self) -> Result<ConnectionList, Failure> {
        self.runtime.connections().await
    }

    async fn databases(&self) -> Result<DatabaseList, Failure> {
        self.runtime.databases().await
    }

    async fn queue(&self, database: &DatabaseChoice, call: QueueCall) -> Result<QueueAnswer, Failure> {
        let Some(named) = calls::queue(database, &call) else {
            return self.runtime.queue(database, call).await;
        };
        let work = self.runtime.queue(database, call);
        self.change(named, None, work, value).await
    }

    async fn retention(&self, place: &PolicyPlace, call: RetentionCall) -> Result<RetentionAnswer, Failure> {
        let Some(change) = calls::retention(place, &call) else {
            return self.runtime.retention(place, call).await;
        };
        let before = match change.look {
            Some(look) => {
                let was = self.runtime.retention(place, look).await;
                was.ok().as_ref().and_then(value)
            }
            None => None,
        };
        let work = self.runtime.retention(place, call);
        self.change(change.named, before, work, value).await
    }

    async fn schedule(&self, call: ScheduleCall) -> Result<ScheduleAnswer, Failure> {
        let Some(named) = calls::schedule(&call) else {
            return self.runtime.schedule(call).await;
        };
        let look = ScheduleCall::Show {
            name: named.1.clone(),
            limit: 0,
        };
        let before = match self.runtime.schedule(look).await {
            Ok(ScheduleAnswer::Detail(detail)) => value(&detail.summary.schedule),
            _ => None,
        };
        let removes = matches!(call, ScheduleCall::Remove { .. });
        let after = |answer: &ScheduleAnswer| match answer {
            ScheduleAnswer::Changed(change) if !removes => value(&change.schedule),
            ScheduleAnswer::Firing(firing) => value(firing),
            _ => None,
        };
        let work = self.runtime.schedule(call);
        self.change(named, before, work, after).await
    }

    async fn webhook(&self, call: WebhookCall) -> Result<WebhookAnswer, Failure> {
        let Some(named) = calls::webhook(&call) else {
            return self.runtime.webhook(call).await;
        };
        let before = match self.runtime.webhook(WebhookCall::List).await {
            Ok(WebhookAnswer::List(list)) => {
                let mut webhooks = list.webhooks.iter();
                webhooks.find(|webhook| webhook.name == named.1).and_then(value)
            }
            _ => None,
        };
        let removes = matches!(call, WebhookCall::Remove { .. });
        let after = |answer: &WebhookAnswer| match answer {
            WebhookAnswer::Changed(change) if !removes => value(&change.webhook),
            WebhookAnswer::Tested(delivery) => value(delivery),
            _ => None,
        };
        let work = self.runtime.webhook(call);
        self.change(named, before, work, after).await
    }

    async fn metrics(&self, refresh: bool) -> Result<Metrics, Failure> {
        self.runtime.metrics(refresh).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<AuditList, Failure> {
        let query = query.clone();
        let changes = self.runtime.audit(move |log| log.newest(&query)).await?;
        Ok(AuditList { changes })
    }
}
