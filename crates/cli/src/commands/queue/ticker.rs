//! `ostler queue ticker`

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::arguments::{DatabaseArguments, text};
use crate::backend::{Signal, TickerRequest};
use crate::foreground;
use crate::session::Session;

/// How long a daemon may take to run, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tick queues, give back events whose time has come, and run maintenance
///
/// In the foreground, under systemd (Type=notify-reload), or as a daemon. Without --database and --dsn, all databases of the
/// configuration. SIGHUP reads the configuration again.
#[derive(Debug, Args)]
pub(crate) struct Ticker {
    /// What to do with the ticker of this state directory
    #[arg(value_enum, default_value_t = Action::Run, value_name = "ACTION")]
    action: Action,

    /// Look after all databases of the server that have queues
    #[arg(long, conflicts_with = "databases")]
    all_databases: bool,

    /// Look after these databases of the server
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = text())]
    databases: Vec<String>,

    /// Serve metrics for Prometheus on this address, such as 127.0.0.1:9187
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,

    /// Go on in the background; what it says is in ticker.log of the state directory
    #[arg(long)]
    daemon: bool,

    #[command(flatten)]
    database: DatabaseArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Run until it is stopped
    Run,
    /// Let it read the configuration again
    Reload,
    /// End it
    Stop,
}

impl Ticker {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self.action {
            Action::Run if self.daemon => detach(session).await,
            Action::Run => self.foreground(session).await,
            Action::Reload => {
                let pid = session.backend.signal_ticker(Signal::Reload)?;
                session
                    .output
                    .note(&format!("process {pid} reads its configuration again"));
                Ok(())
            }
            Action::Stop => {
                let pid = session.backend.signal_ticker(Signal::Stop)?;
                until(
                    || Ok(session.backend.running_ticker()? != Some(pid)),
                    "the ticker did not end",
                )
                .await
            }
        }
    }

    async fn foreground(self, session: &Session) -> Result<(), Failure> {
        let request = TickerRequest {
            database: self.database.choice(),
            all_databases: self.all_databases,
            databases: self.databases,
            metrics: self.metrics,
        };
        foreground::run(session, |control| session.backend.run_ticker(request, control)).await
    }
}

/// Starts this command again without `--daemon`, in a process group of its own, and waits until it runs.
async fn detach(session: &Session) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt;

    let failed =
        |what: &str, error: std::io::Error| Failure::new(ErrorKind::Internal, format!("{what}: {error}"));
    if let Some(pid) = session.backend.running_ticker()? {
        return Err(Failure::new(
            ErrorKind::Busy,
            format!("a ticker runs already, process {pid}"),
        ));
    }
    let log = session.backend.ticker_log()?;
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| failed("the state directory cannot be made", error))?;
    }
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(&log);
    let output = opened.map_err(|error| failed(&format!("{} cannot be written", log.display()), error))?;
    let copy = output
        .try_clone()
        .map_err(|error| failed("the log cannot be shared", error))?;
    let program = std::env::current_exe().map_err(|error| failed("this program cannot be found", error))?;
    let mut child = Command::new(program)
        .args(session.words.iter().filter(|word| *word != "--daemon"))
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(copy)
        .process_group(0)
        .spawn()
        .map_err(|error| failed("the daemon cannot be started", error))?;
    let pid = child.id();
    until(
        || {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(
                    Failure::new(ErrorKind::Internal, format!("the daemon ended with {status}"))
                        .with_hint(format!("{} says why", log.display())),
                );
            }
            Ok(session.backend.running_ticker()? == Some(pid))
        },
        "the daemon does not run",
    )
    .await
}

async fn until(mut ready: impl FnMut() -> Result<bool, Failure>, otherwise: &str) -> Result<(), Failure> {
    let start = Instant::now();
    while !ready()? {
        if start.elapsed() > PATIENCE {
            return Err(Failure::new(ErrorKind::Timeout, otherwise));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
