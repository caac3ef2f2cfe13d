//! Steps: named, journaled, repeatable pieces of an operation.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use ostler_vocabulary::{Failure, Progress, Unit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::journal::StepAt;
use crate::operation::Operation;
use crate::run::{Call, Undo, UndoEnd, Undoable, WithResult, execute};

/// A running step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Counters that watchers see.
    pub progress: Progress,
    /// Becomes cancelled when the step is to stop; it then has some seconds to return before it is dropped.
    pub cancelled: CancellationToken,
    /// 1 on the first attempt; counted over retries and resumes.
    pub attempt: u32,
}

/// A step before it runs.
#[derive(Debug)]
#[must_use = "a step does nothing until it is run"]
pub struct StepBuilder<'a> {
    operation: &'a Operation,
    name: String,
    key: String,
    unit: Unit,
    retries: u32,
    leaves: Option<String>,
}

impl<'a> StepBuilder<'a> {
    pub(crate) fn new(operation: &'a Operation, name: &str) -> Self {
        Self {
            operation,
            name: name.to_owned(),
            key: String::new(),
            unit: Unit::Objects,
            retries: 0,
            leaves: None,
        }
    }

    /// Tells this one of several steps of the same name.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// What its progress counts; objects unless said.
    pub fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// How often the engine tries again after a transient failure (`ErrorKind::is_transient`), with back-off.
    pub fn retries(mut self, times: u32) -> Self {
        self.retries = times;
        self
    }

    /// What stays behind, harmless, when the operation is cancelled or fails after this step: named in its reasons.
    pub fn leaves(mut self, what: impl Into<String>) -> Self {
        self.leaves = Some(what.into());
        self
    }

    /// Runs the step, or returns its recorded result. The result is JSON of at most 64 KiB.
    ///
    /// # Errors
    /// The work's own failure; `Cancelled`; `Conflict` when the journal has another step here, or another owner.
    pub async fn run<T, F, Fut>(self, work: F) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned + Send,
        F: Fn(Step) -> Fut + Send,
        Fut: Future<Output = Result<T, Failure>> + Send,
    {
        let operation = self.operation;
        let call = self.call(None)?;
        execute(&operation.run, call, work).await
    }

    /// The same, with what takes it back: run in reverse order when the operation is cancelled or fails before its
    /// commit. `undo` gets the result, or `None` when the step may have been done in part; it may be run more than
    /// once, and after a restart. It returns `()`, or an [`UndoEnd`] where it may find that nothing can be undone.
    ///
    /// # Errors
    /// As for [`StepBuilder::run`].
    pub async fn run_with_undo<T, F, Fut, U, UndoFut, E>(self, work: F, undo: U) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned + Clone + Send + 'static,
        F: Fn(Step) -> Fut + Send,
        Fut: Future<Output = Result<T, Failure>> + Send,
        U: Fn(Option<T>) -> UndoFut + Send + Sync + 'static,
        UndoFut: Future<Output = Result<E, Failure>> + Send + 'static,
        E: Into<UndoEnd>,
    {
        let operation = self.operation;
        let result = Arc::new(Mutex::new(None));
        let call = self.call(Some(Box::new(WithResult {
            result: Arc::clone(&result),
            undo,
        })))?;
        let value = execute(&operation.run, call, work).await?;
        *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(value.clone());
        Ok(value)
    }

    fn call(self, action: Option<Box<dyn Undoable>>) -> Result<Call, Failure> {
        let run = &self.operation.run;
        let position = run.place(self.operation.item, &self.name, &[&self.key])?;
        let at = StepAt {
            position,
            name: self.name,
            key: self.key,
        };
        let undo = (action.is_some() || self.leaves.is_some()).then(|| Undo {
            at: at.clone(),
            action,
            leaves: self.leaves,
        });
        Ok(Call {
            at,
            unit: self.unit,
            retries: self.retries,
            commits: false,
            token: run.cancel.clone(),
            undo,
        })
    }
}
