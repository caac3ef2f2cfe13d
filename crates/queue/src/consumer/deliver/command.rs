//! A command, started for each delivery.

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Answer, DeliverError, Receiver};
use crate::consumer::{BatchInfo, Event};

/// Exit code by which a command says "not now" (`EX_TEMPFAIL` of sysexits.h).
const TRY_AGAIN: i32 = 75;
/// Bytes of what it prints that are kept.
const KEPT: usize = 64 << 20;
/// Bytes of its complaints that an error shows.
const SHOWN: usize = 2_000;
/// How long after its exit the end of its output is waited for.
const GRACE: Duration = Duration::from_secs(1);

/// Runs a command with the events on its standard input.
///
/// It is given to no shell. Its environment says which batch it is: `OSTLER_QUEUE`, `OSTLER_CONSUMER`, `OSTLER_BATCH_ID`,
/// `OSTLER_TICK_ID`, and for one event `OSTLER_EVENT_ID`, `OSTLER_EVENT_TYPE`, `OSTLER_EVENT_RETRY`. Exit code 0 means done,
/// 75 not now, any other failed; so does an event that the system passes to no command. Its exit ends it: what processes
/// that it left behind print later is nobody's answer. It is killed when the delivery is given up.
#[derive(Debug)]
pub struct Command {
    words: Vec<String>,
    running: Option<Running>,
    /// Why it cannot get the event.
    refused: Option<String>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    input: Option<ChildStdin>,
    output: JoinHandle<std::io::Result<Vec<u8>>>,
    errors: JoinHandle<std::io::Result<Vec<u8>>>,
    /// Cancelled when nobody waits for the end of the two.
    enough: CancellationToken,
}

impl Command {
    /// The words of the command; the first is the program.
    #[must_use]
    pub fn new(words: Vec<String>) -> Self {
        Self {
            words,
            running: None,
            refused: None,
        }
    }

    fn name(&self) -> String {
        self.words.first().cloned().unwrap_or_default()
    }

    fn failed(&self, source: std::io::Error) -> DeliverError {
        DeliverError::Run {
            command: self.name(),
            source,
        }
    }
}

#[async_trait]
impl Receiver for Command {
    async fn begin(&mut self, batch: &BatchInfo, event: Option<&Event>) -> Result<(), DeliverError> {
        let mut command = tokio::process::Command::new(self.name());
        command
            .args(self.words.iter().skip(1))
            .env("OSTLER_QUEUE", &batch.queue)
            .env("OSTLER_CONSUMER", &batch.consumer)
            .env("OSTLER_BATCH_ID", batch.batch_id.to_string())
            .env("OSTLER_TICK_ID", batch.tick_id.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(event) = event {
            command
                .env("OSTLER_EVENT_ID", event.ev_id.to_string())
                .env("OSTLER_EVENT_TYPE", event.ev_type.as_deref().unwrap_or_default())
                .env("OSTLER_EVENT_RETRY", event.ev_retry.unwrap_or(0).to_string());
        }
        // Ctrl-C at a terminal is for us: the batch at hand is finished first.
        #[cfg(unix)]
        command.process_group(0);
        self.refused = None;
        let mut child = match command.spawn() {
            // The type is in its environment.
            Err(source) if source.kind() == ErrorKind::ArgumentListTooLong && event.is_some() => {
                self.refused = Some(format!("it cannot be run with this event: {source}"));
                return Ok(());
            }
            spawned => spawned.map_err(|source| self.failed(source))?,
        };
        let missing = || std::io::Error::other("a pipe is missing");
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| self.failed(missing()))?;
        let errors = child.stderr.take().ok_or_else(|| self.failed(missing()))?;
        // Both are read while it works, or it would stop at a full pipe. They end with the last descriptor, which may be of
        // a process that the command leaves behind.
        let enough = CancellationToken::new();
        self.running = Some(Running {
            child,
            input,
            output: tokio::spawn(keep(output, KEPT + 1, enough.clone())),
            errors: tokio::spawn(keep(errors, SHOWN, enough.clone())),
            enough,
        });
        Ok(())
    }

    async fn more(&mut self, lines: &[u8]) -> Result<(), DeliverError> {
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        let Some(input) = &mut running.input else {
            return Ok(());
        };
        match input.write_all(lines).await {
            Ok(()) => Ok(()),
            // It has read enough; its exit code tells what that means.
            Err(source) if source.kind() == ErrorKind::BrokenPipe => {
                running.input = None;
                Ok(())
            }
            Err(source) => Err(self.failed(source)),
        }
    }

    async fn end(&mut self) -> Result<Answer, DeliverError> {
        let Some(mut running) = self.running.take() else {
            return Ok(self
                .refused
                .take()
                .map_or(Answer::Done(Vec::new()), Answer::Failed));
        };
        drop(running.input.take());
        let status = running.child.wait().await.map_err(|source| self.failed(source))?;
        let joined = |done: Result<std::io::Result<Vec<u8>>, tokio::task::JoinError>| {
            done.map_err(std::io::Error::other).and_then(|read| read)
        };
        let timer = tokio::spawn({
            let enough = running.enough.clone();
            async move {
                tokio::time::sleep(GRACE).await;
                enough.cancel();
            }
        });
        let output = joined(running.output.await).map_err(|source| self.failed(source))?;
        let errors = joined(running.errors.await).map_err(|source| self.failed(source))?;
        timer.abort();
        if output.len() > KEPT {
            return Err(DeliverError::TooMuch {
                receiver: format!("`{}`", self.name()),
                limit: KEPT,
            });
        }
        Ok(match status.code() {
            Some(0) => Answer::Done(output),
            Some(TRY_AGAIN) => Answer::Later(None),
            _ => {
                let said = String::from_utf8_lossy(&errors);
                let said = said.trim();
                let dash = if said.is_empty() { "" } else { ": " };
                Answer::Failed(format!("{status}{dash}{said}"))
            }
        })
    }
}

/// Reads to the end and keeps the beginning; when it is enough, only what is there already.
async fn keep(
    mut from: impl AsyncRead + Unpin,
    most: usize,
    enough: CancellationToken,
) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut piece = vec![0; 16 << 10];
    loop {
        let count = tokio::select! {
            biased;
            count = from.read(&mut piece) => count?,
            () = enough.cancelled() => 0,
        };
        if count == 0 {
            return Ok(kept);
        }
        let room = most.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&piece[..room]);
    }
}
