//! The timetable in memory: for tests, and to show what the contract means.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostler_api::document::{Cause, Firing, FiringState};
use ostler_api::schedule::{Definition, Pause, Schedule, Trigger};
use ostler_vocabulary::{OperationId, ProcessIdentity, Timestamp};

use super::{
    AHEAD, Advance, Entry, Held, Run, Seen, Stage, Timetable, begun, check_seen, decided_at, less, missed,
    moves,
};
use crate::decision::{Due, Passed, Running};
use crate::error::Error;
use crate::rule::whole;

/// The timetable in memory.
#[derive(Debug, Default)]
pub struct MemoryTimetable {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    schedules: BTreeMap<String, (Schedule, Timestamp)>,
    runs: Vec<Run>,
    numbers: u64,
    beat: Option<(ProcessIdentity, Timestamp)>,
}

impl MemoryTimetable {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn schedule(&mut self, name: &str) -> Result<&mut (Schedule, Timestamp), Error> {
        self.schedules
            .get_mut(name)
            .ok_or_else(|| Error::NotFound(name.to_owned()))
    }

    fn entry(&self, name: &str) -> Result<Entry, Error> {
        let (schedule, decided) = self
            .schedules
            .get(name)
            .ok_or_else(|| Error::NotFound(name.to_owned()))?;
        let own = || self.runs.iter().rev().filter(|run| run.firing.schedule == name);
        Ok(Entry {
            schedule: schedule.clone(),
            decided: *decided,
            running: own().find(|run| run.stage != Stage::Over).map(|run| Running {
                due: run.firing.due,
                began: run.firing.began,
            }),
            last_good: own()
                .filter(|run| run.stage == Stage::Over && run.firing.state == FiringState::Succeeded)
                .find_map(|run| run.firing.ended),
            last: own().next().map(|run| run.firing.clone()),
        })
    }

    fn push(&mut self, firing: Firing, stage: Stage, owner: Option<&ProcessIdentity>) -> Run {
        self.numbers += 1;
        let began = firing.began;
        let run = Run {
            firing: Firing {
                number: self.numbers,
                ..firing
            },
            stage,
            owner: owner.cloned(),
            epoch: 1,
            heard: owner.map(|_| began),
        };
        self.runs.push(run.clone());
        run
    }

    /// When the runs were due of the moments after `decided` and up to `nominal`, which is due at `at`.
    fn ran(&self, entry: &Entry, nominal: Timestamp, at: Timestamp) -> Vec<Timestamp> {
        let first = entry.decided + at.duration_since(nominal);
        let own = self.runs.iter().map(|run| &run.firing);
        own.filter(|one| one.schedule == entry.schedule.name && one.due > first && one.due <= at)
            .filter(|one| one.cause != Cause::Manual && one.state != FiringState::Missed)
            .map(|one| one.due)
            .collect()
    }

    fn at(&mut self, number: u64) -> Result<&mut Run, Error> {
        self.runs
            .iter_mut()
            .find(|run| run.firing.number == number)
            .ok_or(Error::NoFiring(number))
    }
}

impl Timetable for MemoryTimetable {
    fn add(&self, name: &str, definition: &Definition, now: Timestamp) -> Result<Schedule, Error> {
        let now = whole(now);
        let mut tables = self.lock();
        if tables.schedules.contains_key(name) {
            return Err(Error::Exists(name.to_owned()));
        }
        let schedule = Schedule {
            name: name.to_owned(),
            version: 1,
            created: now,
            pause: None,
            definition: definition.clone(),
        };
        tables.schedules.insert(name.to_owned(), (schedule.clone(), now));
        Ok(schedule)
    }

    fn edit(
        &self,
        name: &str,
        version: Option<u64>,
        definition: &Definition,
        now: Timestamp,
    ) -> Result<Schedule, Error> {
        let mut tables = self.lock();
        let (schedule, decided) = tables.schedule(name)?;
        if let Some(expected) = version.filter(|version| *version != schedule.version) {
            return Err(Error::Changed {
                name: name.to_owned(),
                found: schedule.version,
                expected,
            });
        }
        if moves(&schedule.definition, definition) {
            *decided = decided_at(*decided, whole(now));
        }
        schedule.definition = definition.clone();
        schedule.version += 1;
        Ok(schedule.clone())
    }

    fn pause(&self, name: &str, pause: Option<&Pause>, now: Timestamp) -> Result<Schedule, Error> {
        let mut tables = self.lock();
        let (schedule, decided) = tables.schedule(name)?;
        if pause.is_none() {
            *decided = decided_at(*decided, whole(now));
        }
        schedule.pause = pause.cloned();
        schedule.version += 1;
        Ok(schedule.clone())
    }

    fn remove(&self, name: &str) -> Result<Schedule, Error> {
        let mut tables = self.lock();
        let entry = tables.entry(name)?;
        if entry.running.is_some() {
            return Err(Error::Running(name.to_owned()));
        }
        let after = Trigger::After(name.to_owned());
        if let Some((child, _)) = tables
            .schedules
            .values()
            .find(|(one, _)| one.definition.trigger == after)
        {
            return Err(Error::Needed {
                name: name.to_owned(),
                after: child.name.clone(),
            });
        }
        tables.schedules.remove(name);
        tables.runs.retain(|run| run.firing.schedule != name);
        Ok(entry.schedule)
    }

    fn get(&self, name: &str) -> Result<Entry, Error> {
        self.lock().entry(name)
    }

    fn list(&self) -> Result<Vec<Entry>, Error> {
        let tables = self.lock();
        tables.schedules.keys().map(|name| tables.entry(name)).collect()
    }

