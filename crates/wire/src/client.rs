//! The coordinator's side: a node that is behind the wire.

mod answer;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use ostler_api::Node;
use ostler_api::client::LimitChange;
use ostler_api::document::{BackupCounts, CheckCommand};
use ostler_api::node::{
    Compare, Compared, Download, Downloaded, Epoch, NodeInfo, Recalled, Selection, Upload, Uploaded,
};
use ostler_api::request::RestoreWork;
use ostler_vocabulary::{BackupId, Failure, Progress, Secret, Unit, VaultId};
use rustls::ClientConfig;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::message::{Ask, Envelope, TELLS_OPERATION};
use crate::version::Versions;
use crate::{Error, error};
use answer::Answer;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How often a request is tried whose connection ends before it was sent. Whoever is refused for its certificate may be so
/// quickly that only another connection tells why.
const TRIES: usize = 5;

/// Where an agent is and how it is believed.
#[derive(Debug, Clone)]
pub struct Target {
    /// The node's name in the cluster.
    pub node: String,
    /// Host and port.
    pub address: String,
    /// The name that the agent's certificate is for; that of the address when not given.
    pub certificate_name: Option<String>,
    /// What is believed and shown.
    pub tls: ClientConfig,
    /// The token to show.
    pub token: Option<Secret>,
    /// How long the agent may be silent.
    pub patience: Duration,
}

/// The agent beside a node of a cluster. Every request has a connection of its own; when that is lost, the request
/// is given up on both sides, and can be made again.
#[derive(Debug)]
pub struct RemoteNode {
    target: Target,
    cluster: String,
    vault: VaultId,
    epoch: Epoch,
}

impl RemoteNode {
    /// The agent at `target`, for work on this cluster with this vault, under the lease whose epoch is in `epoch`.
    #[must_use]
    pub fn new(target: Target, cluster: &str, vault: VaultId, epoch: Epoch) -> Self {
        Self {
            target,
            cluster: cluster.to_owned(),
            vault,
            epoch,
        }
    }

    /// What the agent speaks.
    ///
    /// # Errors
    /// When it cannot be reached or believed.
    pub async fn versions(&self) -> Result<Versions, Failure> {
        let (client, base) = self.connect().await?;
        self.versions_by(&client, &base).await
    }

    /// What the agent has counted, as text for Prometheus.
    ///
    /// # Errors
    /// When it cannot be reached or believed, or is too old.
    pub async fn metrics(&self) -> Result<String, Failure> {
        let (client, base) = self.connect().await?;
        let response = self.send(client.get(format!("{base}/metrics"))).await?;
        let text = Answer::new(&self.target, response).whole().await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        ask: Ask,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::Cancelled.into()),
            answer = self.ask_through(ask, progress) => answer,
        }
    }

    async fn ask_through<T: DeserializeOwned>(&self, ask: Ask, progress: &Progress) -> Result<T, Failure> {
        let (client, base) = self.connect().await?;
        let theirs = self.versions_by(&client, &base).await?;
        let version = Versions::own().common(&theirs, &self.target.node)?;
        let ask = ask.within(version);
        if ask.since() > version {
            return Err(Error::TooOld {
                node: self.target.node.clone(),
                program: theirs.program,
                needed: ask.since(),
            }
            .into());
        }
        let envelope = Envelope {
            cluster: self.cluster.clone(),
            vault: ask
                .needs_vault()
                .then_some(self.vault)
                .or(ask.writes().then_some(self.vault)),
            epoch: self.epoch.get(),
            operation: self.epoch.operation().filter(|_| version >= TELLS_OPERATION),
            ask,
        };
        let body = serde_json::to_vec(&envelope).map_err(|error| self.nonsense(error))?;
        let request = client.post(format!("{base}/v{version}/ask")).body(body);
        let response = self.send(request).await?;
        Answer::new(&self.target, response).read(progress).await
    }

    async fn versions_by(&self, client: &reqwest::Client, base: &str) -> Result<Versions, Failure> {
        let response = self.send(client.get(format!("{base}/versions"))).await?;
        let text = Answer::new(&self.target, response).whole().await?;
        serde_json::from_slice(&text).map_err(|error| self.nonsense(error).into())
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Failure> {
        let mut request = match &self.target.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        };
        for left in (0..TRIES).rev() {
            let again = request.try_clone().filter(|_| left > 0);
            match tokio::time::timeout(self.target.patience, request.send()).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => match again.filter(|_| error::was_not_sent(&error)) {
                    Some(again) => request = again,
                    None => return Err(error::lost(&self.target.node, &self.target.address, error).into()),
                },
                Err(_) => break,
            }
        }
        Err(self.silent().into())
    }

    /// A client for this request alone: names are looked up again, and nothing is left open.
    async fn connect(&self) -> Result<(reqwest::Client, String), Failure> {
        let target = &self.target;
        let lost = |source: Box<dyn std::error::Error + Send + Sync>| Error::Unreachable {
            node: target.node.clone(),
            address: target.address.clone(),
            source,
        };
        let found = tokio::net::lookup_host(&target.address).await;
        let addresses: Vec<SocketAddr> = found.map_err(|error| lost(error.into()))?.collect();
        let port = addresses.first().map_or(0, SocketAddr::port);
        let host = target.address.rsplit_once(':').map_or("", |(host, _)| host);
        let name = target.certificate_name.as_deref().unwrap_or(host);
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(target.tls.clone())
            .resolve_to_addrs(name, &addresses)
            .connect_timeout(CONNECT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| lost(error.into()))?;
        Ok((client, format!("https://{name}:{port}")))
    }

    fn nonsense(&self, error: serde_json::Error) -> Error {
        Error::Answer {
            node: self.target.node.clone(),
            reason: error.to_string(),
        }
    }

    fn silent(&self) -> Error {
        Error::Silent {
            node: self.target.node.clone(),
            seconds: self.target.patience.as_secs(),
        }
    }
}

