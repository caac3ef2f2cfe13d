//! What the command line needs besides a client: vaults made and added, the configuration explained.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use ostler_api::Client;
use ostler_api::client::LimitChange;
use ostler_api::document::{ClusterAdoption, ClusterInfo, VaultInfo};
pub use ostler_server::agent::Running;
use ostler_server::audit::Audited;
use ostler_server::queue::{Consume, Totals, Watch};
pub use ostler_server::serve::api::ApiRequest;
pub use ostler_server::serve::{RoleName, ServeRequest};
pub use ostler_server::ticker::{Control, Signal, TickerRequest};
pub use ostler_server::{AddVault, ClusterInit, InitVault, KeySheet, NodeAddress, TypedKey};
use ostler_vocabulary::{ErrorKind, Failure};
use ostler_web::Access;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Where configuration and state are, as far as flags say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The configuration file; `None` lets environment and default decide.
    pub config: Option<PathBuf>,
    /// The state directory; `None` lets environment and default decide.
    pub state_directory: Option<PathBuf>,
    /// The server that does the work; `None` is this process.
    pub server: Option<String>,
    /// The file of the authority by which that server is believed; `None` lets environment and system decide.
    pub server_ca: Option<PathBuf>,
    /// What overrules the limits that the configuration has for vaults.
    pub limits: LimitChange,
}

/// `config check`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigCheck {
    /// The file that is read when it exists.
    pub file: PathBuf,
    /// Whether it exists.
    pub exists: bool,
    /// Names of the vaults it configures.
    pub vaults: Vec<String>,
    /// What is allowed and probably not meant.
    pub warnings: Vec<String>,
}

/// One key of the configuration with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key, with its tables, such as `vault.default.location`.
    pub key: String,
    /// The value; secrets show where they come from and never what they are.
    pub value: String,
    /// `default`, `file`, `environment` or `flag`.
    pub source: String,
}

/// `config show`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigShow {
    /// The file that is read when it exists.
    pub file: PathBuf,
    /// Every key, in the order of the file that `config init` prints.
    pub settings: Vec<Setting>,
}

/// One environment variable that Ostler reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it does.
    pub meaning: String,
    /// Whether it is set now. Its value is never shown.
    pub set: bool,
}

/// Who is told that an agent answers.
pub type Ready<'a> = Box<dyn FnOnce(&Running) + Send + 'a>;

fn no_clusters() -> Failure {
    Failure::new(ErrorKind::Unsupported, "this backend has no clusters")
}

/// Where the command line gets everything from that is not on it.
///
/// Contract: making one does nothing; the configuration is read by the first method that needs it, so that
/// `config init` and `config env` work beside a file that is wrong. Methods may be called in any order.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// The client that verbs talk to, made at the first call.
    async fn client(&self) -> Result<Arc<dyn Client>, Failure>;

    /// Makes a vault, and its key. Never replaces anything.
    async fn init_vault(&self, request: InitVault) -> Result<VaultInfo, Failure>;

    /// Opens a vault that exists and adds it to the configuration.
    async fn add_vault(&self, request: AddVault) -> Result<VaultInfo, Failure>;

    /// Tries what the store of a vault can do.
    async fn probe_vault(&self, vault: Option<&str>) -> Result<VaultInfo, Failure>;

    /// What is written on a recovery sheet of a vault: its key, which is looked at to open it.
    async fn key_sheet(&self, vault: Option<&str>, key_file: Option<PathBuf>) -> Result<KeySheet, Failure>;

    /// Makes a cluster. Never replaces anything.
    async fn init_cluster(&self, request: ClusterInit) -> Result<ClusterInfo, Failure> {
        let _ = request;
        Err(no_clusters())
    }

    /// Adds a node to a cluster; `roots` are its agent's.
    async fn add_node(
        &self,
        cluster: &str,
        node: NodeAddress,
        roots: BTreeMap<String, String>,
    ) -> Result<ClusterInfo, Failure> {
        let _ = (cluster, node, roots);
        Err(no_clusters())
    }

    /// Takes a cluster, or one node of it, out of the configuration.
    async fn remove_cluster(&self, cluster: &str, node: Option<&str>) -> Result<(), Failure> {
        let _ = (cluster, node);
        Err(no_clusters())
    }

    /// Lets nodes of a cluster go on with the backups that its vault has of it; all of them where none is named.
    async fn adopt_nodes(&self, cluster: &str, nodes: &[String]) -> Result<ClusterAdoption, Failure> {
        let _ = (cluster, nodes);
        Err(no_clusters())
    }

    /// Runs an agent until it is told to stop; `ready` is told once it answers.
    async fn run_agent(&self, ready: Ready<'_>, stop: CancellationToken) -> Result<(), Failure> {
        let _ = (ready, stop);
        Err(no_clusters())
    }

    /// Runs a consumer of a queue until it is told to stop.
    async fn consume_queue(
        &self,
        request: Consume,
        stop: CancellationToken,
        watch: Watch,
    ) -> Result<Totals, Failure> {
        let _ = (request, stop, watch);
        Err(Failure::new(ErrorKind::Unsupported, "this backend has no queues"))
    }

    /// Runs the ticker of queues until it is told to stop.
    async fn run_ticker(
        &self,
        request: TickerRequest,
        control: mpsc::Receiver<Control>,
    ) -> Result<(), Failure>;

    /// Tells the ticker that runs with this state directory; its process id.
    fn signal_ticker(&self, signal: Signal) -> Result<u32, Failure>;

    /// The process id of that ticker, if one runs.
    fn running_ticker(&self) -> Result<Option<u32>, Failure>;

    /// Where a ticker in the background writes what it says.
    fn ticker_log(&self) -> Result<PathBuf, Failure>;

    /// Runs the roles of the control plane until it is told to stop.
    async fn serve(&self, request: ServeRequest, control: mpsc::Receiver<Control>) -> Result<(), Failure>;

    /// Who may come in to the server of this state directory.
    fn access(&self) -> Result<Access, Failure> {
        Err(Failure::new(ErrorKind::Unsupported, "this backend has no server"))
    }

    /// What writes down changes that no client makes; `None` where nothing is written down.
    async fn audited(&self) -> Result<Option<Audited>, Failure> {
        Ok(None)
    }

    /// Where the server of this state directory listens, if one runs.
    fn served_at(&self) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// PgQ's schema as SQL, with or without its roles.
    fn queue_schema(&self, roles: bool) -> String;

    /// Reads the configuration and says what is wrong with it.
    fn check_config(&self) -> Result<ConfigCheck, Failure>;

    /// The configuration that results from defaults, file, environment and flags.
    fn show_config(&self) -> Result<ConfigShow, Failure>;

    /// A configuration file with every key, its default and a comment. It parses.
    fn config_template(&self) -> String;

    /// Every environment variable that is read.
    fn variables(&self) -> Vec<Variable>;
}
