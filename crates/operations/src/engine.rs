//! The engine: starts, resumes, stops and shows operations over one journal.

mod history;

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostler_state::Place;
use ostler_vocabulary::{Clock, Failure, OperationId, ProcessIdentity};
use tokio::sync::mpsc;

use crate::error::Error;
use crate::journal::{Journal, MemoryJournal, NewOperation, StoredJournal, is_gone};
use crate::operation::Operation;
use crate::record::{Event, Finished, OperationRecord, Spec, State};
use crate::run::{Run, drive};

/// The engine's times. The defaults are right outside tests.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How often an owner says that it is alive.
    pub heartbeat: Duration,
    /// After how long a silence an owner that cannot be asked counts as gone.
    pub silence: Duration,
    /// How often an owner looks for requests, and a watcher for news of another process's operation.
    pub look: Duration,
    /// How often progress is recorded at most.
    pub journal_progress: Duration,
    /// The first pause before a retry; it doubles up to 30 s.
    pub first_pause: Duration,
    /// How long a step that was told to stop may take to return before it is dropped.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(5),
            silence: Duration::from_secs(60),
            look: Duration::from_millis(150),
            journal_progress: Duration::from_millis(500),
            first_pause: Duration::from_millis(500),
            grace: Duration::from_secs(10),
        }
    }
}

/// The engine over one journal. Cheap to clone; its runs are tasks of the runtime it is called in.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) identity: ProcessIdentity,
    /// The runs of this process.
    local: Mutex<HashMap<OperationId, Arc<Run>>>,
    #[cfg(feature = "testing")]
    pub(crate) injection: Mutex<Option<crate::testing::Injection>>,
}

impl Inner {
    /// Calls the journal on a blocking thread.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Journal) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let journal = Arc::clone(&self.journal);
        match tokio::task::spawn_blocking(move || call(journal.as_ref())).await {
            Ok(answer) => answer,
            Err(e) => match e.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::ShuttingDown),
            },
        }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<OperationId, Arc<Run>>> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn run(&self, id: OperationId) -> Option<Arc<Run>> {
        self.runs().get(&id).cloned()
    }

    /// Forgets a run that is over, unless a later one of the same operation has taken its place.
    pub(crate) fn forget(&self, id: OperationId, epoch: u64) {
        let mut runs = self.runs();
        if runs.get(&id).is_some_and(|run| run.by.epoch == epoch) {
            runs.remove(&id);
        }
    }

    /// Reads a record on a blocking thread, as it is to be seen.
    pub(crate) async fn read(self: &Arc<Self>, id: OperationId) -> Result<OperationRecord, Error> {
        let engine = Arc::clone(self);
        self.blocking(move |journal| engine.derived(journal.get(id)?))
            .await
    }

    /// The record as it is to be seen: one that nobody works on is interrupted. It is read again first: its owner may
    /// have recorded the end after the first read, and then ended itself.
    pub(crate) fn derived(&self, record: OperationRecord) -> Result<OperationRecord, Error> {
        if !self.is_orphan(&record) {
            return Ok(record);
        }
        let listed = record.steps.is_empty() && record.audit.is_empty() && record.messages.is_empty();
        let mut now = match self.journal.get(record.id) {
            // Its history was removed meanwhile.
            Err(Error::NotFound(_)) => return Ok(record),
            now => now?,
        };
        if self.is_orphan(&now) {
            now.state = State::Interrupted;
        }
        if listed {
            (now.steps, now.audit, now.messages) = Default::default();
        }
        Ok(now)
    }

    /// Whether a record has a state of work, and an owner that is gone.
    fn is_orphan(&self, record: &OperationRecord) -> bool {
        let here = self
            .run(record.id)
            .is_some_and(|run| run.by.epoch == record.epoch);
        if !matches!(record.state, State::Running | State::Cancelling) || here {
            return false;
        }
        let now = self.journal.time(self.clock.now());
        record
            .owner
            .as_ref()
            .is_none_or(|owner| is_gone(owner, record.heartbeat, self.settings.silence, now))
    }
}

impl Engine {
    /// Opens or makes the journal in an SQLite file of the state directory, and migrates it.
    ///
    /// # Errors
    /// `Unsupported` on a network file system or when a newer program wrote it; else what opening a file gives.
    pub fn open(state_directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        Self::open_at(&state_directory.into(), clock)
    }

    /// The same wherever the state is.
    ///
    /// # Errors
    /// As above, and what reaching a server gives.
    pub fn open_at(place: &Place, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let journal = StoredJournal::open(place)?;
        Ok(Self::over(Arc::new(journal), clock, Settings::default()))
    }

