//! A [`Client`] over the API of a server.

mod answers;
mod events;
mod exchange;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, header};
use ostler_api::audit::{AuditList, AuditQuery};
use ostler_api::client::{Event, LimitChange, Mark};
use ostler_api::document::{
    BackupDetail, BackupList, ClusterExploration, ClusterInfo, ClusterList, ClusterStatus, ConnectionList,
    DatabaseList, Diff, FileList, KeyList, OperationDetail, OperationList, VaultInfo, VaultList,
};
use ostler_api::metrics::Metrics;
use ostler_api::queue::{DatabaseChoice, QueueAnswer, QueueCall};
use ostler_api::request::{Filter, Selector};
use ostler_api::retention::{PolicyPlace, RetentionAnswer, RetentionCall};
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_api::vault::NewVault;
use ostler_api::webhook::{WebhookAnswer, WebhookCall};
use ostler_api::{Client, Plan, Request};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, OperationCursor, OperationId, Secret};
use reqwest::{Certificate, Url};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::Error;
use crate::v1::wire::{
    Creation, IDEMPOTENCY_KEY, Limited, Marked, Pair, QueueRequest, RetentionRequest, Started, Stop,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that is reached by HTTP.
#[derive(Clone)]
pub struct Remote {
    http: reqwest::Client,
    base: Url,
    token: Secret,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

/// Names and values of a query.
type Query = Vec<(&'static str, String)>;

impl Remote {
    /// A client of the server at this address, such as `http://127.0.0.1:7070`. With the certificates of authorities as PEM,
    /// only servers that one of them vouches for are believed, else those that the system believes. TLS needs a default
    /// provider of cryptography, as the process sets it up for everything.
    ///
    /// # Errors
    /// When the address is none, or the authorities are none.
    pub fn new(server: &str, token: Secret, authorities: Option<&[u8]>) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Address {
            message: format!("`{server}` is not the address of a server: {why}"),
        };
        let mut base = Url::parse(server).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong("it begins neither with http:// nor with https://"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("it holds a user or a password"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut builder = reqwest::Client::builder();
        if let Some(pem) = authorities {
            let known = Certificate::from_pem_bundle(pem).map_err(|source| Error::Client { source })?;
            if known.is_empty() {
                return Err(Error::Authority);
            }
            builder = builder.tls_certs_only(known);
        }
        let http = builder
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|source| Error::Client { source })?;
        Ok(Self { http, base, token })
    }

    async fn begin(&self, plan: Plan, result_url: Option<String>) -> Result<OperationId, Failure> {
        let body = json(&Creation {
            digest: plan.digest,
            made: Some(plan.made),
            result_url,
        })?;
        // Under one key it is started once, however often it is sent.
        let key = OperationId::random().to_string();
        let request = || {
            self.request(Method::POST, &["operations"], &Query::new())
                .header(IDEMPOTENCY_KEY, &key)
                .body(body.clone())
        };
        let response = match self.send(request()).await {
            Err(failure) if failure.kind() == ErrorKind::Unavailable => self.send(request()).await?,
            other => other?,
        };
        let started: Started = answers::document(response).await?;
        Ok(started.operation)
    }
}

fn json(body: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(body)
        .map_err(|error| Failure::new(ErrorKind::Invalid, format!("this cannot be sent: {error}")))
}

fn narrowed(vault: Option<&str>, filter: &Filter) -> Result<Query, Failure> {
    let mut query = Query::new();
    query.extend(vault.map(|vault| ("vault", vault.to_owned())));
    query.extend(filter.host.clone().map(|host| ("host", host)));
    if let Some(path) = &filter.path {
        query.push(("source", text(path)?));
    }
    query.extend(filter.name.clone().map(|name| ("name", name)));
    query.extend(
        filter
            .tags
            .iter()
            .map(|(key, value)| ("tag", format!("{key}={value}"))),
    );
    Ok(query)
}

fn selected(selector: &Selector) -> Result<Query, Failure> {
    narrowed(selector.vault.as_deref(), &selector.filter)
}

fn text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::new(
            ErrorKind::Unsupported,
            format!("{} is not UTF-8, which the HTTP API needs", path.display()),
        )
        .with_hint("run the command on the server's machine, without --server")
    })
}

