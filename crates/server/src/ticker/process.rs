//! The process of the ticker: one for each state directory, found by its lock.

use std::fs;
use std::path::Path;

use ostler_queue::ticker::Board;
use ostler_vocabulary::{ErrorKind, Failure};
use rustix::process::{Pid, kill_process};

use crate::lock::{self, Kind};

/// What a running ticker can be told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Read the configuration again.
    Reload,
    /// End.
    Stop,
}

/// The ticker's lock.
pub(super) const KIND: Kind = Kind {
    noun: "a ticker",
    file: "ticker.pid",
    hint: "`ostler queue ticker stop` ends it; another `--state-dir` has another one",
};

/// The process id of the ticker that runs with this state directory.
#[must_use]
pub fn running(state_directory: &Path) -> Option<u32> {
    lock::running(state_directory, KIND)
}

/// Tells a running ticker; its process id.
///
/// # Errors
/// `NotFound` when none runs.
pub fn signal(state_directory: &Path, signal: Signal) -> Result<u32, Failure> {
    let found =
        running(state_directory).and_then(|pid| Some((pid, Pid::from_raw(i32::try_from(pid).ok()?)?)));
    let Some((pid, process)) = found else {
        return Err(Failure::new(ErrorKind::NotFound, "no ticker runs here")
            .with_hint("`ostler queue ticker --daemon` starts one; `--state-dir` says of which"));
    };
    let signal = match signal {
        Signal::Reload => rustix::process::Signal::HUP,
        Signal::Stop => rustix::process::Signal::TERM,
    };
    kill_process(process, signal).map_err(|error| {
        Failure::new(
            ErrorKind::Denied,
            format!("process {pid} cannot be told: {error}"),
        )
    })?;
    Ok(pid)
}

/// Writes down how the databases stand, for whoever looks.
pub(super) fn report(state_directory: &Path, board: &Board) {
    let databases: serde_json::Map<String, serde_json::Value> = board
        .reports()
        .into_iter()
        .map(|(name, report)| {
            let value = serde_json::json!({
                "standing": report.standing.as_str(),
                "listening": report.listening,
                "rounds": report.rounds,
                "ticks": report.ticks,
                "wakeups": report.wakeups,
                "maintenance": report.maintenance,
                "failures": report.failures,
                "last_failure": report.last_failure,
            });
            (name, value)
        })
        .collect();
    let document = serde_json::json!({ "process": std::process::id(), "databases": databases });
    let path = state_directory.join("ticker.json");
    let partial = state_directory.join("ticker.json.partial");
    let done = fs::write(&partial, document.to_string()).and_then(|()| fs::rename(&partial, &path));
    if let Err(error) = done {
        tracing::debug!(%error, "{} cannot be written", path.display());
    }
}
