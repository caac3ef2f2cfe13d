//! The role `scheduler`: begins what is due, and goes on with what was interrupted.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ostler_schedule::timetable::{Held, Run};
use ostler_vocabulary::{Clock, Failure};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::leader::Leader;
use super::outage::Outage;
use super::role::{Role, Turn};
use crate::Runtime;
use crate::runtime::schedule::{Driven, Sweep};

/// How often it says that it is there.
const BEAT: Duration = Duration::from_secs(5);
/// How long it sleeps at most: other processes change schedules too.
const LOOK: Duration = Duration::from_secs(1);
/// How long it sleeps when the state cannot be read or written.
const TROUBLE: Duration = Duration::from_secs(5);

pub(super) struct Scheduler {
    runtime: watch::Receiver<Runtime>,
    clock: Arc<dyn Clock>,
}

/// Runs at work in this process.
#[derive(Default)]
struct Work {
    tasks: JoinSet<Result<Driven, Failure>>,
    held: HashMap<Id, Held>,
    /// Runs whose task failed, to be given up so that they are gone on with.
    lost: Vec<Held>,
}

impl Scheduler {
    pub fn new(runtime: watch::Receiver<Runtime>, clock: Arc<dyn Clock>) -> Self {
        Self { runtime, clock }
    }

    /// One look; how long to sleep until the next.
    async fn look(
        &self,
        work: &mut Work,
        leader: &mut Leader,
        beaten: &mut Option<Instant>,
        stop: &CancellationToken,
    ) -> Result<Duration, Failure> {
        let runtime = self.runtime.borrow().clone();
        if !leader.leads(&runtime).await? {
            // Runs of this server go on, and are given up if they fail.
            work.give_up(&runtime).await?;
            return Ok(LOOK);
        }
        if beaten.is_none_or(|at| at.elapsed() >= BEAT) {
            runtime.beat().await?;
            *beaten = Some(Instant::now());
        }
        work.give_up(&runtime).await?;
        let Sweep { runs, next } = runtime.sweep(work.numbers()).await?;
        for run in runs {
            work.begin(&runtime, run, stop);
        }
        let now = self.clock.now();
        let until = next.map_or(LOOK, |next| {
            Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO)
        });
        Ok(until.clamp(Duration::from_millis(20), LOOK))
    }
}

impl Work {
    fn begin(&mut self, runtime: &Runtime, run: Run, stop: &CancellationToken) {
        let (runtime, stop, held) = (runtime.clone(), stop.clone(), run.held());
        let task = self.tasks.spawn(async move { runtime.drive(&run, &stop).await });
        self.held.insert(task.id(), held);
    }

    /// The runs at work, and those that are still to be given up.
    fn numbers(&self) -> BTreeSet<u64> {
        let held = self.held.values().chain(&self.lost);
        held.map(|held| held.number).collect()
    }

    fn ended(&mut self, ended: Result<(Id, Result<Driven, Failure>), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let held = self.held.remove(&id);
        let failure = match ended {
            Ok((_, Ok(_))) => return,
            Ok((_, Err(failure))) => failure.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!("a run of a schedule stopped and is gone on with: {failure}");
        self.lost.extend(held);
    }

    async fn give_up(&mut self, runtime: &Runtime) -> Result<(), Failure> {
        while let Some(held) = self.lost.last().cloned() {
            runtime.release_run(held).await?;
            self.lost.pop();
        }
        Ok(())
    }
}

#[async_trait]
impl Role for Scheduler {
    fn name(&self) -> &'static str {
        "scheduler"
    }

    async fn run(&self, turn: Turn) -> Result<(), Failure> {
        let mut work = Work::default();
        let mut leader = Leader::new("scheduler", "to begin what is due by schedule");
        let mut outage = Outage::new("schedules cannot be looked at");
        let mut beaten = None;
        while !turn.stop.is_cancelled() {
            let sleep = match self.look(&mut work, &mut leader, &mut beaten, &turn.stop).await {
                Ok(sleep) => {
                    turn.ready();
                    outage.over();
                    sleep
                }
                // What runs goes on; only what is due cannot begin. That no beat is written shows it.
                Err(failure) => {
                    outage.failed(&failure);
                    TROUBLE
                }
            };
            tokio::select! {
                () = turn.stop.cancelled() => {}
                Some(ended) = work.tasks.join_next_with_id(), if !work.tasks.is_empty() => work.ended(ended),
                () = tokio::time::sleep(sleep) => {}
            }
        }
        while let Some(ended) = work.tasks.join_next_with_id().await {
            work.ended(ended);
        }
        let runtime = self.runtime.borrow().clone();
        let given_up = work.give_up(&runtime).await;
        leader.resign().await;
        given_up
    }
}
