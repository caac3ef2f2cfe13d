//! For tests of operations: every step fails, repeats and crashes once, and the operation must come to its end.
#![allow(clippy::panic, reason = "a test's way to fail")]

use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ostler_vocabulary::{ErrorKind, Failure, OperationId, ProcessIdentity, SystemClock};

use crate::engine::{Engine, Settings};
use crate::journal::{Journal, MemoryJournal};
use crate::operation::Operation;
use crate::record::{Finished, OperationRecord, Spec, State};
use crate::run::Run;

/// Where in a step something is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Its beginning is recorded, its work not begun.
    Before,
    /// Its work is done, its end not recorded.
    Unrecorded,
    /// Its end is recorded.
    After,
}

/// What is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The step fails with this kind.
    Fail(ErrorKind),
    /// The process is gone: the run stops where it is and writes nothing any more.
    Crash,
    /// Somebody cancels the operation.
    Cancel,
}

/// One fault at one place, once.
#[derive(Debug, Clone)]
pub struct Injection {
    /// The step's label; `undo <label>` for its undo.
    pub step: String,
    /// Where in it.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

impl Engine {
    /// Injects a fault into the next run that comes to its place.
    pub fn inject(&self, injection: Injection) {
        let mut slot = self
            .inner
            .injection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = Some(injection);
    }
}

impl Run {
    pub(crate) async fn inject(&self, place: Place, step: &str) -> Option<Failure> {
        let hit = {
            let mut slot = self
                .engine
                .injection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            slot.take_if(|injection| injection.place == place && injection.step == step)
        };
        match hit?.fault {
            Fault::Fail(kind) => Some(Failure::new(kind, format!("injected into `{step}`"))),
            Fault::Crash => {
                self.crash();
                std::future::pending().await
            }
            Fault::Cancel => {
                // Refused after the commit, as it should be.
                if self.engine.journal.request(self.id(), false).is_ok() {
                    self.stop(false);
                }
                None
            }
        }
    }
}

/// A process that is dead, for engines whose crash is simulated: others take its operations over at once.
#[must_use]
pub fn dead_process(number: u64) -> ProcessIdentity {
    let here = ProcessIdentity::current();
    ProcessIdentity {
        started: here.started.wrapping_add(number).wrapping_add(1),
        ..here
    }
}

/// Short times, so that tests need not wait.
#[must_use]
pub fn quick() -> Settings {
    Settings {
        heartbeat: Duration::from_millis(50),
        silence: Duration::from_secs(60),
        look: Duration::from_millis(10),
        journal_progress: Duration::from_millis(20),
        first_pause: Duration::from_millis(1),
        grace: Duration::from_secs(5),
    }
}

/// Runs an operation once as it is, then once for every fault at every step, resumes it each time to its end, and
/// calls `invariant` with the world, the record and what was done to it after every stop. It should panic when the
/// world is not as it must be.
///
/// `world` makes a new world for each run; `run` is the operation's run function over it. Checked here: the plain run
/// ends well; after a fault and a resume it ends as the plain run did, or as partial; a cancel before the commit ends as `cancelled`,
/// also when the process is lost during each undo.
///
/// # Panics
/// When the operation does not keep the engine's rules.
pub async fn exercise<W, WFut, F, Fut, I, IFut>(spec: Spec, world: impl Fn() -> WFut, run: F, invariant: I)
where
    W: Clone + Send + Sync + 'static,
    WFut: Future<Output = W>,
    F: Fn(W, Operation) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
    I: Fn(W, OperationRecord, String) -> IFut,
    IFut: Future<Output = ()>,
{
    let plain = Stage::new(&spec, world().await, run.clone());
    let record = plain.start(None).await;
    assert!(
        matches!(record.state, State::Succeeded | State::Partial),
        "the plain run did not end well: {record:#?}"
    );
    let good = record.state;
    let steps = record.steps.clone();
    invariant(plain.world, record, "a plain run".to_owned()).await;

    for injection in injections(&steps) {
        let said = format!(
            "{:?} {:?} step `{}`",
            injection.fault, injection.place, injection.step
        );
        let stage = Stage::new(&spec, world().await, run.clone());
        let mut record = stage.start(Some(injection.clone())).await;
        invariant(stage.world.clone(), record.clone(), said.clone()).await;
        if injection.fault == Fault::Cancel {
            // One that had nothing left to run may have come to its end before it saw the request.
            assert!(
                record.state == State::Cancelled || record.state == good,
                "after {said}: {record:#?}"
            );
            continue;
        }
        // An operation may also bear the failure of a step, and say so.
        if record.state != good && record.state != State::Partial {
            assert!(record.state.is_resumable(), "after {said}: {record:#?}");
            record = stage.resume(record.id, None).await;
            invariant(stage.world.clone(), record.clone(), format!("{said}, resumed")).await;
        }
        assert!(
            record.state == good || record.state == State::Partial,
            "after {said} and a resume: {record:#?}"
        );
    }
    lost_while_undoing(&spec, &world, &run, &invariant, &steps).await;
}

fn injections(steps: &[crate::record::StepRecord]) -> Vec<Injection> {
    let faults = [
        (Place::Before, Fault::Fail(ErrorKind::Unavailable)),
        (Place::Before, Fault::Fail(ErrorKind::Denied)),
        (Place::Unrecorded, Fault::Fail(ErrorKind::Unavailable)),
        (Place::Unrecorded, Fault::Fail(ErrorKind::Denied)),
        (Place::Before, Fault::Crash),
        (Place::Unrecorded, Fault::Crash),
        (Place::After, Fault::Crash),
        (Place::Before, Fault::Cancel),
    ];
    let each = |step: &crate::record::StepRecord| {
        let step = step.label();
        faults.map(|(place, fault)| Injection {
            step: step.clone(),
            place,
            fault,
        })
    };
    steps.iter().flat_map(each).collect()
}

/// Cancels before the last step that can still be undone, and loses the process at each undo.
async fn lost_while_undoing<W, WFut, F, Fut, I, IFut>(
    spec: &Spec,
    world: &impl Fn() -> WFut,
    run: &F,
    invariant: &I,
    steps: &[crate::record::StepRecord],
) where
    W: Clone + Send + Sync + 'static,
    WFut: Future<Output = W>,
    F: Fn(W, Operation) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
    I: Fn(W, OperationRecord, String) -> IFut,
    IFut: Future<Output = ()>,
{
    let commit = steps.iter().position(|step| step.name == "commit");
    let Some(last) = steps.get(commit.unwrap_or(steps.len().saturating_sub(1))) else {
        return;
    };
    for step in steps
        .iter()
        .filter(|step| step.undoable && step.position < last.position)
    {
        for place in [Place::Before, Place::After] {
            let said = format!("cancel, and a crash {place:?} the undo of `{}`", step.label());
            let stage = Stage::new(spec, world().await, run.clone());
            let cancel = Injection {
                step: last.label(),
                place: Place::Before,
                fault: Fault::Cancel,
            };
            let crash = Injection {
                step: format!("undo {}", step.label()),
                place,
                fault: Fault::Crash,
            };
            // The first process is lost when the cancel reaches it; the second while it undoes.
            let left = stage
                .start(Some(Injection {
                    fault: Fault::Crash,
                    ..cancel
                }))
                .await;
            stage
                .journal
                .request(left.id, false)
                .unwrap_or_else(|e| panic!("{said}: the cancel was not taken: {e}"));
            let record = stage.resume(left.id, Some(crash)).await;
            invariant(stage.world.clone(), record.clone(), said.clone()).await;
            assert_eq!(record.state, State::Interrupted, "after {said}: {record:#?}");
            let record = stage.resume(left.id, None).await;
            invariant(stage.world.clone(), record.clone(), format!("{said}, resumed")).await;
            assert_eq!(record.state, State::Cancelled, "after {said}: {record:#?}");
        }
    }
}

/// One operation in one world, run by a row of simulated processes.
struct Stage<'a, W, F> {
    spec: &'a Spec,
    world: W,
    run: F,
    journal: Arc<MemoryJournal>,
    processes: std::sync::atomic::AtomicU64,
}

