//! Where schedules and their runs are recorded: the storage contract.

#[cfg(feature = "testing")]
pub mod conformance;
mod memory;
mod stored;

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use ostler_api::document::{Firing, FiringState};
use ostler_api::schedule::{Definition, Pause, Schedule};
use ostler_vocabulary::{Clock, ErrorKind, OperationId, ProcessIdentity, Timestamp};

pub use memory::MemoryTimetable;
pub use stored::{FILE_NAME, StoredTimetable};

use crate::decision::{Due, Facts, Passed, Running};
use crate::error::Error;

/// By how much `decided` may be ahead of the clock: more is the mark of a clock that was wrong.
pub const AHEAD: SignedDuration = SignedDuration::from_secs(30);

/// Within this time a clock is read.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

/// A schedule with what decides when it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The schedule.
    pub schedule: Schedule,
    /// Nominal moments up to this one have been decided on.
    pub decided: Timestamp,
    /// The run that is not over.
    pub running: Option<Running>,
    /// When its newest good run ended.
    pub last_good: Option<Timestamp>,
    /// Its newest run, or missed runs.
    pub last: Option<Firing>,
}

impl Entry {
    /// What a decision needs to know. `parent` is when the newest good run of the schedule that it runs after ended.
    #[must_use]
    pub fn facts(&self, parent: Option<Timestamp>) -> Facts {
        Facts {
            decided: self.decided,
            running: self.running,
            parent,
        }
    }

    /// What has to be unchanged for a decision to count.
    #[must_use]
    pub fn seen(&self) -> Seen {
        Seen {
            name: self.schedule.name.clone(),
            version: self.schedule.version,
            decided: self.decided,
        }
    }
}

/// What a decision was made on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The schedule.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Up to when it was decided on.
    pub decided: Timestamp,
}

/// What of a run is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its operation.
    Operation,
    /// The operation of its keep rules.
    Keep,
    /// Telling somebody.
    Push,
    /// Nothing.
    Over,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Operation, Self::Keep, Self::Push, Self::Over];

    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Keep => "keep",
            Self::Push => "push",
            Self::Over => "over",
        }
    }
}

/// A run as it is recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What people see of it.
    pub firing: Firing,
    /// What is to be done.
    pub stage: Stage,
    /// Who looks after it.
    pub owner: Option<ProcessIdentity>,
    /// The how-manieth owner that is.
    pub epoch: u64,
    /// When it last said that it does.
    pub heard: Option<Timestamp>,
}

/// The right to write to one run, until another adopts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The run's number.
    pub number: u64,
    /// The how-manieth owner this is.
    pub epoch: u64,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// What is to be done next; a stage is never gone back to.
    pub stage: Stage,
    /// How it stands, as far as that is known.
    pub state: FiringState,
    /// The operation of the keep rules, recorded before it starts.
    pub keep_operation: Option<OperationId>,
    /// Why it is as it is, added to what is recorded.
    pub reasons: Vec<String>,
    /// What the failure means, when it failed.
    pub failure: Option<ErrorKind>,
}