/// For what neither tells how far it is nor is cancelled.
fn alone() -> (Progress, CancellationToken) {
    (Progress::new(Unit::Objects), CancellationToken::new())
}

#[async_trait]
impl Node for RemoteNode {
    async fn info(&self) -> Result<NodeInfo, Failure> {
        let (progress, cancel) = alone();
        self.ask(Ask::Info, &progress, &cancel).await
    }

    async fn survey(
        &self,
        selection: &Selection,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<BackupCounts, Failure> {
        self.ask(Ask::Survey(selection.clone()), progress, cancel).await
    }

    async fn upload(
        &self,
        request: &Upload,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Uploaded, Failure> {
        self.ask(Ask::Upload(request.clone()), progress, cancel).await
    }

    async fn preview(
        &self,
        request: &Download,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<RestoreWork, Failure> {
        self.ask(Ask::Preview(request.clone()), progress, cancel).await
    }

    async fn download(
        &self,
        request: &Download,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Downloaded, Failure> {
        self.ask(Ask::Download(request.clone()), progress, cancel).await
    }

    async fn compare(
        &self,
        request: &Compare,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Compared, Failure> {
        self.ask(Ask::Compare(request.clone()), progress, cancel).await
    }

    async fn run_command(
        &self,
        command: &str,
        directory: Option<PathBuf>,
        cancel: &CancellationToken,
    ) -> Result<CheckCommand, Failure> {
        let command = command.to_owned();
        let (progress, _) = alone();
        let ask = Ask::RunCommand { command, directory };
        self.ask(ask, &progress, cancel).await
    }

    async fn make_scratch(&self, directory: PathBuf) -> Result<(), Failure> {
        let (progress, cancel) = alone();
        self.ask(Ask::MakeScratch { directory }, &progress, &cancel).await
    }

    async fn remove_scratch(&self, directory: PathBuf) -> Result<(), Failure> {
        let (progress, cancel) = alone();
        self.ask(Ask::RemoveScratch { directory }, &progress, &cancel)
            .await
    }

    async fn recall(&self, backups: &[BackupId]) -> Result<Recalled, Failure> {
        let backups = backups.to_vec();
        let (progress, cancel) = alone();
        self.ask(Ask::Recall { backups }, &progress, &cancel).await
    }

    async fn adopt(&self, backups: &[BackupId]) -> Result<(), Failure> {
        let backups = backups.to_vec();
        let (progress, cancel) = alone();
        self.ask(Ask::Adopt { backups }, &progress, &cancel).await
    }

    async fn limit(&self, change: LimitChange) -> Result<(), Failure> {
        let (progress, cancel) = alone();
        self.ask(Ask::Limit(change), &progress, &cancel).await
    }
}
