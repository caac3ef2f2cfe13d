//! `ostler agent`: a node that answers over the wire, within its bounds.

mod host;
pub(crate) mod limits;
pub(crate) mod memory;
pub(crate) mod unfinished;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ostler_agent::Bounds;
use ostler_vocabulary::{ErrorKind, Failure, Secret};
use ostler_wire::{Fence, Identity, Service, Tally, Versions, acceptor};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::runtime::{Runtime, make_private};
use crate::settings::Settings;
use crate::{Error, settings};
use host::Beside;
use limits::Told;
use memory::Memory;
use unfinished::Unfinished;

/// How often an agent shows life.
const BEAT: Duration = Duration::from_secs(1);

/// What an agent keeps on disk about its work.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Uploads that were begun and not ended.
    pub(crate) unfinished: Arc<Unfinished>,
    /// Backups that it took part in.
    pub(crate) memory: Arc<Memory>,
    /// Limits that it was told.
    pub(crate) told: Arc<Told>,
}

/// What an agent that runs says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The node's name.
    pub node: String,
    /// Where it answers.
    pub address: std::net::SocketAddr,
    /// Its roots, by name.
    pub roots: Vec<String>,
}

/// Answers until `stop`. `ready` is called once it does.
///
/// # Errors
/// What is wrong with the configuration; an address that is taken; a root that is not there.
pub async fn run(
    runtime: Runtime,
    ready: impl FnOnce(&Running) + Send,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let settings = runtime.settings().clone();
    let told = &settings.file.agent;
    let node = told.node.clone().ok_or_else(|| missing(&settings, "node"))?;
    if told.roots.is_empty() {
        return Err(missing(&settings, "roots").into());
    }
    if told.authority.is_none() && told.token.is_none() {
        return Err(missing(&settings, "authority").into());
    }
    let certificate = told
        .certificate
        .as_ref()
        .ok_or_else(|| missing(&settings, "certificate"))?;
    let key = told.key.as_ref().ok_or_else(|| missing(&settings, "key"))?;
    let secret = |what: &str, reference: &settings::reference::Reference| {
        reference.resolve(what, settings.base(), &settings.environment)
    };
    let own = Identity {
        certificate: text(&settings, certificate)?,
        key: secret("the agent's key", key)?,
    };
    let authority = told
        .authority
        .as_ref()
        .map(|path| text(&settings, path))
        .transpose()?;
    let token = told
        .token
        .as_ref()
        .map(|token| secret("the agent's token", token))
        .transpose()?;
    refuse_weak(token.as_ref())?;
    let tls = acceptor(&own, authority.as_deref())?;

    let home = settings.state_directory.join("agents").join(&node);
    make_private(&home)?;
    let fence = Arc::new(Fence::open(&home.join("fence.json"))?);
    let kept = Kept {
        unfinished: Unfinished::open(&home.join("uploads"))?,
        memory: Memory::open(&home.join("backups"))?,
        told: Arc::default(),
    };
    let mut bounds = Bounds::new(&node, &told.roots)?;
    bounds.commands.clone_from(&told.commands);
    bounds.left_out = runtime.left_out();
    let bounds = Arc::new(bounds);
    let cleared = Arc::clone(&bounds);
    // Whatever of it cannot be removed is told, and in nobody's way.
    let _ = tokio::task::spawn_blocking(move || cleared.clear_snapshots()).await;
    let listener = TcpListener::bind(&told.listen).await.map_err(|error| {
        Failure::new(ErrorKind::Unavailable, error.to_string())
            .context(format!("cannot answer on {}", told.listen))
    })?;
    let running = Running {
        node,
        address: listener
            .local_addr()
            .map_err(|error| Failure::new(ErrorKind::Internal, error.to_string()))?,
        roots: told.roots.keys().cloned().collect(),
    };
    let (vault, limits) = (
        runtime.present_vault(told.vault.as_deref()),
        Arc::clone(&kept.told),
    );
    let service = Arc::new(Service {
        host: Arc::new(Beside::new(runtime.clone(), bounds, kept).await?),
        fence,
        token,
        tally: Tally::default(),
        versions: spoken(),
        beat: BEAT,
    });
    // Of the highest level, so that whatever is logged says on which node.
    let span = tracing::error_span!("agent", node = running.node);
    span.in_scope(|| tracing::info!(address = %running.address, "the agent answers"));
    ready(&running);
    tokio::select! {
        () = ostler_wire::serve(listener, tls, service, stop).instrument(span) => Ok(()),
        never = limits.obey(|change| runtime.keep_to(&vault, change)) => match never {},
    }
}

/// Files of ours that are no secrets, relative to the configuration file. Blocks, for a few bytes.
pub(crate) fn text(settings: &Settings, path: &Path) -> Result<String, Error> {
    let path = settings.base().join(path);
    std::fs::read_to_string(&path).map_err(|source| Error::Read {
        what: "the certificate in",
        path,
        source,
    })
}

fn missing(settings: &Settings, key: &str) -> Error {
    Error::Setting {
        file: settings.config_file.display().to_string(),
        key: format!("agent.{key}"),
        reason: "an agent needs it".to_owned(),
        cure: "`ostler cluster init` writes a whole file for each node".to_owned(),
    }
}

fn refuse_weak(token: Option<&Secret>) -> Result<(), Failure> {
    match token {
        Some(token) if token.reveal().len() < 16 => Err(Failure::new(
            ErrorKind::Invalid,
            "the agent's token has fewer than 16 characters",
        )
        .with_hint("`openssl rand -hex 32` makes a good one")),
        _ => Ok(()),
    }
}

/// What it speaks; tests let it pretend to be of another version: `OSTLER_TEST_PROTOCOL=3..4`.
fn spoken() -> Versions {
    let own = Versions::own();
    let pretended = std::env::var("OSTLER_TEST_PROTOCOL").ok();
    let pretended = pretended.as_deref().and_then(|text| text.split_once(".."));
    match pretended.and_then(|(oldest, newest)| Some((oldest.parse().ok()?, newest.parse().ok()?))) {
        Some((oldest, newest)) => Versions {
            oldest,
            newest,
            ..own
        },
        None => own,
    }
}
