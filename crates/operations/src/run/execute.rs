//! Running one step, or returning what it returned before.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use ostler_vocabulary::{Failure, Progress, Unit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::undo::take_back;
use super::{Active, Run, Undo, UndoEnd, may_pass, pause};
use crate::error::Error;
use crate::journal::{RESULT_LIMIT, StepAt, StepEnd};
use crate::kill::{self, Moment};
use crate::record::{Event, label};
use crate::step::Step;

/// How a step is to be run.
pub(crate) struct Call {
    pub(crate) at: StepAt,
    pub(crate) unit: Unit,
    pub(crate) retries: u32,
    pub(crate) commits: bool,
    /// Stops this step: the run's token or, in a fan-out, a child of it.
    pub(crate) token: CancellationToken,
    /// What takes it back, or what it leaves; noted once the step has begun.
    pub(crate) undo: Option<Undo>,
}

pub(crate) async fn execute<T, F, Fut>(run: &Run, mut call: Call, mut work: F) -> Result<T, Failure>
where
    T: Serialize + DeserializeOwned + Send,
    F: Fn(Step) -> Fut + Send,
    Fut: Future<Output = Result<T, Failure>> + Send,
{
    if let Some(result) = finish_undo(run, &mut call).await? {
        return Ok(result);
    }
    if let Some(result) = recorded(run, &mut call)? {
        return Ok(result);
    }
    if call.token.is_cancelled() || run.lost.is_cancelled() {
        return Err(run.cancelled());
    }
    let mut tried = 0;
    loop {
        let outcome;
        (work, outcome) = attempt(run, &mut call, work).await?;
        let failure = match outcome {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        if tried >= call.retries || !may_pass(failure.kind()) || call.token.is_cancelled() {
            return Err(failure);
        }
        tokio::select! {
            () = tokio::time::sleep(pause(run.engine.settings.first_pause, tried)) => tried += 1,
            () = call.token.cancelled() => return Err(failure),
        }
    }
}

/// Undoes a step whose undo failed before, so that the run goes on from a known state: from the recorded result when there
/// was nothing to undo any more, else by running the step again.
async fn finish_undo<T: DeserializeOwned>(run: &Run, call: &mut Call) -> Result<Option<T>, Failure> {
    if run.undo_only {
        return Ok(None);
    }
    let result = match run.recorded(&call.at) {
        Some(step) if step.state == "undo_failed" => step.result.clone(),
        _ => return Ok(None),
    };
    let Some(action) = call.undo.as_ref().and_then(|undo| undo.action.as_deref()) else {
        return Ok(None);
    };
    if let Some(result) = &result {
        action.know(result);
    }
    let ended = take_back(run, action).await.ok_or_else(|| run.cancelled())?;
    match (ended, result) {
        (Ok(UndoEnd::Complete(_)), Some(result)) => {
            run.lock().undo.extend(call.undo.take());
            let end = StepEnd::Done {
                result: result.clone(),
                commits: false,
            };
            let (at, now) = (call.at.clone(), run.engine.clock.now());
            run.journal(move |journal, by| journal.end_step(by, &at, &end, None, now))
                .await?;
            read_result(run, &call.at, &result).map(Some)
        }
        (Err(failure), _) if may_pass(failure.kind()) => {
            run.lock().undo.extend(call.undo.take());
            Err(failure)
        }
        // What cannot be undone may still be completed.
        _ => {
            run.rewind(&call.at).await?;
            Ok(None)
        }
    }
}

fn read_result<T: DeserializeOwned>(
    run: &Run,
    at: &StepAt,
    result: &serde_json::Value,
) -> Result<T, Failure> {
    T::deserialize(result).map_err(|source| {
        run.confused.store(true, std::sync::atomic::Ordering::Relaxed);
        Error::ResultType {
            id: run.id(),
            step: label(&at.name, &at.key),
            source,
        }
        .into()
    })
}

/// The recorded result, if this step need not run.
fn recorded<T: DeserializeOwned>(run: &Run, call: &mut Call) -> Result<Option<T>, Failure> {
    let at = &call.at;
    let found = run.recorded(at);
    let begun = found.filter(|step| run.undo_only || step.state == "done");
    if let Some(undo) = call
        .undo
        .take_if(|_| begun.is_some_and(|step| step.state != "undone"))
    {
        run.lock().undo.push(undo);
    }
    let Some(result) = begun.and_then(|step| step.result.as_ref()) else {
        if run.undo_only {
            // Everything that was done has been seen; what is left is to undo it.
            run.cancel.cancel();
            return Err(run.cancelled());
        }
        return Ok(None);
    };
    read_result(run, at, result).map(Some)
}

/// One attempt; gives the work back (it is `Send`, but may not be shared). The outer error is the engine's, after which
/// nothing is tried again.
async fn attempt<T, F, Fut>(run: &Run, call: &mut Call, work: F) -> Result<(F, Result<T, Failure>), Failure>
where
    T: Serialize + Send,
    F: Fn(Step) -> Fut + Send,
    Fut: Future<Output = Result<T, Failure>> + Send,
{
    let name = label(&call.at.name, &call.at.key);
    let begun = {
        let (at, undoable) = (call.at.clone(), call.undo.as_ref().is_some_and(Undo::takes_back));
        let now = run.engine.clock.now();
        // Noted first: a step whose beginning may have been recorded may have to be undone.
        if let Some(undo) = call.undo.take() {
            run.lock().undo.push(undo);
        }
        let undoable = undoable
            || run
                .lock()
                .undo
                .iter()
                .any(|undo| undo.at == at && undo.takes_back());
        run.journal(move |journal, by| journal.begin_step(by, &at, undoable, now))
            .await?
    };
    run.tell(Event::StepStarted { step: name.clone() });
    kill::point(Moment::Before, &call.at.name);
    #[cfg(feature = "testing")]
    let injected = run.inject(crate::testing::Place::Before, &name).await;
    let progress = Progress::new(call.unit);
    let step = Step {
        progress: progress.clone(),
        cancelled: call.token.clone(),
        attempt: begun,
    };
    let outcome = {
        let _active = Registered::new(run, &call.at, &progress);
        #[cfg(feature = "testing")]
        let doing = match injected {
            Some(failure) => futures::future::Either::Left(std::future::ready(Err(failure))),
            None => futures::future::Either::Right(work(step)),
        };
        #[cfg(not(feature = "testing"))]
        let doing = work(step);
        finish_in(run.engine.settings.grace, &call.token, doing)
            .await
            .unwrap_or_else(|| Err(run.cancelled()))
    };
    #[cfg(feature = "testing")]
    let outcome = match run.inject(crate::testing::Place::Unrecorded, &name).await {
        Some(failure) => Err(failure),
        None => outcome,
    };
    let outcome = outcome.and_then(|value| {
        encode(&name, &value)
            .map(|json| (value, json))
            .map_err(Failure::from)
    });
    let end = match &outcome {
        Ok((_, result)) => StepEnd::Done {
            result: result.clone(),
            commits: call.commits,
        },
        Err(failure) => StepEnd::Failed {
            reasons: failure.messages(),
        },
    };
    let (at, value, now) = (call.at.clone(), progress.read(), run.engine.clock.now());
    let counted = (value.done > 0 || value.total > 0 || value.items > 0).then_some(value);
    run.journal(move |journal, by| journal.end_step(by, &at, &end, counted, now))
        .await?;
    if outcome.is_ok() {
        kill::point(Moment::After, &call.at.name);
        #[cfg(feature = "testing")]
        run.inject(crate::testing::Place::After, &name).await;
    }
    if let Some(progress) = counted {
        run.tell(Event::Progress {
            step: name.clone(),
            progress,
        });
    }
    run.tell(Event::StepEnded {
        step: name,
        ok: outcome.is_ok(),
    });
    Ok((work, outcome.map(|(value, _)| value)))
}

fn encode<T: Serialize>(step: &str, value: &T) -> Result<serde_json::Value, Error> {
    let json = serde_json::to_value(value).map_err(|source| Error::ResultEncoding {
        step: step.to_owned(),
        source,
    })?;
    let bytes = json.to_string().len();
    if bytes > RESULT_LIMIT {
        return Err(Error::ResultTooLarge {
            step: step.to_owned(),
            bytes,
            limit: RESULT_LIMIT,
        });
    }
    Ok(json)
}

/// Waits for the work; once it is told to stop it has so long to come back by itself. `None` when it did not.
pub(super) async fn finish_in<T>(
    grace: Duration,
    token: &CancellationToken,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        value = &mut work => return Some(value),
        () = token.cancelled() => {}
    }
    tokio::time::timeout(grace, work).await.ok()
}

/// A running step's place among those whose progress is told.
struct Registered<'a> {
    run: &'a Run,
    at: StepAt,
}

impl<'a> Registered<'a> {
    fn new(run: &'a Run, at: &StepAt, progress: &Progress) -> Self {
        run.lock().active.push(Active {
            at: at.clone(),
            progress: progress.clone(),
            told: None,
            journaled: None,
        });
        Self { run, at: at.clone() }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.run.lock().active.retain(|active| active.at != self.at);
    }
}
