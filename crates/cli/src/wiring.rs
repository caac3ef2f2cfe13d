//! The only place that runs `ostler_server`; elsewhere only its requests and the reference page of its settings are known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use ostler_api::Client;
use ostler_api::document::{ClusterAdoption, ClusterInfo, VaultInfo};
use ostler_server::Runtime;
use ostler_server::audit::{Audited, caller};
use ostler_server::queue::{Consume, Totals, Watch};
use ostler_server::serve;
use ostler_server::settings::environment::{Environment, SERVER_CA, TOKEN, TOKEN_FILE, VARIABLES};
use ostler_server::settings::{Flags, Settings, pages};
use ostler_server::ticker;
use ostler_vocabulary::{ErrorKind, Failure, Secret, SystemClock};
use ostler_web::{Access, Remote};
use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;

use crate::backend::{
    AddVault, Backend, ClusterInit, ConfigCheck, ConfigShow, Control, InitVault, KeySheet, NodeAddress,
    Options, Ready, ServeRequest, Setting, Signal, TickerRequest, Variable,
};

/// The backend of this process: the server's runtime without HTTP.
pub(crate) fn connect(options: Options) -> Arc<dyn Backend> {
    Arc::new(InProcess {
        options,
        runtime: OnceCell::new(),
    })
}

#[derive(Debug)]
struct InProcess {
    options: Options,
    runtime: OnceCell<Runtime>,
}

impl InProcess {
    fn settings(&self) -> Result<Settings, Failure> {
        let flags = Flags {
            config: self.options.config.clone(),
            state_directory: self.options.state_directory.clone(),
            limits: self.options.limits,
        };
        let environment = Environment::of_process(Path::new("."))?;
        Ok(Settings::resolve(&flags, environment)?)
    }

    fn token(&self) -> Result<Secret, Failure> {
        let environment = Environment::of_process(Path::new("."))?;
        let given = match (environment.get(TOKEN), environment.get(TOKEN_FILE)) {
            (Some(token), _) => token.to_owned(),
            (None, Some(file)) => std::fs::read_to_string(file).map_err(|error| {
                Failure::new(ErrorKind::Invalid, error.to_string())
                    .context(format!("cannot read the token in {file}"))
            })?,
            (None, None) => String::new(),
        };
        match given.lines().next().map(str::trim) {
            Some(token) if !token.is_empty() => Ok(Secret::new(token)),
            _ => Err(Failure::new(ErrorKind::Denied, "--server needs a token, and there is none").with_hint(
                "set OSTLER_TOKEN or OSTLER_TOKEN_FILE; `ostler token add NAME` on the server's machine makes a token",
            )),
        }
    }

    /// The authority by which the server is believed, as PEM.
    fn authority(&self) -> Result<Option<Vec<u8>>, Failure> {
        let environment = Environment::of_process(Path::new("."))?;
        let named = self.options.server_ca.clone();
        let Some(file) = named.or_else(|| environment.get(SERVER_CA).map(PathBuf::from)) else {
            return Ok(None);
        };
        std::fs::read(&file).map(Some).map_err(|error| {
            Failure::new(ErrorKind::Invalid, error.to_string())
                .context(format!("cannot read the authority in {}", file.display()))
        })
    }

    /// The runtime, whose changes are written down as those of whoever runs this command.
    async fn recording(&self) -> Result<Audited, Failure> {
        Ok(Audited::new(self.runtime().await?, caller()))
    }

    async fn runtime(&self) -> Result<Runtime, Failure> {
        if self.options.server.is_some() {
            return Err(
                Failure::new(ErrorKind::Unsupported, "this is not done through a server")
                    .with_hint("run it on the server's machine, without --server"),
            );
        }
        let open = || async { Runtime::open_for_command(self.settings()?, Arc::new(SystemClock::default())) };
        self.runtime.get_or_try_init(open).await.cloned()
    }
}

#[async_trait]
impl Backend for InProcess {
    async fn client(&self) -> Result<Arc<dyn Client>, Failure> {
        if let Some(server) = &self.options.server {
            ostler_store::provide_tls();
            return Ok(Arc::new(Remote::new(
                server,
                self.token()?,
                self.authority()?.as_deref(),
            )?));
        }
        Ok(Arc::new(self.recording().await?))
    }

    async fn audited(&self) -> Result<Option<Audited>, Failure> {
        self.recording().await.map(Some)
    }

    async fn init_vault(&self, request: InitVault) -> Result<VaultInfo, Failure> {
        if self.options.server.is_none() {
            return self.recording().await?.init_vault(request).await;
        }
        let vault = request.vault.clone();
        if request != InitVault::from(vault.clone()) {
            let message = "files with keys stay on their machine: a server makes a key file, or protects the key for --age recipients";
            return Err(Failure::new(ErrorKind::Unsupported, message)
                .with_hint("run it on the server's machine, without --server"));
        }
        self.client().await?.make_vault(vault).await
    }

    async fn add_vault(&self, request: AddVault) -> Result<VaultInfo, Failure> {
        self.recording().await?.add_vault(request).await
    }

    async fn probe_vault(&self, vault: Option<&str>) -> Result<VaultInfo, Failure> {
        self.runtime().await?.probe_vault(vault).await
    }

