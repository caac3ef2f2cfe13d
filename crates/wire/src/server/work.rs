//! A request at work: lines that tell how far it is, and at last its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use ostler_vocabulary::{ErrorKind, Failure, Progress, ProgressValue, Unit};
use serde::Serialize;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{Instrument as _, Span};

use super::tally::{Running, Tally};
use super::{Caller, Host};
use crate::Pass;
use crate::message::{Ask, FailureDocument, Line};

type Working = Pin<Box<dyn Future<Output = Result<serde_json::Value, Failure>> + Send>>;

/// A request that was let in.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) caller: Caller,
    pub(super) ask: Ask,
    pub(super) pass: Option<Pass>,
}

/// What goes on while lines are taken. Whoever drops it stops the work.
struct Going {
    working: Working,
    progress: Progress,
    told: ProgressValue,
    beat: Interval,
    running: Running,
    _guard: DropGuard,
}

/// The lines of an answer. The work is done as they are taken, so there is no task that could outlive its connection.
pub(super) fn lines(
    host: Arc<dyn Host>,
    asked: Asked,
    tally: &Tally,
    every: Duration,
    span: Span,
) -> BoxStream<'static, Bytes> {
    let progress = Progress::new(match asked.ask {
        Ask::Survey(_) | Ask::Preview(_) => Unit::Files,
        _ => Unit::Bytes,
    });
    let cancel = CancellationToken::new();
    let mut beat = tokio::time::interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let running = tally.begin(asked.ask.name(), &progress);
    let going = Going {
        working: Box::pin(carry_out(host, asked, progress.clone(), cancel.clone()).instrument(span)),
        running,
        told: progress.read(),
        progress,
        beat,
        _guard: cancel.drop_guard(),
    };
    stream::unfold(Some(going), |going| async move {
        let mut going = going?;
        let line = tokio::select! {
            biased;
            ended = &mut going.working => {
                going.running.end(ended.is_ok());
                let last = match ended {
                    Ok(answer) => Line::Done { answer },
                    Err(failure) => Line::Failed { failure: FailureDocument::from(&failure) },
                };
                let now = going.progress.read();
                let counted = Line::Progress { progress: now };
                let lines = match going.told == now {
                    true => written(&[last]),
                    // What a step came to is kept by whoever asked.
                    false => written(&[counted, last]),
                };
                return Some((lines, None));
            }
            _ = going.beat.tick() => {
                let now = going.progress.read();
                match std::mem::replace(&mut going.told, now) == now {
                    true => Line::Beat,
                    false => Line::Progress { progress: now },
                }
            }
        };
        Some((written(&[line]), Some(going)))
    })
    .boxed()
}

async fn carry_out(
    host: Arc<dyn Host>,
    asked: Asked,
    progress: Progress,
    cancel: CancellationToken,
) -> Result<serde_json::Value, Failure> {
    let Asked { caller, ask, pass } = asked;
    let done = admitted(answer(&*host, &caller, ask, &progress, &cancel), pass, &cancel).await;
    match &done {
        Ok(_) => tracing::info!("done"),
        Err(failure) => tracing::warn!(reason = failure.messages().join(": "), "failed"),
    }
    done
}

/// The work, as long as no newer coordinator comes.
async fn admitted(
    doing: impl Future<Output = Result<serde_json::Value, Failure>>,
    pass: Option<Pass>,
    cancel: &CancellationToken,
) -> Result<serde_json::Value, Failure> {
    match pass {
        None => doing.await,
        Some(pass) => tokio::select! {
            biased;
            newer = pass.superseded() => {
                cancel.cancel();
                Err(newer.into())
            }
            done = doing => done,
        },
    }
}

async fn answer(
    host: &dyn Host,
    caller: &Caller,
    ask: Ask,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<serde_json::Value, Failure> {
    let node = host.node(caller, &ask).await?;
    match ask {
        Ask::Info => document(&node.info().await?),
        Ask::Survey(selection) => document(&node.survey(&selection, progress, cancel).await?),
        Ask::Upload(request) => document(&node.upload(&request, progress, cancel).await?),
        Ask::Preview(request) => document(&node.preview(&request, progress, cancel).await?),
        Ask::Download(request) => document(&node.download(&request, progress, cancel).await?),
        Ask::Compare(request) => document(&node.compare(&request, progress, cancel).await?),
        Ask::RunCommand { command, directory } => {
            document(&node.run_command(&command, directory, cancel).await?)
        }
        Ask::MakeScratch { directory } => document(&node.make_scratch(directory).await?),
        Ask::RemoveScratch { directory } => document(&node.remove_scratch(directory).await?),
        Ask::Recall { backups } => document(&node.recall(&backups).await?),
        Ask::Adopt { backups } => document(&node.adopt(&backups).await?),
        Ask::Limit(change) => document(&node.limit(change).await?),
    }
}

fn document(answer: &impl Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(answer).map_err(|error| {
        Failure::new(
            ErrorKind::Internal,
            format!("the answer cannot be written: {error}"),
        )
    })
}

fn written(lines: &[Line]) -> Bytes {
    let mut text = Vec::new();
    for line in lines {
        text.extend(serde_json::to_vec(line).unwrap_or_default());
        text.push(b'\n');
    }
    text.into()
}
