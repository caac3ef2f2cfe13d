//! From the start of a run to its recorded end.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use ostler_vocabulary::{Failure, OperationId};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::undo::{Undone, undo_all};
use super::{Run, execute, heartbeat};
use crate::error::Error;
use crate::journal::Ending;
use crate::operation::Operation;
use crate::record::{Event, Finished, State};

/// Runs the function and records what came of it, unless another owner took the operation over meanwhile.
pub(crate) async fn drive<F, Fut>(run: Arc<Run>, function: F)
where
    F: FnOnce(Operation) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
{
    let over = CancellationToken::new();
    let beating = tokio::spawn({
        let (run, over) = (Arc::clone(&run), over.clone());
        async move { heartbeat::keep(&run, &over).await }
    });
    // Of the highest level, so that whatever is logged says for which operation.
    let span = tracing::error_span!("operation", id = %run.id());
    let ended = tokio::select! {
        biased;
        // Dropped where it stands: it may not write any more.
        () = run.lost.cancelled() => None,
        ended = to_its_end(&run, function).instrument(span) => ended,
    };
    over.cancel();
    let _ = beating.await;
    run.engine.forget(run.id(), run.by.epoch);
    if let Some(state) = ended {
        run.tell(Event::Ended { state });
    }
    run.done.cancel();
}

/// The state it ended in; `None` when the end could not be recorded.
async fn to_its_end<F, Fut>(run: &Arc<Run>, function: F) -> Option<State>
where
    F: FnOnce(Operation) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
{
    let operation = Operation::new(Arc::clone(run));
    let work = AssertUnwindSafe(async move { function(operation).await }).catch_unwind();
    // A function that waits for something else than its steps gets as long again to see that it is cancelled.
    let grace = run.engine.settings.grace.saturating_mul(2);
    let outcome = match execute::finish_in(grace, &run.cancel, work).await {
        Some(Ok(outcome)) => outcome,
        Some(Err(panic)) => Err(panicked(run, panic.as_ref())),
        None => Err(run.cancelled()),
    };
    // Only words: the end is recorded without them too.
    if let Err(failure) = run.journal_messages().await {
        tracing::warn!(operation = %run.id(), ?failure, "cannot record what the operation said");
    }
    match settle(run, outcome).await {
        Ok(state) => Some(state),
        Err(failure) => {
            tracing::error!(operation = %run.id(), ?failure, "cannot record the end of the operation");
            None
        }
    }
}

async fn settle(run: &Run, outcome: Result<Finished, Failure>) -> Result<State, Failure> {
    let outcome = outcome.and_then(|finished| match run.unreached() {
        None => Ok(finished),
        Some(step) => Err(run
            .unexpected(
                step.position,
                "the end",
                format!("the journal has step `{}`", step.label()),
            )
            .into()),
    });
    let failure = match outcome {
        // Resumed to be undone, it came to its end by recorded results alone.
        Ok(_) if run.undo_only => run.cancelled(),
        Ok(finished) => return end(run, finished_as(finished)).await,
        Err(failure) => failure,
    };
    if run.left.is_cancelled() {
        return leave(run).await;
    }
    if run.is_committed() || run.confused.load(Ordering::Relaxed) {
        return end(run, failed_as(run.id(), &failure, Undone::default())).await;
    }
    let undone = undo_all(run).await?;
    if undone.left {
        return leave(run).await;
    }
    let ending = if run.is_cancelled_by_user() || cancel_was_requested(run).await? {
        cancelled_as(run, undone).await?
    } else {
        failed_as(run.id(), &failure, undone)
    };
    end(run, ending).await
}

/// Whether the journal has a request that this run has not read yet: a commit may fail by it.
async fn cancel_was_requested(run: &Run) -> Result<bool, Failure> {
    let record = run.journal(|journal, by| journal.get(by.id)).await?;
    Ok(record.cancel_requested)
}

async fn end(run: &Run, ending: Ending) -> Result<State, Failure> {
    let (state, worked, now) = (ending.state, run.worked_ms(), run.engine.clock.now());
    run.journal(move |journal, by| journal.end(by, &ending, worked, now))
        .await?;
    Ok(state)
}

async fn leave(run: &Run) -> Result<State, Failure> {
    let (worked, now) = (run.worked_ms(), run.engine.clock.now());
    run.journal(move |journal, by| journal.release(by, worked, now))
        .await?;
    Ok(State::Interrupted)
}

fn finished_as(finished: Finished) -> Ending {
    Ending {
        state: if finished.partial.is_empty() {
            State::Succeeded
        } else {
            State::Partial
        },
        outcome: Some(finished.outcome),
        reasons: finished.partial,
        hint: None,
        failure: None,
    }
}

fn failed_as(id: OperationId, failure: &Failure, undone: Undone) -> Ending {
    let mut reasons = failure.messages();
    reasons.extend(undone.failed);
    reasons.extend(left_behind(undone.leaves));
    reasons.extend(finished(undone.done));
    let again = || {
        let short = id.short();
        format!("once the cause is gone, `ostler operation resume {short}` does the rest")
    };
    Ending {
        state: State::Failed,
        outcome: None,
        reasons,
        hint: Some(failure.hint().map_or_else(again, ToOwned::to_owned)),
        failure: Some(failure.kind()),
    }
}

/// Cancelled only when everything that can be undone was; else failed, so that `resume` tries the rest again.
async fn cancelled_as(run: &Run, undone: Undone) -> Result<Ending, Failure> {
    let record = run.journal(|journal, by| journal.get(by.id)).await?;
    let mut missed = undone.failed;
    for step in &record.steps {
        if step.undoable && !run.is_settled(step) && step.state != "undone" && step.state != "undo_failed" {
            missed.push(format!("step `{}` was not undone", step.label()));
        }
    }
    let failure = run.cancelled();
    let mut reasons = failure.messages();
    let complete = missed.is_empty();
    reasons.extend(missed);
    reasons.extend(left_behind(undone.leaves));
    reasons.extend(finished(undone.done));
    Ok(Ending {
        state: if complete { State::Cancelled } else { State::Failed },
        outcome: None,
        reasons,
        hint: (!complete).then(|| {
            format!(
                "`ostler operation resume {}` tries again to undo what is left",
                run.id().short()
            )
        }),
        failure: Some(failure.kind()),
    })
}

fn left_behind(leaves: Vec<String>) -> impl Iterator<Item = String> {
    leaves.into_iter().map(|what| format!("left behind: {what}"))
}

/// Items whose work is over; the first of many.
fn finished(items: Vec<String>) -> impl Iterator<Item = String> {
    const NAMED: usize = 20;
    let more = items.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("finished: {more} more, which the steps name"));
    let named = items.into_iter().take(NAMED);
    named.map(|what| format!("finished: {what}")).chain(more)
}

fn panicked(run: &Run, panic: &(dyn Any + Send)) -> Failure {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Error::Panicked {
        id: run.id(),
        message,
    }
    .into()
}
