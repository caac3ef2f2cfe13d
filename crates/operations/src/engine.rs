//! The engine: starts, resumes, stops and shows operations over one journal.

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostler_state::Place;
use ostler_vocabulary::{Clock, ErrorKind, Failure, OperationCursor, OperationId, ProcessIdentity};
use tokio::sync::mpsc;

use crate::error::Error;
use crate::journal::{Journal, MemoryJournal, NewOperation, StoredJournal, is_gone};
use crate::operation::Operation;
use crate::record::{ChangeRecord, Event, Finished, OperationRecord, Spec, State};
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

    /// The record as it is to be seen: one that nobody works on is interrupted.
    pub(crate) fn derived(&self, mut record: OperationRecord) -> OperationRecord {
        let here = self
            .run(record.id)
            .is_some_and(|run| run.by.epoch == record.epoch);
        if matches!(record.state, State::Running | State::Cancelling) && !here {
            let now = self.journal.time(self.clock.now());
            let worked_on = record
                .owner
                .as_ref()
                .is_some_and(|owner| !is_gone(owner, record.heartbeat, self.settings.silence, now));
            if !worked_on {
                record.state = State::Interrupted;
            }
        }
        record
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
        let record = self.inner.blocking(move |journal| journal.get(id)).await?;
        Ok(self.inner.derived(record))
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

    /// By id or unique prefix.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when it names more than one.
    pub fn find(&self, id: &str) -> Result<OperationId, Failure> {
        let prefix = id.to_ascii_lowercase();
        if prefix.is_empty() {
            return Err(Error::NotFound(prefix).into());
        }
        match self.inner.journal.find(&prefix, 2)?.as_slice() {
            [] => Err(Error::NotFound(prefix).into()),
            [one] => Ok(*one),
            _ => Err(Error::Ambiguous(prefix).into()),
        }
    }

    /// One operation. Waits for the disk, like the queries below: call it on a blocking thread where that matters.
    ///
    /// # Errors
    /// `NotFound`, or when the journal cannot be read.
    pub fn get(&self, id: OperationId) -> Result<OperationRecord, Failure> {
        Ok(self.inner.derived(self.inner.journal.get(id)?))
    }

    /// Newest first, at most `limit`, those after `after` where it is given; without steps, audit and messages.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn list(
        &self,
        limit: usize,
        after: Option<&OperationCursor>,
    ) -> Result<Vec<OperationRecord>, Failure> {
        let records = self.inner.journal.list(limit, after)?;
        Ok(records
            .into_iter()
            .map(|record| self.inner.derived(record))
            .collect())
    }

    /// Changes of state with a higher number, the oldest first, at most `limit`; whichever process made them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn changes(&self, after: u64, limit: usize) -> Result<Vec<ChangeRecord>, Failure> {
        Ok(self.inner.journal.changes(after, limit)?)
    }

    /// The number of the newest change there ever was; 0 when there was none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn newest_change(&self) -> Result<u64, Failure> {
        Ok(self.inner.journal.newest_change()?)
    }

    /// Removes the history of operations that are over and older than `keep`, but at least `minimum` stay.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn prune_history(&self, keep: Duration, minimum: usize) -> Result<usize, Failure> {
        let before = self
            .inner
            .clock
            .now()
            .checked_sub(keep)
            .unwrap_or(ostler_vocabulary::Timestamp::MIN);
        Ok(self.inner.journal.prune(before, minimum)?)
    }

    /// Everything, as JSON lines, oldest first: one document per operation, with its steps and audit.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn export(&self) -> Result<Vec<serde_json::Value>, Failure> {
        let mut lines = Vec::new();
        for listed in self.list(usize::MAX, None)?.into_iter().rev() {
            let record = match self.get(listed.id) {
                Err(failure) if failure.kind() == ErrorKind::NotFound => continue,
                other => other?,
            };
            lines.push(serde_json::to_value(&record).map_err(|e| Error::Damaged {
                what: format!("operation {} cannot be written as JSON ({e})", record.id),
            })?);
        }
        Ok(lines)
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
