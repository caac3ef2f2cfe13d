//! Taking finished steps back, in reverse.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use ostler_vocabulary::{ErrorKind, Failure};
use serde::de::DeserializeOwned;

use super::{Run, may_pass, pause};
use crate::journal::{StepAt, StepEnd};
use crate::kill::{self, Moment};
use crate::record::label;

/// How often an undo is tried when its failure may pass.
const TRIES: u32 = 3;

/// What is to be said or done about a step when the operation does not commit.
pub(crate) struct Undo {
    pub(crate) at: StepAt,
    pub(crate) action: Option<Box<dyn Undoable>>,
    /// What stays behind all the same.
    pub(crate) leaves: Option<String>,
}

impl Undo {
    pub(crate) fn takes_back(&self) -> bool {
        self.action.is_some()
    }
}

/// How an undo ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoEnd {
    /// Everything is as it was before the step.
    Undone,
    /// What the step was for is complete, and cannot be undone; named in the reasons. A resume goes on after the step.
    Complete(String),
}

impl From<()> for UndoEnd {
    fn from((): ()) -> Self {
        Self::Undone
    }
}

/// Undoes one step; may be called more than once.
pub(crate) trait Undoable: Send + Sync {
    fn undo(&self) -> Pin<Box<dyn Future<Output = Result<UndoEnd, Failure>> + Send + '_>>;

    /// Takes the step's result from the journal, where the step was run by an earlier owner.
    fn know(&self, result: &serde_json::Value);
}

/// The undo of a step whose result is known once it has run.
pub(crate) struct WithResult<T, U> {
    pub(crate) result: Arc<Mutex<Option<T>>>,
    pub(crate) undo: U,
}

impl<T, U, Fut, E> Undoable for WithResult<T, U>
where
    T: DeserializeOwned + Clone + Send + 'static,
    U: Fn(Option<T>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<E, Failure>> + Send + 'static,
    E: Into<UndoEnd>,
{
    fn undo(&self) -> Pin<Box<dyn Future<Output = Result<UndoEnd, Failure>> + Send + '_>> {
        let result = self.result.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin((self.undo)(result).map(|ended| ended.map(Into::into)))
    }

    fn know(&self, result: &serde_json::Value) {
        // One that cannot be read is undone as one that was done in part.
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = T::deserialize(result).ok();
    }
}

/// What came of undoing.
#[derive(Debug, Default)]
pub(super) struct Undone {
    /// What could not be undone, and why.
    pub(super) failed: Vec<String>,
    /// What stays by design.
    pub(super) leaves: Vec<String>,
    /// What is complete, of items that are not undone.
    pub(super) done: Vec<String>,
    /// Somebody asked to stop in the middle.
    pub(super) left: bool,
}

/// Takes back every step of this run that is not undone yet, in reverse. What fails is recorded and the rest goes on.
pub(super) async fn undo_all(run: &Run) -> Result<Undone, Failure> {
    let (mut stack, done) = {
        let here = &mut *run.lock();
        (std::mem::take(&mut here.undo), here.done.clone())
    };
    let mut all = Undone {
        done,
        ..Undone::default()
    };
    while let Some(undo) = stack.pop() {
        if let Some(leaves) = &undo.leaves
            && !all.leaves.contains(leaves)
        {
            all.leaves.push(leaves.clone());
        }
        let Some(action) = &undo.action else { continue };
        let name = label(&undo.at.name, &undo.at.key);
        let hook = format!("undo {}", undo.at.name);
        kill::point(Moment::Before, &hook);
        #[cfg(feature = "testing")]
        run.inject(crate::testing::Place::Before, &format!("undo {name}"))
            .await;
        let Some(outcome) = take_back(run, action.as_ref()).await else {
            all.left = true;
            return Ok(all);
        };
        let end = match outcome {
            Ok(UndoEnd::Undone) => StepEnd::Undone,
            Ok(UndoEnd::Complete(what)) => {
                run.lock().settled.insert(undo.at.clone());
                if !all.done.contains(&what) {
                    all.done.push(what);
                }
                continue;
            }
            Err(failure) => {
                let reasons = failure.messages();
                all.failed.push(format!(
                    "step `{name}` could not be undone: {}",
                    reasons.join(": ")
                ));
                StepEnd::UndoFailed { reasons }
            }
        };
        let (at, now) = (undo.at.clone(), run.engine.clock.now());
        run.journal(move |journal, by| journal.end_step(by, &at, &end, None, now))
            .await?;
        kill::point(Moment::After, &hook);
        #[cfg(feature = "testing")]
        run.inject(crate::testing::Place::After, &format!("undo {name}"))
            .await;
    }
    Ok(all)
}

/// `None` when somebody asked to leave it.
pub(super) async fn take_back(run: &Run, action: &dyn Undoable) -> Option<Result<UndoEnd, Failure>> {
    let mut tried = 0;
    loop {
        let outcome = tokio::select! {
            biased;
            () = run.left.cancelled() => return None,
            outcome = AssertUnwindSafe(action.undo()).catch_unwind() => outcome,
        };
        let failure = match outcome {
            Ok(Ok(ended)) => return Some(Ok(ended)),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::new(ErrorKind::Internal, "the undo stopped by a defect of the program"),
        };
        tried += 1;
        if tried >= TRIES || !may_pass(failure.kind()) {
            return Some(Err(failure));
        }
        tokio::select! {
            () = run.left.cancelled() => return None,
            () = tokio::time::sleep(pause(run.engine.settings.first_pause, tried)) => {}
        }
    }
}
