//! The ticker as a process: one of each state directory, that can be told to reload and to stop.

mod metrics;
mod process;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostler_api::queue::DatabaseChoice;
use ostler_queue::ticker::{self, Board, Databases, Server, TickerOptions};
use ostler_vocabulary::{ErrorKind, Failure};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::lock::Lock;
use crate::runtime::{configured_database, database_target};
use crate::service_manager;
use crate::settings::Settings;

pub use process::{Signal, running, signal};

/// How often what the ticker knows is written down.
const REPORT: Duration = Duration::from_secs(2);

/// What a ticker is started with, beside the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TickerRequest {
    /// Which database or server; all of the configuration when nothing is said.
    pub database: DatabaseChoice,
    /// All databases of it that have queues.
    pub all_databases: bool,
    /// These databases of it.
    pub databases: Vec<String>,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
}

/// What a running ticker is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Read the configuration again.
    Reload,
    /// End.
    Stop,
}

/// Runs until it is told to stop. `settings` reads the configuration, now and at each reload; what is wrong with it later
/// leaves everything as it is.
///
/// # Errors
/// `Busy` when another one runs in this state directory; what is wrong with the configuration; a metrics address that is
/// taken.
pub async fn run(
    request: TickerRequest,
    settings: impl Fn() -> Result<Settings, Failure>,
    control: mpsc::Receiver<Control>,
) -> Result<(), Failure> {
    tick(request, settings, control, service_manager::tell).await
}

/// The same, telling somebody else than the service manager how it is, in the words of `sd_notify`.
pub(crate) async fn tick(
    request: TickerRequest,
    settings: impl Fn() -> Result<Settings, Failure>,
    mut control: mpsc::Receiver<Control>,
    tell: impl Fn(&str),
) -> Result<(), Failure> {
    let current = settings()?;
    let options = options_from(&current, &request)?;
    let lock = Lock::take(&current.state_directory, process::KIND)?;
    let board = Arc::new(Board::default());
    let cancel = CancellationToken::new();
    let served = match request.metrics {
        Some(address) => Some(tokio::spawn(metrics::serve(
            metrics::listen(address).await?,
            Arc::clone(&board),
            cancel.clone(),
        ))),
        None => None,
    };
    let (sender, receiver) = watch::channel(options);
    let ticking = tokio::spawn(ticker::run(receiver, Arc::clone(&board), cancel.clone()));
    tracing::info!("the ticker runs");
    tell("READY=1");
    let mut reports = tokio::time::interval(REPORT);
    loop {
        tokio::select! {
            told = control.recv() => match told {
                Some(Control::Reload) => {
                    tell("RELOADING=1");
                    match settings().and_then(|settings| options_from(&settings, &request)) {
                        // The receiver is alive as long as the ticker is.
                        Ok(options) => drop(sender.send(options)),
                        Err(failure) => tracing::error!("the configuration stays as it was: {failure:?}"),
                    }
                    tell("READY=1");
                }
                Some(Control::Stop) | None => break,
            },
            _ = reports.tick() => {
                tell("WATCHDOG=1");
                process::report(&current.state_directory, &board);
            }
        }
    }
    tell("STOPPING=1");
    cancel.cancel();
    let ended = ticking.await;
    if let Some(served) = served {
        let _ = served.await;
    }
    drop(lock);
    ended.map_err(|_| Failure::new(ErrorKind::Internal, "the ticker stopped by a defect"))
}

/// What the configuration and the request mean.
fn options_from(settings: &Settings, request: &TickerRequest) -> Result<TickerOptions, Failure> {
    let chosen = request.database != DatabaseChoice::default();
    let mut servers = Vec::new();
    let mut postgres = settings
        .file
        .database
        .iter()
        .filter(|(_, it)| !it.is_cratedb())
        .peekable();
    if !chosen && postgres.peek().is_some() {
        for (name, database) in postgres {
            servers.push(Server {
                name: name.clone(),
                target: configured_database(settings, name)?,
                databases: databases(&database.databases),
            });
        }
    } else {
        let target = database_target(settings, &request.database)?;
        let configured = request
            .database
            .name
            .as_ref()
            .and_then(|name| settings.file.database.get(name));
        servers.push(Server {
            name: target.name(),
            databases: configured.map_or(Databases::One, |database| databases(&database.databases)),
            target,
        });
    }
    if request.all_databases || !request.databases.is_empty() {
        for server in &mut servers {
            server.databases = if request.all_databases {
                Databases::All
            } else {
                Databases::Named(request.databases.clone())
            };
        }
    }
    let told = &settings.file.ticker;
    Ok(TickerOptions {
        wakeup_lag: told.wakeup_lag.0,
        maintenance: told.maintenance.0,
        discovery: told.discovery.0,
        ..TickerOptions::new(servers)
    })
}

fn databases(names: &[String]) -> Databases {
    match names {
        [] => Databases::One,
        [star] if star == "*" => Databases::All,
        names => Databases::Named(names.to_vec()),
    }
}

/// Where a ticker that runs on its own writes what it says.
#[must_use]
pub fn log_file(state_directory: &Path) -> PathBuf {
    state_directory.join("ticker.log")
}
