//! `ostler serve`: the roles of the control plane in one process, one process for each state directory. Where several servers
//! share their state, one of them schedules and one looks at vaults for metrics: see `leader`.
//!
//! A role is a [`Role`]; [`roles`] is the one place where they are made. Each runs for itself: one that fails is begun
//! again after a pause and stops no other.

pub mod api;
mod leader;
mod metrics;
mod outage;
mod role;
mod scheduler;
mod supervisor;
mod ticker;
mod webhooks;

use std::sync::Arc;

use ostler_vocabulary::{Clock, ErrorKind, Failure};
use tokio::sync::{mpsc, oneshot, watch};

use crate::Runtime;
use crate::lock::{Kind, Lock};
use crate::service_manager;
use crate::settings::Settings;
use crate::ticker::Control;

pub use role::{Role, Turn};

/// What serves with a state directory holds this lock.
const KIND: Kind = Kind {
    noun: "`ostler serve`",
    file: "serve.pid",
    hint: "end that process first; another `--state-dir` has another one",
};

/// A role by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleName {
    /// Runs what is due by schedule.
    Scheduler,
    /// Ticks the queues of the configured databases.
    Ticker,
    /// Tells webhooks what changed.
    Webhooks,
    /// Looks at vaults and databases for metrics.
    Metrics,
    /// The HTTP API and the dashboard.
    Api,
}

impl RoleName {
    /// What runs when nobody names roles. The ticker is often a service of its own.
    pub const DEFAULT: &'static [Self] = &[Self::Scheduler, Self::Webhooks, Self::Metrics, Self::Api];

    /// The word on the command line and in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Ticker => "ticker",
            Self::Webhooks => "webhooks",
            Self::Metrics => "metrics",
            Self::Api => "api",
        }
    }
}

/// What `serve` is started with, beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct ServeRequest {
    /// Which roles; [`RoleName::DEFAULT`] when none is named.
    pub roles: Vec<RoleName>,
    /// What the role `api` is told.
    pub api: api::ApiRequest,
}

/// What roles are made of.
struct Parts {
    /// The runtime in force; another one over the same engine after the configuration was read again.
    runtime: watch::Receiver<Runtime>,
    clock: Arc<dyn Clock>,
}

/// The roles in the order in which they are started; they are stopped the other way round. A new role is a line here.
fn roles(request: &ServeRequest, parts: &Parts) -> Vec<Arc<dyn Role>> {
    let named: &[RoleName] = match request.roles.as_slice() {
        [] => RoleName::DEFAULT,
        named => named,
    };
    let mut named = named.to_vec();
    named.sort_unstable();
    named.dedup();
    named
        .into_iter()
        .map(|name| -> Arc<dyn Role> {
            match name {
                RoleName::Scheduler => Arc::new(scheduler::Scheduler::new(
                    parts.runtime.clone(),
                    Arc::clone(&parts.clock),
                )),
                RoleName::Ticker => Arc::new(ticker::Ticker::new(parts.runtime.clone())),
                RoleName::Webhooks => Arc::new(webhooks::Webhooks::new(parts.runtime.clone())),
                RoleName::Metrics => Arc::new(metrics::Metrics::new(parts.runtime.clone())),
                RoleName::Api => Arc::new(api::Api::new(
                    request.api.clone(),
                    parts.runtime.clone(),
                    Arc::clone(&parts.clock),
                )),
            }
        })
        .collect()
}

/// Runs until it is told to stop, and then until every role has stopped and every operation of this process was left
/// where it can be resumed. `settings` reads the configuration, now and at each reload; what is wrong with it later
/// leaves everything as it is.
///
/// # Errors
/// `Busy` when another one serves with this state directory; what is wrong with the configuration or the state.
pub async fn run(
    request: ServeRequest,
    settings: impl Fn() -> Result<Settings, Failure>,
    clock: Arc<dyn Clock>,
    mut control: mpsc::Receiver<Control>,
) -> Result<(), Failure> {
    let current = settings()?;
    let lock = Lock::take(&current.state_directory, KIND)?;
    let state_directory = current.state_directory.clone();
    let (reader, mut asked) = mpsc::channel::<oneshot::Sender<Result<(), Failure>>>(1);
    let (engine, place) = {
        let runtime = Runtime::open(current.clone(), Arc::clone(&clock))?;
        (runtime.engine().clone(), runtime.place().clone())
    };
    // Another place of the state needs another process: what runs is recorded where it began.
    let over = |settings| {
        let reader = Some(reader.clone());
        Runtime::over(
            settings,
            engine.clone(),
            place.clone(),
            Arc::clone(&clock),
            reader,
        )
    };
    let runtime = over(current);
    let (replace, runtime) = watch::channel(runtime);
    let parts = Parts {
        runtime,
        clock: Arc::clone(&clock),
    };
    let read_again = || {
        let settings = settings()?;
        // The supervisor's roles listen as long as they are.
        let _ = replace.send(over(settings));
        Ok(())
    };
    let mut supervisor = supervisor::Supervisor::start(roles(&request, &parts), &state_directory);
    let mut reports = tokio::time::interval(supervisor::REPORT);
    loop {
        tokio::select! {
            told = control.recv() => match told {
                Some(Control::Reload) => {
                    service_manager::tell("RELOADING=1");
                    if let Err(failure) = read_again() {
                        tracing::error!("the configuration stays as it was: {failure:?}");
                    }
                    service_manager::tell("READY=1");
                }
                Some(Control::Stop) | None => break,
            },
            Some(done) = asked.recv() => {
                // Who asked may be gone.
                let _ = done.send(read_again());
            }
            _ = reports.tick() => {
                service_manager::tell("WATCHDOG=1");
                supervisor.report();
            }
            () = supervisor.all_have_begun() => {
                tracing::info!("serving");
                service_manager::tell("READY=1");
            }
        }
    }
    service_manager::tell("STOPPING=1");
    let stopped = supervisor.stop().await;
    engine.shutdown().await;
    drop(lock);
    match stopped {
        0 => Ok(()),
        _ => Err(Failure::new(
            ErrorKind::Internal,
            "a role did not stop when it was told to",
        )),
    }
}

/// The process that serves with a state directory.
#[must_use]
pub fn running(state_directory: &std::path::Path) -> Option<u32> {
    crate::lock::running(state_directory, KIND)
}
