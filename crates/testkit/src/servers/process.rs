//! A server process with a supervisor that outlives us by a moment.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Starts `"$@"`, tells its process id, waits for a word or the end of its input, ends it, and removes the directory
/// unless the word was `keep`.
const SUPERVISOR: &str = r#"
directory=$1; signal=$2; shift 2
trap : INT TERM HUP
"$@" </dev/null >>"$directory/log" 2>&1 &
server=$!
echo "$server"
exec >/dev/null 2>&1
read -r word
kill -"$signal" "$server"
tries=0
while kill -0 "$server" && [ "$tries" -lt 250 ]; do sleep 0.02; tries=$((tries + 1)); done
kill -KILL "$server"
wait "$server"
[ "$word" = keep ] || rm -rf "$directory"
"#;

/// A running server. Dropping it ends it and removes its directory.
#[derive(Debug)]
pub struct Server {
    supervisor: Child,
    pid: Pid,
    directory: PathBuf,
}

impl Server {
    /// Starts a program that works in this directory, which is removed in the end. It is asked to end by SIGTERM.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start<I: AsRef<OsStr>>(
        directory: &Path,
        program: &Path,
        arguments: impl IntoIterator<Item = I>,
    ) -> Result<Self> {
        Self::start_with(directory, "TERM", program, arguments)
    }

    /// The same with another signal, named as `kill` does.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_with<I: AsRef<OsStr>>(
        directory: &Path,
        signal: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = I>,
    ) -> Result<Self> {
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(directory)
            .arg(signal)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start a shell")?;
        let mut line = String::new();
        let told = supervisor.stdout.take().context("the supervisor has no output")?;
        BufReader::new(told).read_line(&mut line)?;
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        Ok(Self {
            supervisor,
            pid: pid.with_context(|| format!("{} was not started", program.display()))?,
            directory: directory.to_owned(),
        })
    }

    /// The process id of the server itself.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Ends the server with SIGKILL, as a crash does.
    pub fn crash(&self) {
        // It may be gone already.
        let _ = kill_process(self.pid, Signal::KILL);
    }

    /// Asks the server to end, and leaves its directory to another one.
    pub fn stop(mut self) {
        if let Some(mut input) = self.supervisor.stdin.take() {
            // Without a reader it ended already.
            let _ = input.write_all(b"keep\n");
        }
    }

    /// Asks until the answer is yes.
    ///
    /// # Errors
    /// When the server ended or the time is over, with the end of its log.
    pub fn wait_until(&self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            let is_ready = ready();
            // Asked after it: where this one could not listen, it may be another server that has answered.
            if test_kill_process(self.pid).is_err() {
                bail!("the server ended: {}", self.log());
            }
            if is_ready {
                return Ok(());
            }
            if start.elapsed() > limit {
                bail!("the server was not ready after {limit:?}: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The last lines of what the server printed.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read(self.directory.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        // A Go program that gives up prints the stacks of all that it was doing, behind what it has to say.
        let lines: Vec<&str> = log
            .lines()
            .take_while(|line| !line.starts_with("goroutine "))
            .collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input is what the supervisor waits for.
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Path, Server, fs};

    #[test]
    fn a_dropped_server_is_gone_and_so_is_its_directory() {
        let directory = tempfile::tempdir().expect("a directory").keep();
        let server = Server::start(&directory, Path::new("sleep"), ["600"]).expect("sleep starts");
        let process = format!("/proc/{}", server.pid());
        assert!(fs::exists(&process).expect("/proc can be read"));
        assert!(server.wait_until(Duration::from_millis(50), || false).is_err());
        drop(server);
        assert!(!fs::exists(&process).expect("/proc can be read"));
        assert!(!directory.exists());
    }
}