impl<'a, W, F, Fut> Stage<'a, W, F>
where
    W: Clone + Send + Sync + 'static,
    F: Fn(W, Operation) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
{
    fn new(spec: &'a Spec, world: W, run: F) -> Self {
        Self {
            spec,
            world,
            run,
            journal: Arc::default(),
            processes: std::sync::atomic::AtomicU64::new(0),
        }
    }

    fn process(&self, injection: Option<Injection>) -> Engine {
        let number = self.processes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let engine = Engine::acting_as(
            dead_process(number),
            self.journal.clone(),
            Arc::new(SystemClock::default()),
            quick(),
        );
        if let Some(injection) = injection {
            engine.inject(injection);
        }
        engine
    }

    async fn start(&self, injection: Option<Injection>) -> OperationRecord {
        let engine = self.process(injection);
        let (world, run) = (self.world.clone(), self.run.clone());
        let id = engine
            .start(self.spec.clone(), move |operation| run(world, operation))
            .await
            .unwrap_or_else(|e| panic!("cannot start: {e:?}"));
        over(&engine, id).await
    }

    async fn resume(&self, id: OperationId, injection: Option<Injection>) -> OperationRecord {
        let engine = self.process(injection);
        let (world, run) = (self.world.clone(), self.run.clone());
        engine
            .resume(id, self.spec.kind, self.spec.version, move |operation| {
                run(world, operation)
            })
            .await
            .unwrap_or_else(|e| panic!("cannot resume: {e:?}"));
        over(&engine, id).await
    }
}

async fn over(engine: &Engine, id: OperationId) -> OperationRecord {
    engine
        .wait(id)
        .await
        .unwrap_or_else(|e| panic!("cannot wait: {e:?}"))
}
