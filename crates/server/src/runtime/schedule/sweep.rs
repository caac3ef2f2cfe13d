//! One look at all schedules: what is due is recorded, what others left is taken over.

use std::collections::BTreeSet;
use std::time::Duration;

use ostler_api::document::FiringList;
use ostler_api::schedule::Trigger;
use ostler_operations::kill::{Moment, point};
use ostler_schedule::timetable::{AHEAD, Entry, Run};
use ostler_schedule::{Error, Rule, Timetable, Verdict, decide};
use ostler_vocabulary::{Failure, OperationId, ProcessIdentity, Span, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::Runtime;

/// At most so many runs are at work at once in one process.
const AT_ONCE: usize = 8;

/// After this silence, whoever looks after a run on another machine counts as gone.
const OWNER_SILENCE: Duration = Duration::from_secs(60);

/// What a look at all schedules found.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// Runs that this process is now to carry out.
    pub runs: Vec<Run>,
    /// When the next one is due.
    pub next: Option<Timestamp>,
}

impl Runtime {
    /// Records what is due and takes over what nobody looks after. `own` are the runs at work here, which only this process's own
    /// tasks give up, however long they could not say that they live.
    pub(crate) async fn sweep(&self, own: BTreeSet<u64>) -> Result<Sweep, Failure> {
        self.timetable_now(move |timetable, now| {
            let owner = ProcessIdentity::current();
            let mut sweep = Sweep::default();
            for run in timetable.unfinished()? {
                if own.contains(&run.firing.number) {
                    continue;
                }
                match timetable.adopt(run.firing.number, &owner, OWNER_SILENCE, now) {
                    Ok(run) => sweep.runs.push(run),
                    Err(Error::OwnedBy { .. } | Error::Superseded(_) | Error::NoFiring(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            for name in timetable.list()?.into_iter().map(|entry| entry.schedule.name) {
                if own.len() + sweep.runs.len() >= AT_ONCE {
                    // What is due stays due; it is looked at again when one of these ends.
                    break;
                }
                match one(timetable, &name, &owner, now, &mut sweep) {
                    Ok(()) => {}
                    // Somebody else was faster.
                    Err(
                        Error::Decided(_) | Error::Changed { .. } | Error::Running(_) | Error::NotFound(_),
                    ) => {}
                    Err(error @ Error::State(_)) => return Err(error),
                    // One that cannot be understood stops no other.
                    Err(error) => tracing::error!("schedule `{name}` cannot run: {error}"),
                }
            }
            Ok(sweep)
        })
        .await
    }

    /// Begins what is due until nothing is, and waits for all of it.
    pub(super) async fn run_due(&self) -> Result<FiringList, Failure> {
        let mut running = JoinSet::new();
        let mut at_work = BTreeSet::new();
        let mut numbers = Vec::new();
        let mut failed = None;
        loop {
            self.beat().await?;
            for run in self.sweep(at_work.clone()).await?.runs {
                let number = run.firing.number;
                numbers.push(number);
                at_work.insert(number);
                let runtime = self.clone();
                running.spawn(async move {
                    let driven = runtime.drive(&run, &CancellationToken::new()).await;
                    (number, driven)
                });
            }
            match running.join_next().await {
                None => break,
                Some(Ok((number, driven))) => {
                    at_work.remove(&number);
                    failed = driven.err().or(failed);
                }
                Some(Err(_)) => {
                    failed = Some(Failure::new(
                        ostler_vocabulary::ErrorKind::Internal,
                        "a run stopped by a defect",
                    ));
                }
            }
        }
        if let Some(failure) = failed {
            return Err(failure);
        }
        let firings = self
            .timetable(move |timetable| {
                numbers
                    .into_iter()
                    .map(|number| timetable.run(number).map(|run| run.firing))
                    .collect()
            })
            .await?;
        Ok(FiringList { firings })
    }
}

/// When the newest good run of the schedule that this one runs after ended.
pub(super) fn parent_of(timetable: &dyn Timetable, entry: &Entry) -> Result<Option<Timestamp>, Error> {
    match &entry.schedule.definition.trigger {
        Trigger::After(parent) => match timetable.get(parent) {
            Ok(parent) => Ok(parent.last_good),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        },
        Trigger::Cron(_) | Trigger::Every(_) => Ok(None),
    }
}

/// Decides on one schedule until there is nothing more to decide.
fn one(
    timetable: &dyn Timetable,
    name: &str,
    owner: &ProcessIdentity,
    now: Timestamp,
    sweep: &mut Sweep,
) -> Result<(), Error> {
    loop {
        let entry = timetable.get(name)?;
        let ahead = entry.decided.duration_since(now);
        if ahead > AHEAD {
            let ahead = Span(Duration::from_secs(ahead.unsigned_abs().as_secs()));
            tracing::warn!("schedule `{name}`: a clock was {ahead} ahead; what it decided on is to come");
            timetable.rewind(&entry.seen(), now)?;
            continue;
        }
        let rule = Rule::of(&entry.schedule)?;
        let decision = decide(&rule, &entry.facts(parent_of(timetable, &entry)?), now);
        // What is due and waits is looked at again when what it waits for ends.
        if let Some(next) = decision.next.filter(|next| *next > now) {
            sweep.next = Some(sweep.next.map_or(next, |first| first.min(next)));
        }
        match decision.verdict {
            Verdict::Nothing | Verdict::Hold(_) => return Ok(()),
            Verdict::Pass(passed) => {
                tracing::warn!("schedule `{name}`: {}", passed.reason);
                timetable.pass(&entry.seen(), &passed, now)?;
            }
            Verdict::Fire(due) => {
                point(Moment::Before, "firing record");
                let operation = OperationId::random();
                let run = timetable.fire(&entry.seen(), &due, operation, &decision.reasons, owner, now)?;
                point(Moment::After, "firing record");
                let Some(run) = run else {
                    tracing::info!("schedule `{name}`: the run that was due at {} has run", due.at);
                    continue;
                };
                tracing::info!("schedule `{name}` runs as operation {}", operation.short());
                sweep.runs.push(run);
            }
        }
    }
}