    async fn key_sheet(&self, vault: Option<&str>, key_file: Option<PathBuf>) -> Result<KeySheet, Failure> {
        let runtime = self.runtime().await?;
        // Nothing is changed, but somebody has the key now.
        let named = (
            "vault key sheet".to_owned(),
            vault.unwrap_or("default").to_owned(),
        );
        let work = runtime.key_sheet(vault, key_file);
        self.recording().await?.change(named, None, work, |_| None).await
    }

    async fn init_cluster(&self, request: ClusterInit) -> Result<ClusterInfo, Failure> {
        let runtime = self.runtime().await?;
        let named = ("cluster init".to_owned(), request.name.clone());
        let work = runtime.init_cluster(request);
        self.recording().await?.change(named, None, work, value).await
    }

    async fn add_node(
        &self,
        cluster: &str,
        node: NodeAddress,
        roots: BTreeMap<String, String>,
    ) -> Result<ClusterInfo, Failure> {
        let runtime = self.runtime().await?;
        let before = runtime.cluster_info(cluster).ok().as_ref().and_then(value);
        let named = ("cluster node add".to_owned(), cluster.to_owned());
        let work = runtime.add_node(cluster, node, roots);
        self.recording().await?.change(named, before, work, value).await
    }

    async fn remove_cluster(&self, cluster: &str, node: Option<&str>) -> Result<(), Failure> {
        let runtime = self.runtime().await?;
        let before = runtime.cluster_info(cluster).ok().as_ref().and_then(value);
        let named = match node {
            Some(node) => (
                "cluster node remove".to_owned(),
                format!("{cluster}, node {node}"),
            ),
            None => ("cluster remove".to_owned(), cluster.to_owned()),
        };
        let work = runtime.remove_cluster(cluster, node);
        self.recording()
            .await?
            .change(named, before, work, |()| None)
            .await
    }

    async fn adopt_nodes(&self, cluster: &str, nodes: &[String]) -> Result<ClusterAdoption, Failure> {
        let runtime = self.runtime().await?;
        let named = ("cluster adopt".to_owned(), cluster.to_owned());
        let work = runtime.adopt_nodes(cluster, nodes);
        self.recording().await?.change(named, None, work, value).await
    }

    async fn run_agent(&self, ready: Ready<'_>, stop: CancellationToken) -> Result<(), Failure> {
        ostler_server::agent::run(self.runtime().await?, ready, stop).await
    }

    async fn consume_queue(
        &self,
        request: Consume,
        stop: CancellationToken,
        watch: Watch,
    ) -> Result<Totals, Failure> {
        ostler_server::queue::consume(&self.settings()?, request, &stop, watch).await
    }

    async fn run_ticker(
        &self,
        request: TickerRequest,
        control: mpsc::Receiver<Control>,
    ) -> Result<(), Failure> {
        ticker::run(request, || self.settings(), control).await
    }

    fn signal_ticker(&self, signal: Signal) -> Result<u32, Failure> {
        ticker::signal(&self.settings()?.state_directory, signal)
    }

    fn running_ticker(&self) -> Result<Option<u32>, Failure> {
        Ok(ticker::running(&self.settings()?.state_directory))
    }

    fn ticker_log(&self) -> Result<PathBuf, Failure> {
        Ok(ticker::log_file(&self.settings()?.state_directory))
    }

    async fn serve(&self, request: ServeRequest, control: mpsc::Receiver<Control>) -> Result<(), Failure> {
        serve::run(
            request,
            || self.settings(),
            Arc::new(SystemClock::default()),
            control,
        )
        .await
    }

    fn access(&self) -> Result<Access, Failure> {
        let clock = Arc::new(SystemClock::default());
        Ok(Access::open(&self.settings()?.state_place()?, clock)?)
    }

    fn served_at(&self) -> Result<Option<String>, Failure> {
        Ok(serve::api::address(&self.settings()?.state_directory))
    }

    fn queue_schema(&self, roles: bool) -> String {
        ostler_server::queue_schema(roles)
    }

    fn check_config(&self) -> Result<ConfigCheck, Failure> {
        let settings = self.settings()?;
        Ok(ConfigCheck {
            exists: settings.text.is_some(),
            vaults: settings.vault_names(),
            file: settings.config_file,
            warnings: Vec::new(),
        })
    }

    fn show_config(&self) -> Result<ConfigShow, Failure> {
        let settings = self.settings()?;
        let shown = settings.show().into_iter();
        let settings_shown = shown
            .map(|one| Setting {
                key: one.key,
                value: one.value,
                source: one.source.to_owned(),
            })
            .collect();
        Ok(ConfigShow {
            file: settings.config_file,
            settings: settings_shown,
        })
    }

    fn config_template(&self) -> String {
        pages::template()
    }

    fn variables(&self) -> Vec<Variable> {
        // A `.env` that cannot be read is told by every other verb; here only its variables are missing.
        let environment = Environment::of_process(Path::new("."))
            .unwrap_or_else(|_| Environment::of(std::env::vars_os().filter_map(text_pair)));
        VARIABLES
            .iter()
            .map(|variable| Variable {
                name: variable.name.to_owned(),
                meaning: variable.meaning.to_owned(),
                set: environment.get(variable.name).is_some(),
            })
            .collect()
    }
}

fn text_pair((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

fn value(document: &impl serde::Serialize) -> Option<serde_json::Value> {
    serde_json::to_value(document).ok()
}
