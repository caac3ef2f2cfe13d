//! Schedules: calls about them, and what runs when something is due.
//!
//! `answer` looks and changes; `sweep` decides what is due and records it; `drive` carries a recorded run through its
//! stages, from wherever it stands.

mod answer;
mod drive;
mod push;
mod sweep;

use std::sync::Arc;

use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_schedule::timetable::Held;
use ostler_schedule::{Error, StoredTimetable, Timetable};
use ostler_vocabulary::{Failure, ProcessIdentity, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{Runtime, blocking};

pub(crate) use drive::Driven;
pub(crate) use sweep::Sweep;

/// After this silence, whoever runs what is due counts as gone.
const SILENCE: jiff::SignedDuration = jiff::SignedDuration::from_secs(120);

impl Runtime {
    /// Calls the timetable on a blocking thread; it is opened at the first call.
    pub(super) async fn timetable<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Timetable) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let runtime = self.clone();
        blocking(move || {
            let slot = &runtime.inner.timetable;
            let timetable: Arc<dyn Timetable> = match slot.get() {
                Some(timetable) => Arc::clone(timetable),
                None => {
                    let opened = StoredTimetable::open(&runtime.inner.place)?;
                    // Two may open it at once, and the first stays.
                    Arc::clone(slot.get_or_init(|| Arc::new(opened)))
                }
            };
            Ok(call(timetable.as_ref())?)
        })
        .await
    }

    /// The same with the time by the clock of the state, which all servers have in common.
    pub(super) async fn timetable_now<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Timetable, Timestamp) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let clock = Arc::clone(&self.inner.clock);
        self.timetable(move |timetable| call(timetable, timetable.now(clock.as_ref())))
            .await
    }

    /// Reads the clock of the state again.
    pub(crate) async fn read_clock(&self) -> Result<(), Failure> {
        self.timetable(|timetable| timetable.read_clock()).await
    }

    /// Answers a call about schedules.
    pub(super) async fn schedule_call(&self, call: ScheduleCall) -> Result<ScheduleAnswer, Failure> {
        match call {
            ScheduleCall::Run { name } => self.run_now(name).await.map(ScheduleAnswer::Firing),
            ScheduleCall::Finish { number } => self.finish(number).await.map(ScheduleAnswer::Firing),
            ScheduleCall::RunDue => self.run_due().await.map(ScheduleAnswer::Firings),
            call => self.answer_about_schedules(call).await,
        }
    }

    /// Says that this process runs what is due.
    pub(crate) async fn beat(&self) -> Result<(), Failure> {
        self.timetable_now(|timetable, now| timetable.beat(&ProcessIdentity::current(), now))
            .await
    }

    /// Gives up a run of this process, so that it is taken over. One that is over, or was taken over, is left alone.
    pub(crate) async fn release_run(&self, held: Held) -> Result<(), Failure> {
        self.timetable(move |timetable| match timetable.release(&held) {
            Err(Error::Superseded(_) | Error::NoFiring(_)) => Ok(()),
            other => other,
        })
        .await
    }

    /// Begins a run that somebody asked for, and its operation.
    async fn run_now(&self, name: String) -> Result<ostler_api::document::Firing, Failure> {
        let operation = ostler_vocabulary::OperationId::random();
        let run = self
            .timetable_now(move |timetable, now| {
                timetable.fire_now(&name, operation, &ProcessIdentity::current(), now)
            })
            .await?;
        self.begin(&run).await?;
        Ok(run.firing)
    }

    /// Waits for a run of this process and does what comes after its operation.
    async fn finish(&self, number: u64) -> Result<ostler_api::document::Firing, Failure> {
        let run = self.timetable(move |timetable| timetable.run(number)).await?;
        if run.firing.ended.is_none() {
            self.drive(&run, &CancellationToken::new()).await?;
        }
        let run = self.timetable(move |timetable| timetable.run(number)).await?;
        Ok(run.firing)
    }
}
