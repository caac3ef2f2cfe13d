//! The process of the ticker: one for each state directory, found by its lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use ostler_queue::ticker::Board;
use ostler_vocabulary::{ErrorKind, Failure};
use rustix::process::{Pid, kill_process};

use crate::Error;

/// What a running ticker can be told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Read the configuration again.
    Reload,
    /// End.
    Stop,
}

/// Held while a ticker runs; the file has its process id.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// # Errors
    /// `Busy` when another process has it.
    pub fn take(state_directory: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(state_directory).map_err(|source| written(state_directory, source))?;
        let path = path(state_directory);
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = opened.map_err(|source| written(&path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let who = running(state_directory).map_or_else(String::new, |pid| format!(", process {pid}"));
                return Err(
                    Failure::new(ErrorKind::Busy, format!("a ticker runs already{who}")).with_hint(
                        "`ostler queue ticker stop` ends it; another `--state-dir` has another one",
                    ),
                );
            }
            Err(TryLockError::Error(source)) => return Err(written(&path, source)),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(|source| written(&path, source))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The lock is what counts, and it goes with the file.
        let _ = self.file.set_len(0);
    }
}

/// The process id of the ticker that runs with this state directory.
#[must_use]
pub fn running(state_directory: &Path) -> Option<u32> {
    let mut file = File::open(path(state_directory)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.read_to_string(&mut text).ok()?;
            text.trim().parse().ok()
        }
        _ => None,
    }
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

fn path(state_directory: &Path) -> PathBuf {
    state_directory.join("ticker.pid")
}

fn written(path: &Path, source: std::io::Error) -> Failure {
    Error::Write {
        what: "the ticker's lock",
        path: path.to_owned(),
        source,
    }
    .into()
}
