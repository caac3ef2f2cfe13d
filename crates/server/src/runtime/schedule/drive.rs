//! A recorded run, carried through its stages from wherever it stands.

use ostler_api::document::FiringState;
use ostler_api::request::Request;
use ostler_api::schedule::Definition;
use ostler_operations::kill::{Moment, point};
use ostler_operations::{Event, OperationRecord, State};
use ostler_schedule::timetable::{Advance, Held, Run, Stage};
use ostler_vocabulary::{ErrorKind, Failure, OperationId, ProcessIdentity};
use tokio_util::sync::CancellationToken;

use super::super::Runtime;
use super::super::dispatch::Turn;

/// How often whoever looks after a run says so.
const HEARD: std::time::Duration = std::time::Duration::from_secs(5);
/// A run that was taken over so often is given up: something in it ends whoever runs it.
const OWNERS: u64 = 20;

/// How this process ends with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driven {
    /// It is over.
    Over,
    /// It was left as it is, to be taken over.
    Left,
}

/// What became of an operation.
enum Carried {
    Over(Box<OperationRecord>),
    /// It never began.
    Refused(Failure),
    /// This process was told to stop.
    Left,
}

impl Runtime {
    /// Does what is left of a run, until it is over or `stop` is cancelled.
    ///
    /// # Errors
    /// When the timetable or the journal cannot be read or written; the run is then as it was recorded last.
    pub(crate) async fn drive(&self, run: &Run, stop: &CancellationToken) -> Result<Driven, Failure> {
        tokio::select! {
            driven = self.drive_on(run, stop) => driven,
            failure = self.keep_hearing(run.held()) => Err(failure),
        }
    }

    /// Says again and again that this process looks after a run, until it does not any more.
    async fn keep_hearing(&self, held: Held) -> Failure {
        let mut has_told = false;
        loop {
            tokio::time::sleep(HEARD).await;
            let held = held.clone();
            let heard = self
                .timetable_now(move |timetable, now| timetable.hear(&held, now))
                .await;
            match heard {
                // Taken over, or just ended, which the other side tells.
                Err(failure) if failure.kind() == ErrorKind::Conflict => {
                    tokio::time::sleep(HEARD).await;
                    return failure;
                }
                Err(failure) if !has_told => {
                    tracing::warn!("a run of a schedule cannot be kept: {failure}");
                    has_told = true;
                }
                Err(_) => {}
                Ok(()) => has_told = false,
            }
        }
    }

    async fn drive_on(&self, run: &Run, stop: &CancellationToken) -> Result<Driven, Failure> {
        let mut run = run.clone();
        let name = run.firing.schedule.clone();
        let definition = self
            .timetable(move |timetable| Ok(timetable.get(&name)?.schedule.definition))
            .await?;
        while run.stage != Stage::Over {
            let next = match run.stage {
                Stage::Operation => self.operation_stage(&run, &definition, stop).await?,
                Stage::Keep => self.keep_stage(&run, &definition, stop).await?,
                Stage::Push | Stage::Over => Some(self.push_stage(&run, &definition, stop).await),
            };
            let held = run.held();
            let Some(advance) = next else {
                self.timetable(move |timetable| timetable.release(&held)).await?;
                return Ok(Driven::Left);
            };
            run.stage = advance.stage;
            run.firing.state = advance.state;
            run.firing.keep_operation = advance.keep_operation.or(run.firing.keep_operation);
            self.timetable_now(move |timetable, now| timetable.advance(&held, &advance, now))
                .await?;
            point(Moment::After, &format!("firing {}", run.stage.as_str()));
        }
        self.forget_old_runs().await;
        Ok(Driven::Over)
    }