/// Where schedules and their runs are recorded.
///
/// Contract, checked by the suite `conformance` (feature `testing`):
/// - *Blocking*: every call may wait for a disk or a lock; async code calls it on a blocking thread.
/// - *Atomic*: every method is one transaction. What returned `Ok` survives a crash of the process and of the machine,
///   except for [`Timetable::beat`] and [`Timetable::hear`]. What returned an error changed nothing.
/// - *Concurrent*: any number of threads and processes; calls on one schedule happen in some order.
/// - *Decided once*: [`Timetable::fire`] and [`Timetable::pass`] succeed for one of those who saw the same
///   [`Seen`]; the others get [`Error::Decided`] or [`Error::Changed`]. `decided` goes back only where it is ahead of the clock
///   by more than [`AHEAD`], and a moment that ran does not run again then.
/// - *Fenced*: what takes a [`Held`] checks the epoch in its own transaction, and fails with [`Error::Superseded`] when
///   another has adopted the run, or when it is over.
/// - Times are kept to the millisecond. Each `now` is by the clock of the state, see [`Timetable::now`].
pub trait Timetable: fmt::Debug + Send + Sync + 'static {
    /// Records a new schedule with version 1. Nothing before `now` is due.
    fn add(&self, name: &str, definition: &Definition, now: Timestamp) -> Result<Schedule, Error>;

    /// Replaces the definition, raising the version. Where it changes when the schedule runs, nothing before `now` is
    /// due any more. With `version`, [`Error::Changed`] when it has another.
    fn edit(
        &self,
        name: &str,
        version: Option<u64>,
        definition: &Definition,
        now: Timestamp,
    ) -> Result<Schedule, Error>;

    /// Pauses it, or with `None` lets it run again; nothing before `now` is due then. Raises the version.
    fn pause(&self, name: &str, pause: Option<&Pause>, now: Timestamp) -> Result<Schedule, Error>;

    /// Removes it with the record of its runs. [`Error::Running`] while one is not over, [`Error::Needed`] when another
    /// runs after it.
    fn remove(&self, name: &str) -> Result<Schedule, Error>;

    /// One schedule.
    fn get(&self, name: &str) -> Result<Entry, Error>;

    /// All, by name.
    fn list(&self) -> Result<Vec<Entry>, Error>;

    /// Decides that a run begins: records it with the id of its operation, and missed ones before it. Of one schedule at
    /// most one run is not over: otherwise [`Error::Running`]. `None` where the moment has run before, when a clock was ahead:
    /// it is decided on, and nothing begins.
    fn fire(
        &self,
        seen: &Seen,
        due: &Due,
        operation: OperationId,
        reasons: &[String],
        owner: &ProcessIdentity,
        now: Timestamp,
    ) -> Result<Option<Run>, Error>;

    /// Records a run that somebody asked for. Nothing is decided by it. [`Error::Running`] as above.
    fn fire_now(
        &self,
        name: &str,
        operation: OperationId,
        owner: &ProcessIdentity,
        now: Timestamp,
    ) -> Result<Run, Error>;

    /// Decides that runs do not happen, and records them as missed, but for those that ran before, when a clock was ahead.
    fn pass(&self, seen: &Seen, passed: &Passed, now: Timestamp) -> Result<(), Error>;

    /// Moves `decided` back to `now`, where it is ahead by more than [`AHEAD`]: a clock was ahead when more was decided on.
    fn rewind(&self, seen: &Seen, now: Timestamp) -> Result<(), Error>;

    /// One run.
    fn run(&self, number: u64) -> Result<Run, Error>;

    /// Runs that are not over, the oldest first.
    fn unfinished(&self) -> Result<Vec<Run>, Error>;

    /// The newest runs of a schedule, the newest first.
    fn firings(&self, name: &str, limit: u32) -> Result<Vec<Firing>, Error>;

    /// Takes over a run that was released or whose owner is gone: dead, or silent for `silence`. [`Error::OwnedBy`] a
    /// living one, [`Error::Superseded`] when it is over.
    fn adopt(
        &self,
        number: u64,
        owner: &ProcessIdentity,
        silence: Duration,
        now: Timestamp,
    ) -> Result<Run, Error>;

    /// Says that its owner looks after a run. May be lost with the machine.
    fn hear(&self, held: &Held, now: Timestamp) -> Result<(), Error>;

    /// Records how far a run has come; with [`Stage::Over`] that it ended at `now`.
    fn advance(&self, held: &Held, advance: &Advance, now: Timestamp) -> Result<(), Error>;

    /// Gives a run up as it is, to be adopted.
    fn release(&self, held: &Held) -> Result<(), Error>;

    /// Says that somebody runs what is due.
    fn beat(&self, owner: &ProcessIdentity, now: Timestamp) -> Result<(), Error>;

    /// Who said so last, and when.
    fn last_beat(&self) -> Result<Option<(ProcessIdentity, Timestamp)>, Error>;

    /// Removes the record of runs that were over before this; the newest `minimum` of each schedule stay.
    fn forget(&self, before: Timestamp, minimum: u32) -> Result<usize, Error>;

    /// A time of this machine's clock by that of the state: another one where machines share it.
    fn time(&self, here: Timestamp) -> Timestamp {
        here
    }

    /// Reads the clock of the state, by which [`Timetable::time`] goes from then on.
    fn read_clock(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The time by the clock of the state. A clock that is set in the middle of this is read again.
    fn now(&self, clock: &dyn Clock) -> Timestamp {
        loop {
            let here = clock.now();
            let now = self.time(here);
            let passed = clock.now().duration_since(here);
            if !passed.is_negative() && passed < AT_ONCE {
                return now;
            }
        }
    }
}