    fn fire(
        &self,
        seen: &Seen,
        due: &Due,
        operation: OperationId,
        reasons: &[String],
        owner: &ProcessIdentity,
        now: Timestamp,
    ) -> Result<Option<Run>, Error> {
        let now = whole(now);
        let mut tables = self.lock();
        let entry = tables.entry(&seen.name)?;
        check_seen(&entry, seen)?;
        if entry.running.is_some() {
            return Err(Error::Running(seen.name.clone()));
        }
        tables.schedule(&seen.name)?.1 = due.nominal.max(entry.decided);
        let mut ran = tables.ran(&entry, due.nominal, due.at);
        let has_run = ran.contains(&due.at);
        ran.retain(|at| *at != due.at);
        if let Some(passed) = due.missed.as_ref().and_then(|passed| less(passed, ran.len())) {
            tables.push(missed(&seen.name, &passed, now), Stage::Over, None);
        }
        if has_run {
            return Ok(None);
        }
        let mut firing = begun(&seen.name, due.cause, due.at, operation, now);
        firing.reasons = reasons.to_vec();
        Ok(Some(tables.push(firing, Stage::Operation, Some(owner))))
    }

    fn fire_now(
        &self,
        name: &str,
        operation: OperationId,
        owner: &ProcessIdentity,
        now: Timestamp,
    ) -> Result<Run, Error> {
        let now = whole(now);
        let mut tables = self.lock();
        if tables.entry(name)?.running.is_some() {
            return Err(Error::Running(name.to_owned()));
        }
        let firing = begun(name, Cause::Manual, now, operation, now);
        Ok(tables.push(firing, Stage::Operation, Some(owner)))
    }

    fn pass(&self, seen: &Seen, passed: &Passed, now: Timestamp) -> Result<(), Error> {
        let mut tables = self.lock();
        let entry = tables.entry(&seen.name)?;
        check_seen(&entry, seen)?;
        tables.schedule(&seen.name)?.1 = passed.nominal.max(entry.decided);
        let ran = tables.ran(&entry, passed.nominal, passed.at);
        if let Some(passed) = less(passed, ran.len()) {
            tables.push(missed(&seen.name, &passed, whole(now)), Stage::Over, None);
        }
        Ok(())
    }

    fn rewind(&self, seen: &Seen, now: Timestamp) -> Result<(), Error> {
        let mut tables = self.lock();
        let entry = tables.entry(&seen.name)?;
        check_seen(&entry, seen)?;
        if entry.decided.duration_since(now) > AHEAD {
            tables.schedule(&seen.name)?.1 = whole(now);
        }
        Ok(())
    }

    fn run(&self, number: u64) -> Result<Run, Error> {
        self.lock().at(number).cloned()
    }

    fn unfinished(&self) -> Result<Vec<Run>, Error> {
        let tables = self.lock();
        Ok(tables
            .runs
            .iter()
            .filter(|run| run.stage != Stage::Over)
            .cloned()
            .collect())
    }

    fn firings(&self, name: &str, limit: u32) -> Result<Vec<Firing>, Error> {
        let tables = self.lock();
        let own = tables.runs.iter().rev().filter(|run| run.firing.schedule == name);
        Ok(own.take(limit as usize).map(|run| run.firing.clone()).collect())
    }

    fn adopt(
        &self,
        number: u64,
        owner: &ProcessIdentity,
        silence: Duration,
        now: Timestamp,
    ) -> Result<Run, Error> {
        let mut tables = self.lock();
        let run = tables.at(number)?;
        run.check_adopt(silence, now)?;
        run.owner = Some(owner.clone());
        run.heard = Some(whole(now));
        run.epoch += 1;
        Ok(run.clone())
    }

    fn hear(&self, held: &Held, now: Timestamp) -> Result<(), Error> {
        let mut tables = self.lock();
        let run = tables.at(held.number)?;
        run.check(held)?;
        run.heard = Some(whole(now));
        Ok(())
    }

    fn advance(&self, held: &Held, advance: &Advance, now: Timestamp) -> Result<(), Error> {
        let mut tables = self.lock();
        let run = tables.at(held.number)?;
        run.check(held)?;
        run.stage = advance.stage;
        run.firing.state = advance.state;
        run.firing.failure = advance.failure;
        run.firing.reasons.extend(advance.reasons.iter().cloned());
        if advance.keep_operation.is_some() {
            run.firing.keep_operation = advance.keep_operation;
        }
        if advance.stage == Stage::Over {
            run.firing.ended = Some(whole(now));
            run.owner = None;
        }
        Ok(())
    }

    fn release(&self, held: &Held) -> Result<(), Error> {
        let mut tables = self.lock();
        let run = tables.at(held.number)?;
        run.check(held)?;
        run.owner = None;
        Ok(())
    }

    fn beat(&self, owner: &ProcessIdentity, now: Timestamp) -> Result<(), Error> {
        self.lock().beat = Some((owner.clone(), whole(now)));
        Ok(())
    }

    fn last_beat(&self) -> Result<Option<(ProcessIdentity, Timestamp)>, Error> {
        Ok(self.lock().beat.clone())
    }

    fn forget(&self, before: Timestamp, minimum: u32) -> Result<usize, Error> {
        let mut tables = self.lock();
        let mut kept: BTreeMap<String, u32> = BTreeMap::new();
        let found = tables.runs.len();
        let mut runs: Vec<Run> = std::mem::take(&mut tables.runs);
        runs.reverse();
        runs.retain(|run| {
            let newer = kept.entry(run.firing.schedule.clone()).or_default();
            *newer += 1;
            *newer <= minimum || run.firing.ended.is_none_or(|ended| ended >= before)
        });
        runs.reverse();
        tables.runs = runs;
        Ok(found - tables.runs.len())
    }
}