    /// The same in memory.
    #[must_use]
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self::over(Arc::new(MemoryJournal::default()), clock, Settings::default())
    }

    /// An engine of this process over any journal.
    #[must_use]
    pub fn over(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self::acting_as(ProcessIdentity::current(), journal, clock, settings)
    }

    /// An engine that says it is another process: for tests of several processes in one.
    #[must_use]
    pub fn acting_as(
        identity: ProcessIdentity,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                journal,
                clock,
                settings,
                identity,
                local: Mutex::default(),
                #[cfg(feature = "testing")]
                injection: Mutex::default(),
            }),
        }
    }

    /// Records the operation and runs it as a task of this process. The function is called once now, and again from
    /// the start by `resume` after a crash: finished steps then give their recorded results.
    ///
    /// # Errors
    /// When the operation cannot be recorded; it then does not run.
    pub async fn start<F, Fut>(&self, spec: Spec, run: F) -> Result<OperationId, Failure>
    where
        F: FnOnce(Operation) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
    {
        let id = OperationId::random();
        self.start_as(id, spec, run).await?;
        Ok(id)
    }

    /// The same under an id that was recorded before, so that however often it is asked for, one operation is started.
    ///
    /// # Errors
    /// `AlreadyExists` when there is one of that id; when the operation cannot be recorded.
    pub async fn start_as<F, Fut>(&self, id: OperationId, spec: Spec, run: F) -> Result<(), Failure>
    where
        F: FnOnce(Operation) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
    {
        let new = NewOperation {
            id,
            kind: spec.kind.to_owned(),
            version: spec.version,
            subject: spec.subject,
            plan: spec.plan,
        };
        let (owner, now) = (self.inner.identity.clone(), self.inner.clock.now());
        let (by, record) = self
            .inner
            .blocking(move |journal| {
                let by = journal.create(&new, &owner, now)?;
                let record = journal.get(by.id)?;
                Ok((by, record))
            })
            .await?;
        self.spawn(Run::new(Arc::clone(&self.inner), by, record), run);
        Ok(())
    }

    /// Takes over an operation whose owner is gone (or that failed) under a new epoch, and runs it again; one for
    /// which a cancel was asked is undone instead. Returns when it is taken over, not when it is over.
    ///
    /// # Errors
    /// `Busy` naming a living owner, `Refused` when it is over, `Unsupported` when its steps are of another version.
    pub async fn resume<F, Fut>(
        &self,
        id: OperationId,
        kind: &'static str,
        version: u32,
        run: F,
    ) -> Result<(), Failure>
    where
        F: FnOnce(Operation) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
    {
        let (owner, now) = (self.inner.identity.clone(), self.inner.clock.now());
        let silence = self.inner.settings.silence;
        let (by, record) = self
            .inner
            .blocking(move |journal| {
                fits(&journal.get(id)?, kind, version)?;
                let by = journal.claim(id, &owner, silence, now)?;
                let record = journal.get(id)?;
                Ok((by, record))
            })
            .await?;
        self.spawn(Run::new(Arc::clone(&self.inner), by, record), run);
        Ok(())
    }

    fn spawn<F, Fut>(&self, run: Run, function: F)
    where
        F: FnOnce(Operation) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
    {
        let run = Arc::new(run);
        self.inner.runs().insert(run.id(), Arc::clone(&run));
        // Awaited through `Run::done`, by `wait` and `shutdown`.
        drop(tokio::spawn(drive(run, function)));
    }

    /// Asks it to stop, through the journal when another process runs it. `leave`: stop as it is, to be resumed;
    /// otherwise it is undone. One whose owner is gone is undone by the next `resume`.
    ///
    /// # Errors
    /// `Refused` when it is over, or when it has committed and is not to be left.
    pub async fn cancel(&self, id: OperationId, leave: bool) -> Result<(), Failure> {
        self.inner
            .blocking(move |journal| journal.request(id, leave))
            .await?;
        // The owner would see it in the journal soon; here it can see it at once.
        if let Some(run) = self.inner.run(id) {
            run.stop(leave);
        }
        Ok(())
    }

    /// Events from now on; of another process's operation by looking at the journal. [`Event::Ended`] is the last.
    ///
    /// # Errors
    /// `NotFound`, or when the journal cannot be read.
    pub async fn watch(&self, id: OperationId) -> Result<mpsc::Receiver<Event>, Failure> {
        crate::watch::watch(&self.inner, id).await
    }

    /// Waits until this process no longer runs the operation (at once when it does not), and says where it stands.
    ///
    /// # Errors
    /// `NotFound`, or when the journal cannot be read.
    pub async fn wait(&self, id: OperationId) -> Result<OperationRecord, Failure> {
        if let Some(run) = self.inner.run(id) {
            run.done.cancelled().await;
        }
        Ok(self.inner.read(id).await?)
    }

    /// Leaves every operation of this process as it is, to be resumed, and waits until they have stopped.
    pub async fn shutdown(&self) {
        let runs: Vec<_> = self.inner.runs().values().cloned().collect();
        for run in &runs {
            run.stop(true);
        }
        for run in runs {
            run.done.cancelled().await;
        }
    }
}

fn fits(record: &OperationRecord, kind: &'static str, version: u32) -> Result<(), Error> {
    if record.kind != kind {
        return Err(Error::OtherKind {
            id: record.id,
            recorded: record.kind.clone(),
            asked: kind,
        });
    }
    if record.version != version && record.version.checked_add(1) != Some(version) {
        return Err(Error::OtherVersion {
            id: record.id,
            kind: record.kind.clone(),
            recorded: record.version,
            known: version,
        });
    }
    Ok(())
}