impl Run {
    /// The right to write to it that its owner has.
    #[must_use]
    pub fn held(&self) -> Held {
        Held {
            number: self.firing.number,
            epoch: self.epoch,
        }
    }

    fn check(&self, held: &Held) -> Result<(), Error> {
        if self.stage == Stage::Over || self.epoch != held.epoch || self.owner.is_none() {
            return Err(Error::Superseded(held.number));
        }
        Ok(())
    }

    fn check_adopt(&self, silence: Duration, now: Timestamp) -> Result<(), Error> {
        // Runs from before this was recorded have said nothing: of their owners it is asked only whether they are dead.
        let is_silent = self.heard.is_some_and(|heard| {
            let silent = now.duration_since(heard);
            silent.is_positive() && silent.unsigned_abs() > silence
        });
        if self.stage == Stage::Over {
            return Err(Error::Superseded(self.firing.number));
        }
        match &self.owner {
            Some(owner) if !owner.is_dead() && !is_silent => Err(Error::OwnedBy {
                number: self.firing.number,
                schedule: self.firing.schedule.clone(),
                owner: owner.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// Up to when a schedule is decided on that is not to run for anything before `now`.
fn decided_at(decided: Timestamp, now: Timestamp) -> Timestamp {
    match decided.duration_since(now) > AHEAD {
        true => now,
        false => decided.max(now),
    }
}

/// What is left of missed runs when `ran` of them ran.
fn less(passed: &Passed, ran: usize) -> Option<Passed> {
    let count = passed.count.saturating_sub(ran as u64);
    (count > 0).then(|| Passed {
        count,
        ..passed.clone()
    })
}

/// Whether another definition is due at other moments.
fn moves(old: &Definition, new: &Definition) -> bool {
    old.trigger != new.trigger || old.zone != new.zone || old.start != new.start || old.jitter != new.jitter
}

/// Checks that nothing was decided or changed since.
fn check_seen(entry: &Entry, seen: &Seen) -> Result<(), Error> {
    if entry.schedule.version != seen.version {
        return Err(Error::Changed {
            name: seen.name.clone(),
            found: entry.schedule.version,
            expected: seen.version,
        });
    }
    if entry.decided != seen.decided {
        return Err(Error::Decided(seen.name.clone()));
    }
    Ok(())
}

/// The record of runs that were missed.
fn missed(name: &str, passed: &Passed, now: Timestamp) -> Firing {
    Firing {
        number: 0,
        schedule: name.to_owned(),
        cause: ostler_api::document::Cause::Due,
        due: passed.at,
        state: FiringState::Missed,
        began: now,
        ended: Some(now),
        operation: None,
        keep_operation: None,
        missed: passed.count,
        reasons: vec![passed.reason.clone()],
        failure: None,
    }
}

/// The record of a run that begins.
fn begun(
    name: &str,
    cause: ostler_api::document::Cause,
    due: Timestamp,
    operation: OperationId,
    now: Timestamp,
) -> Firing {
    Firing {
        number: 0,
        schedule: name.to_owned(),
        cause,
        due,
        state: FiringState::Running,
        began: now,
        ended: None,
        operation: Some(operation),
        keep_operation: None,
        missed: 0,
        reasons: Vec::new(),
        failure: None,
    }
}