    /// The record of runs is kept as long as that of operations. Not worth failing for.
    async fn forget_old_runs(&self) {
        let history = &self.inner.settings.file.history;
        let minimum = u32::try_from(history.minimum).unwrap_or(u32::MAX);
        let Ok(before) = self.inner.clock.now().checked_sub(history.keep.0) else {
            return;
        };
        let forgotten = self
            .timetable(move |timetable| timetable.forget(before, minimum))
            .await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "the record of old runs could not be removed");
        }
    }

    /// Starts the operation of a run that was just recorded; one that cannot be started is over.
    pub(super) async fn begin(&self, run: &Run) -> Result<(), Failure> {
        let name = run.firing.schedule.clone();
        let definition = self
            .timetable(move |timetable| Ok(timetable.get(&name)?.schedule.definition))
            .await?;
        let started = match run.firing.operation {
            Some(operation) => self.start_scheduled(operation, request(run, &definition)).await,
            None => Err(Failure::new(ErrorKind::Internal, "a run has no operation")),
        };
        if let Err(failure) = &started {
            let (held, advance) = (run.held(), failed(failure));
            self.timetable_now(move |timetable, now| timetable.advance(&held, &advance, now))
                .await?;
        }
        started
    }

    async fn start_scheduled(&self, operation: OperationId, request: Request) -> Result<(), Failure> {
        let plan = self.make_plan(request).await?;
        point(Moment::Before, "firing start");
        self.start_plan(operation, plan, Turn::Wait).await?;
        point(Moment::After, "firing start");
        Ok(())
    }

    async fn operation_stage(
        &self,
        run: &Run,
        definition: &Definition,
        stop: &CancellationToken,
    ) -> Result<Option<Advance>, Failure> {
        let Some(operation) = run.firing.operation else {
            return Ok(Some(over(
                FiringState::Failed,
                vec!["it has no operation".to_owned()],
            )));
        };
        if run.epoch > OWNERS {
            let reason = format!("it was interrupted {OWNERS} times and is given up");
            return Ok(Some(over(FiringState::Failed, vec![reason])));
        }
        let record = match self.carry_out(operation, request(run, definition), stop).await? {
            Carried::Left => return Ok(None),
            Carried::Refused(failure) => {
                tracing::error!("schedule `{}`: {failure:?}", run.firing.schedule);
                return Ok(Some(failed(&failure)));
            }
            Carried::Over(record) => record,
        };
        let state = match record.state {
            State::Succeeded => FiringState::Succeeded,
            State::Partial => FiringState::Partial,
            State::Cancelled => FiringState::Cancelled,
            _ => FiringState::Failed,
        };
        let keeps = definition.keep.is_some() && matches!(definition.request, Request::CreateBackup(_));
        Ok(Some(match state {
            FiringState::Succeeded if keeps => Advance {
                stage: Stage::Keep,
                state,
                keep_operation: Some(OperationId::random()),
                ..over(state, Vec::new())
            },
            FiringState::Succeeded => Advance {
                stage: after_keep(definition),
                ..over(state, Vec::new())
            },
            state => Advance {
                failure: record.failure,
                ..over(state, record.reasons)
            },
        }))
    }

    /// Keep rules look at the backups of this schedule only, and run after a complete one only.
    async fn keep_stage(
        &self,
        run: &Run,
        definition: &Definition,
        stop: &CancellationToken,
    ) -> Result<Option<Advance>, Failure> {
        let (Some(operation), Some(keep), Request::CreateBackup(backup)) =
            (run.firing.keep_operation, &definition.keep, &definition.request)
        else {
            return Ok(Some(Advance {
                stage: after_keep(definition),
                ..over(FiringState::Succeeded, Vec::new())
            }));
        };
        let mut prune = keep.clone();
        prune.vault = self.vault_of(run).await?.or_else(|| backup.vault.clone());
        prune
            .filter
            .tags
            .insert(TAG.to_owned(), run.firing.schedule.clone());
        let reasons = match self.carry_out(operation, Request::Prune(prune), stop).await? {
            Carried::Left => return Ok(None),
            Carried::Refused(failure) => failure.messages(),
            Carried::Over(record) if record.state == State::Succeeded => Vec::new(),
            Carried::Over(record) => record.reasons,
        };
        Ok(Some(if reasons.is_empty() {
            Advance {
                stage: after_keep(definition),
                ..over(FiringState::Succeeded, reasons)
            }
        } else {
            let first = "the backup is complete, but its keep rules were not carried out".to_owned();
            over(
                FiringState::Partial,
                std::iter::once(first).chain(reasons).collect(),
            )
        }))
    }

    /// The vault of the plan that a run's operation carried out: a cluster has one of its own.
    async fn vault_of(&self, run: &Run) -> Result<Option<String>, Failure> {
        let Some(operation) = run.firing.operation else {
            return Ok(None);
        };
        let record = self.journal(move |engine| engine.get(operation)).await?;
        Ok(record.plan["vault"].as_str().map(str::to_owned))
    }

    /// Starts an operation, or goes on with it, and waits for its end.
    async fn carry_out(
        &self,
        id: OperationId,
        request: Request,
        stop: &CancellationToken,
    ) -> Result<Carried, Failure> {
        let begun = match self.journal(move |engine| engine.get(id)).await {
            Ok(record) if record.state.is_over() => return Ok(Carried::Over(Box::new(record))),
            Ok(record) if record.state == State::Interrupted => self.resume_operation(id, Turn::Wait).await,
            Ok(_) => Ok(()),
            Err(failure) if failure.kind() == ErrorKind::NotFound => tokio::select! {
                () = stop.cancelled() => return Ok(Carried::Left),
                started = self.start_scheduled(id, request) => started,
            },
            Err(failure) => return Err(failure),
        };
        match begun {
            // The run is gone on with once the state can be written again.
            Err(failure) if is_of_state(&failure) => return Err(failure),
            Err(failure) => return Ok(Carried::Refused(failure)),
            Ok(()) => {}
        }
        let mut events = self.inner.engine.watch(id).await?;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                event = events.recv() => match event {
                    Some(Event::Ended { .. }) | None => break,
                    Some(_) => {}
                },
            }
        }
        if stop.is_cancelled() {
            self.leave(id).await?;
        }
        let record = self.inner.engine.wait(id).await?;
        Ok(match record.state.is_over() {
            true => Carried::Over(Box::new(record)),
            false => Carried::Left,
        })
    }

    /// Lets an operation of this process stop where it can be gone on with.
    async fn leave(&self, id: OperationId) -> Result<(), Failure> {
        let record = self.journal(move |engine| engine.get(id)).await?;
        if record.state.is_over() || record.owner != Some(ProcessIdentity::current()) {
            return Ok(());
        }
        match self.inner.engine.cancel(id, true).await {
            // It ended in the same moment.
            Err(failure) if failure.kind() == ErrorKind::Refused => Ok(()),
            other => other,
        }
    }
}

/// The tag that backups of a schedule have: its name.
const TAG: &str = "schedule";

/// What a run asks for. Backups are marked with the schedule, so that its keep rules find them and no others.
fn request(run: &Run, definition: &Definition) -> Request {
    let mut request = definition.request.clone();
    if let Request::CreateBackup(backup) = &mut request {
        backup.tags.insert(TAG.to_owned(), run.firing.schedule.clone());
    }
    request
}

/// Whether the state could not be read or written, and not what an operation works on.
fn is_of_state(failure: &Failure) -> bool {
    let may_pass = failure.kind().is_transient() || failure.kind() == ErrorKind::Busy;
    may_pass && (failure.is::<ostler_state::Error>() || failure.is::<ostler_operations::Error>())
}

fn after_keep(definition: &Definition) -> Stage {
    match definition.push {
        Some(_) => Stage::Push,
        None => Stage::Over,
    }
}

pub(super) fn over(state: FiringState, reasons: Vec<String>) -> Advance {
    Advance {
        stage: Stage::Over,
        state,
        keep_operation: None,
        reasons,
        failure: None,
    }
}

fn failed(failure: &Failure) -> Advance {
    Advance {
        failure: Some(failure.kind()),
        ..over(FiringState::Failed, failure.messages())
    }
}
