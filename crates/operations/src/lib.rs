//! Durable operations: plan, steps, journal, ownership, history, audit.
#![allow(missing_docs, clippy::todo, unused_variables, reason = "skeleton; to go")]

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use ostler_vocabulary::{
    Clock, Failure, OperationId, ProcessIdentity, Progress, ProgressValue, Timestamp, Unit,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The engine over one journal. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {}

/// What an operation is, recorded before it runs.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Such as `create_backup`.
    pub kind: &'static str,
    /// Version of this kind's steps.
    pub version: u32,
    pub subject: String,
    /// The serialised plan; the run takes nothing else.
    pub plan: serde_json::Value,
}

/// How a run function ended well.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The outcome document.
    pub outcome: serde_json::Value,
    /// Why it is `partial` rather than `succeeded`; empty means succeeded.
    pub partial: Vec<String>,
}

impl Engine {
    /// Opens or makes the SQLite journal in the state directory, and migrates it.
    pub fn open(state_directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        todo!()
    }
    /// The same in memory.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        todo!()
    }

    /// Records the operation and runs it as a task of this process. The function is called once now, and again from
    /// the start by `resume` after a crash: finished steps then give their recorded results.
    pub async fn start<F, Fut>(&self, spec: Spec, run: F) -> Result<OperationId, Failure>
    where
        F: FnOnce(Operation) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Finished, Failure>> + Send,
    {
        todo!()
    }
    /// Takes over an operation whose owner is gone (or that failed) under a new epoch, and runs it again.
    pub async fn resume<F, Fut>(
        &self,
        id: OperationId,
        kind: &'static str,
        version: u32,
        run: F,
    ) -> Result<(), Failure>
    where
        F: FnOnce(Operation) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Finished, Failure>> + Send,
    {
        todo!()
    }
    /// Asks it to stop, through the journal when another process runs it. `leave`: stop as it is, to be resumed.
    pub async fn cancel(&self, id: OperationId, leave: bool) -> Result<(), Failure> {
        todo!()
    }
    /// Events from now on; of another process's operation by looking at the journal.
    pub async fn watch(&self, id: OperationId) -> Result<mpsc::Receiver<Event>, Failure> {
        todo!()
    }
    /// By id or unique prefix.
    pub fn find(&self, id: &str) -> Result<OperationId, Failure> {
        todo!()
    }
    pub fn get(&self, id: OperationId) -> Result<OperationRecord, Failure> {
        todo!()
    }
    /// Newest first.
    pub fn list(&self, limit: usize) -> Result<Vec<OperationRecord>, Failure> {
        todo!()
    }
    /// Removes the history of operations that are over and older than `keep`, but at least `minimum` stay.
    pub fn prune_history(&self, keep: std::time::Duration, minimum: usize) -> Result<usize, Failure> {
        todo!()
    }
    /// Everything, as JSON lines, oldest first.
    pub fn export(&self) -> Result<Vec<serde_json::Value>, Failure> {
        todo!()
    }
}

/// What a run function works with.
#[derive(Debug, Clone)]
pub struct Operation {}

impl Operation {
    pub fn id(&self) -> OperationId {
        todo!()
    }
    /// When the operation was first started: the same on every resume.
    pub fn started(&self) -> Timestamp {
        todo!()
    }
    pub fn cancelled(&self) -> &CancellationToken {
        todo!()
    }
    /// A named step. Build it, then `run` it: on a resume after it finished, `run` returns the recorded result.
    pub fn step(&self, name: &str) -> StepBuilder<'_> {
        todo!()
    }
    /// Says something to whoever watches.
    pub fn message(&self, text: impl Into<String>) {
        todo!()
    }
    /// Records that something is about to be destroyed.
    pub async fn audit(&self, action: &str, item: &str, bytes: u64, reason: &str) -> Result<(), Failure> {
        todo!()
    }
    /// From here on nothing is undone, and a cancel is too late. Its result is a step's.
    pub async fn commit(&self) -> Result<(), Failure> {
        todo!()
    }
}

/// A step before it runs.
#[derive(Debug)]
pub struct StepBuilder<'a> {
    _op: &'a Operation,
}

impl StepBuilder<'_> {
    /// Tells this one of several steps of the same name.
    pub fn key(self, key: impl Into<String>) -> Self {
        todo!()
    }
    pub fn unit(self, unit: Unit) -> Self {
        todo!()
    }
    /// How often the engine tries again after a transient failure (`ErrorKind::is_transient`), with back-off.
    pub fn retries(self, times: u32) -> Self {
        todo!()
    }
    /// Runs the step, or returns its recorded result. The result is JSON of at most 64 KiB.
    pub async fn run<T, F, Fut>(self, work: F) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned + Send,
        F: Fn(Step) -> Fut + Send,
        Fut: Future<Output = Result<T, Failure>> + Send,
    {
        todo!()
    }
    /// The same, with what takes it back: run in reverse order when the operation is cancelled or fails before its
    /// commit. `undo` may be run more than once and after a restart.
    pub async fn run_with_undo<T, F, Fut, U, UndoFut>(self, work: F, undo: U) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned + Clone + Send + 'static,
        F: Fn(Step) -> Fut + Send,
        Fut: Future<Output = Result<T, Failure>> + Send,
        U: Fn(Option<T>) -> UndoFut + Send + Sync + 'static,
        UndoFut: Future<Output = Result<(), Failure>> + Send,
    {
        todo!()
    }
}

/// A running step.
#[derive(Debug, Clone)]
pub struct Step {
    pub progress: Progress,
    pub cancelled: CancellationToken,
    /// 1 on the first attempt.
    pub attempt: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    StepStarted { step: String },
    Progress { step: String, progress: ProgressValue },
    StepEnded { step: String, ok: bool },
    Message { text: String },
    Ended { state: State },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Running,
    Interrupted,
    Cancelling,
    Cancelled,
    Failed,
    Partial,
    Succeeded,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationRecord {
    pub id: OperationId,
    pub kind: String,
    pub version: u32,
    pub subject: String,
    pub plan: serde_json::Value,
    pub state: State,
    pub committed: bool,
    pub owner: Option<ProcessIdentity>,
    pub epoch: u64,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub worked_ms: u64,
    pub reasons: Vec<String>,
    pub hint: Option<String>,
    /// `ErrorKind` of the failure.
    pub failure: Option<ostler_vocabulary::ErrorKind>,
    pub outcome: Option<serde_json::Value>,
    pub steps: Vec<StepRecord>,
    pub audit: Vec<AuditRecord>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub name: String,
    pub key: Option<String>,
    /// `running`, `done`, `failed`, `undone`.
    pub state: String,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub attempts: u32,
    pub result: Option<serde_json::Value>,
    pub progress: Option<ProgressValue>,
    pub reasons: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    pub at: Timestamp,
    pub action: String,
    pub item: String,
    pub bytes: u64,
    pub reason: String,
}
