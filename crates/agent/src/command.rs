//! Runs a user's command: hooks around a backup, checks of a drill.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ostler_api::document::CheckCommand;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::Error;

/// What is kept of a command's output: its end.
const KEPT: usize = 4096;
/// How long output is waited for after the command has ended; a daemon that it started may keep it open for ever.
const DRAIN: Duration = Duration::from_millis(300);

/// Runs a command by `sh -c` and waits for it. Cancelling kills it with everything it started.
pub(crate) async fn run(
    command: &str,
    directory: Option<&Path>,
    cancel: &CancellationToken,
) -> Result<CheckCommand, Error> {
    let shell = Path::new("sh");
    let mut prepared = Command::new(shell);
    prepared
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(directory) = directory {
        prepared.current_dir(directory);
    }
    if let Some(path) = with_ourselves() {
        prepared.env("PATH", path);
    }
    let mut child = prepared
        .spawn()
        .map_err(|error| Error::io("start", shell, error))?;
    // Killed with its group when this future is dropped, too.
    let group = Group(
        child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw),
    );
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let mut tail = Tail::default();
    let mut buffers = ([0; 4096], [0; 4096]);
    let mut ended = None;
    let status = loop {
        let drained = async {
            match ended {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => {
                group.kill();
                let _ = child.wait().await;
                return Err(Error::Cancelled);
            }
            read = read(&mut out, &mut buffers.0), if out.is_some() => {
                if !tail.take(read, &buffers.0) { out = None; }
            }
            read = read(&mut err, &mut buffers.1), if err.is_some() => {
                if !tail.take(read, &buffers.1) { err = None; }
            }
            status = child.wait(), if ended.is_none() => {
                let status = status.map_err(|error| Error::io("wait for", shell, error))?;
                ended = Some(tokio::time::Instant::now() + DRAIN);
                if out.is_none() && err.is_none() { break status; }
                tail.status = Some(status);
            }
            () = drained, if ended.is_some() => {
                if let Some(status) = tail.status { break status; }
            }
        }
        if let (Some(status), None, None) = (tail.status, &out, &err) {
            break status;
        }
    };
    group.leave();
    let _ = status.signal();
    Ok(CheckCommand {
        command: command.to_owned(),
        exit_code: status.code(),
        output: tail.text(),
    })
}

/// `PATH`, and after all of it the directory of this program: a command that calls `ostler` finds one.
fn with_ourselves() -> Option<OsString> {
    let path = std::env::var_os("PATH")?;
    let own = std::env::current_exe().ok()?.parent()?.to_owned();
    std::env::join_paths(std::env::split_paths(&path).chain([own])).ok()
}

/// A process group that is killed unless it was left alone.
struct Group(Option<Pid>);

impl Group {
    fn kill(&self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// What the command left running in its own right stays.
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    status: Option<std::process::ExitStatus>,
}

impl Tail {
    /// Whether there may be more.
    fn take(&mut self, read: usize, buffer: &[u8]) -> bool {
        self.bytes.extend_from_slice(&buffer[..read]);
        if self.bytes.len() > 4 * KEPT {
            self.bytes.drain(..self.bytes.len() - KEPT);
        }
        read > 0
    }

    fn text(&self) -> String {
        let start = self.bytes.len().saturating_sub(KEPT);
        String::from_utf8_lossy(&self.bytes[start..]).into_owned()
    }
}

async fn read(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_tells_its_exit_code_and_the_end_of_its_output() {
        let never = CancellationToken::new();
        let done = run("echo out; echo err >&2; exit 7", None, &never).await.unwrap();
        assert_eq!(done.exit_code, Some(7));
        assert!(done.output.contains("out") && done.output.contains("err"));
        let long = run("seq 1 100000", Some(Path::new("/")), &never).await.unwrap();
        assert!(long.output.len() <= KEPT && long.output.ends_with("100000\n"));
        let killed = run("kill -9 $$", None, &never).await.unwrap();
        assert_eq!(killed.exit_code, None);
    }

    #[tokio::test]
    async fn a_command_finds_this_program() {
        let own = std::env::current_exe().unwrap();
        let look = format!("command -v {}", own.file_name().unwrap().to_str().unwrap());
        let found = run(&look, None, &CancellationToken::new()).await.unwrap();
        assert_eq!(found.output.trim(), own.to_str().unwrap());
    }

    #[tokio::test]
    async fn what_a_command_leaves_running_does_not_hold_it_up() {
        let started = std::time::Instant::now();
        let never = CancellationToken::new();
        let done = run("sleep 20 & echo $!", None, &never).await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(10));
        let pid: i32 = done.output.trim().parse().unwrap();
        let pid = Pid::from_raw(pid).unwrap();
        assert!(
            rustix::process::kill_process(pid, Signal::KILL).is_ok(),
            "it was left alone"
        );
    }

    #[tokio::test]
    async fn cancelling_kills_the_command_and_what_it_started() {
        let cancel = CancellationToken::new();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let command = format!(
            "sleep 100 & echo $! > {}.new && mv {0}.new {0}; wait",
            file.display()
        );
        let watch = async {
            while !file.exists() {
                tokio::task::yield_now().await;
            }
            cancel.cancel();
        };
        let (ended, ()) = tokio::join!(run(&command, None, &cancel), watch);
        assert!(matches!(ended, Err(Error::Cancelled)));
        let pid: u32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        let gone = || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        while !gone() {
            tokio::task::yield_now().await;
        }
    }
}