#[async_trait]
impl Client for Remote {
    async fn plan(&self, request: Request) -> Result<Plan, Failure> {
        answers::document(self.post(&["plans"], &Query::new(), &request).await?).await
    }

    async fn start(&self, plan: Plan) -> Result<OperationId, Failure> {
        self.begin(plan, None).await
    }

    async fn start_with_callback(&self, plan: Plan, result_url: String) -> Result<OperationId, Failure> {
        self.begin(plan, Some(result_url)).await
    }

    async fn watch(&self, operation: OperationId) -> Result<mpsc::Receiver<Event>, Failure> {
        let path = ["operations", &operation.to_string(), "events"];
        let response = self.send(self.request(Method::GET, &path, &Query::new())).await?;
        Ok(events::follow(self.clone(), operation, response))
    }

    async fn cancel(&self, operation: OperationId, leave: bool) -> Result<(), Failure> {
        let path = ["operations", &operation.to_string(), "cancel"];
        self.post(&path, &Query::new(), &Stop { leave }).await.map(drop)
    }

    async fn limit(&self, operation: OperationId, change: LimitChange) -> Result<LimitChange, Failure> {
        let path = ["operations", &operation.to_string(), "limits"];
        let limited: Limited = answers::document(self.post(&path, &Query::new(), &change).await?).await?;
        Ok(limited.limits)
    }

    async fn resume(&self, operation: OperationId) -> Result<(), Failure> {
        let path = ["operations", &operation.to_string(), "resume"];
        self.post(&path, &Query::new(), &()).await.map(drop)
    }

    async fn operation(&self, id: &str) -> Result<OperationDetail, Failure> {
        self.get(&["operations", answers::part(id)?], &Query::new()).await
    }

    async fn operations(
        &self,
        limit: usize,
        after: Option<OperationCursor>,
    ) -> Result<OperationList, Failure> {
        let mut query = vec![("limit", limit.clamp(1, u32::MAX as usize).to_string())];
        query.extend(after.map(|after| ("cursor", after.to_string())));
        let mut list: OperationList = self.get(&["operations"], &query).await?;
        list.operations.truncate(limit);
        Ok(list)
    }

    async fn export_operations(&self) -> Result<Vec<serde_json::Value>, Failure> {
        let response = self
            .send(self.request(Method::GET, &["history"], &Query::new()))
            .await?;
        answers::lines(response).await
    }

    async fn backups(&self, vault: Option<&str>, filter: &Filter) -> Result<BackupList, Failure> {
        let mut query = narrowed(vault, filter)?;
        query.push(("limit", "all".to_owned()));
        self.get(&["backups"], &query).await
    }

    async fn backup(&self, selector: &Selector) -> Result<BackupDetail, Failure> {
        self.get(
            &["backups", answers::part(&selector.backup)?],
            &selected(selector)?,
        )
        .await
    }

    async fn files(&self, selector: &Selector, path: Option<&Path>) -> Result<FileList, Failure> {
        let mut query = selected(selector)?;
        query.push(("limit", "all".to_owned()));
        if let Some(path) = path {
            query.push(("path", text(path)?));
        }
        self.get(&["backups", answers::part(&selector.backup)?, "files"], &query)
            .await
    }

    async fn diff(&self, from: &Selector, to: &Selector) -> Result<Diff, Failure> {
        let pair = Pair {
            from: from.clone(),
            to: to.clone(),
        };
        answers::document(self.post(&["diff"], &Query::new(), &pair).await?).await
    }

    async fn read_file(
        &self,
        selector: &Selector,
        path: &Path,
        allow_incomplete: bool,
    ) -> Result<mpsc::Receiver<Result<Vec<u8>, Failure>>, Failure> {
        let mut query = selected(selector)?;
        query.push(("path", text(path)?));
        query.push(("allow_incomplete", allow_incomplete.to_string()));
        let at = ["backups", answers::part(&selector.backup)?, "content"];
        let request = self
            .request(Method::GET, &at, &query)
            .header(header::TE, "trailers");
        Ok(answers::content(self.send(request).await?))
    }

    async fn mark(&self, selector: &Selector, mark: Mark) -> Result<BackupId, Failure> {
        let at = ["backups", answers::part(&selector.backup)?, "marks"];
        let marked: Marked = answers::document(self.post(&at, &selected(selector)?, &mark).await?).await?;
        Ok(marked.backup)
    }

    async fn vaults(&self) -> Result<VaultList, Failure> {
        self.get(&["vaults"], &Query::new()).await
    }

    async fn vault(&self, name: Option<&str>) -> Result<VaultInfo, Failure> {
        self.get(&["vaults", answers::vault(name)?], &Query::new()).await
    }

    async fn make_vault(&self, vault: NewVault) -> Result<VaultInfo, Failure> {
        answers::document(self.post(&["vaults"], &Query::new(), &vault).await?).await
    }

    async fn keys(&self, vault: Option<&str>) -> Result<KeyList, Failure> {
        self.get(&["vaults", answers::vault(vault)?, "keys"], &Query::new())
            .await
    }

    async fn clusters(&self) -> Result<ClusterList, Failure> {
        self.get(&["clusters"], &Query::new()).await
    }

    async fn cluster(&self, name: &str) -> Result<ClusterInfo, Failure> {
        self.get(&["clusters", answers::part(name)?], &Query::new()).await
    }

    async fn cluster_status(&self, name: &str) -> Result<ClusterStatus, Failure> {
        self.get(&["clusters", answers::part(name)?, "status"], &Query::new())
            .await
    }

    async fn cluster_exploration(&self, name: &str) -> Result<ClusterExploration, Failure> {
        self.get(&["clusters", answers::part(name)?, "exploration"], &Query::new())
            .await
    }

    async fn connections(&self) -> Result<ConnectionList, Failure> {
        self.get(&["connections"], &Query::new()).await
    }

    async fn databases(&self) -> Result<DatabaseList, Failure> {
        self.get(&["databases"], &Query::new()).await
    }

    async fn queue(&self, database: &DatabaseChoice, call: QueueCall) -> Result<QueueAnswer, Failure> {
        let asked = QueueRequest {
            database: database.clone(),
            call,
        };
        answers::document(self.post(&["queues"], &Query::new(), &asked).await?).await
    }

    async fn schedule(&self, call: ScheduleCall) -> Result<ScheduleAnswer, Failure> {
        answers::document(self.post(&["schedules"], &Query::new(), &call).await?).await
    }

    async fn webhook(&self, call: WebhookCall) -> Result<WebhookAnswer, Failure> {
        answers::document(self.post(&["webhooks"], &Query::new(), &call).await?).await
    }

    async fn metrics(&self, refresh: bool) -> Result<Metrics, Failure> {
        match refresh {
            true => answers::document(self.post(&["metrics", "refresh"], &Query::new(), &()).await?).await,
            false => self.get(&["metrics"], &Query::new()).await,
        }
    }

    async fn audit(&self, query: &AuditQuery) -> Result<AuditList, Failure> {
        let mut asked = vec![("limit", query.limit.clamp(1, u32::MAX as usize).to_string())];
        asked.extend(query.below.map(|below| ("cursor", below.to_string())));
        asked.extend(query.since.map(|since| ("since", since.to_string())));
        asked.extend(query.who.clone().map(|who| ("who", who)));
        asked.extend(query.what.clone().map(|what| ("what", what)));
        self.get(&["audit"], &asked).await
    }

    async fn retention(&self, place: &PolicyPlace, call: RetentionCall) -> Result<RetentionAnswer, Failure> {
        let asked = RetentionRequest {
            place: place.clone(),
            call,
        };
        answers::document(self.post(&["retention"], &Query::new(), &asked).await?).await
    }
}
