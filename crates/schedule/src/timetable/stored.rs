//! The timetable in a database of the state: an SQLite file, open in any number of processes at once, or a schema of a
//! PostgreSQL that several servers share.

use std::time::Duration;

use ostler_api::document::{Cause, Firing};
use ostler_api::schedule::{Definition, Pause, Schedule, Trigger};
use ostler_state::{Database, Kind, Place, Transaction, values};
use ostler_vocabulary::{OperationId, ProcessIdentity, Timestamp};

use super::{
    AHEAD, Advance, Entry, Held, Run, Seen, Stage, Timetable, begun, check_seen, decided_at, less, missed,
    moves,
};
use crate::decision::{Due, Passed};
use crate::error::Error;
use crate::rule::whole;

mod queries;
mod row;

use row::{json, millis, signed};

/// The timetable's file in the state directory.
pub const FILE_NAME: &str = KIND.file_name;

const KIND: Kind = Kind {
    file_name: "schedules.db",
    schema: "schedules",
    what: "timetable of schedules",
    // `OSTS`
    application: 0x4F53_5453,
    sqlite: &[
        include_str!("migrations/0001_timetable.sql"),
        include_str!("migrations/0002_heard.sql"),
        include_str!("migrations/0003_due.sql"),
    ],
    postgres: &[
        include_str!("migrations/postgres/0001_timetable.sql"),
        include_str!("migrations/postgres/0002_due.sql"),
    ],
    program: env!("CARGO_PKG_VERSION"),
};

/// The timetable in a database of the state. Beats wait for no disk.
#[derive(Debug)]
pub struct StoredTimetable {
    db: Database,
}

impl StoredTimetable {
    /// Opens or makes the timetable where the state is, and migrates it.
    ///
    /// # Errors
    /// What opening a database of the state gives.
    pub fn open(place: &Place) -> Result<Self, Error> {
        Ok(Self {
            db: Database::open(&KIND, place)?,
        })
    }

    fn write<T>(&self, work: impl Fn(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.db.write(work)
    }

    fn read<T>(&self, work: impl Fn(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.db.read(work)
    }

    /// Changes a schedule by what is recorded of it.
    fn change(
        &self,
        name: &str,
        change: impl Fn(&mut Entry) -> Result<(), Error>,
    ) -> Result<Schedule, Error> {
        self.write(|db| {
            let mut entry = row::entry(db, name)?;
            change(&mut entry)?;
            let schedule = &mut entry.schedule;
            schedule.version += 1;
            let pause = schedule.pause.as_ref().map(json).transpose()?;
            db.execute(
                queries::CHANGE_SCHEDULE,
                &values![name, millis(entry.decided), pause, json(&schedule.definition)?],
            )?;
            Ok(entry.schedule)
        })
    }
}

/// Records a run and gives it with its number.
fn insert(
    db: &Transaction<'_>,
    firing: Firing,
    stage: Stage,
    owner: Option<&ProcessIdentity>,
) -> Result<Run, Error> {
    let (identity, began) = (owner.map(json).transpose()?, firing.began);
    let reasons = json(&firing.reasons)?;
    let added = db.one(
        queries::ADD_FIRING,
        &values![
            firing.schedule,
            row::word(&firing.cause)?,
            millis(firing.due),
            stage.as_str(),
            firing.state.as_str(),
            millis(firing.began),
            firing.ended.map(millis),
            firing.operation.map(|id| id.to_string()),
            signed(firing.missed),
            reasons,
            identity,
            owner.map(|_| millis(began))
        ],
    )?;
    let number: i64 = added.get(0)?;
    Ok(Run {
        firing: Firing {
            number: row::unsigned(number)?,
            ..firing
        },
        stage,
        owner: owner.cloned(),
        epoch: 1,
        heard: owner.map(|_| began),
    })
}

/// When the runs were due of the moments after `decided` and up to `nominal`, which is due at `at`.
fn ran(db: &Transaction<'_>, entry: &Entry, nominal: Timestamp, at: Timestamp) -> Result<Vec<i64>, Error> {
    let first = millis(entry.decided).saturating_add(millis(at).saturating_sub(millis(nominal)));
    let rows = db.query(queries::RAN, &values![entry.schedule.name, first, millis(at)])?;
    Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
}

fn idle(entry: &Entry) -> Result<(), Error> {
    match entry.running {
        Some(_) => Err(Error::Running(entry.schedule.name.clone())),
        None => Ok(()),
    }
}

impl Timetable for StoredTimetable {
    fn add(&self, name: &str, definition: &Definition, now: Timestamp) -> Result<Schedule, Error> {
        let text = json(definition)?;
        self.write(|db| {
            match row::entry(db, name) {
                Ok(_) => return Err(Error::Exists(name.to_owned())),
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
            db.execute(queries::ADD_SCHEDULE, &values![name, millis(now), text])?;
            Ok(row::entry(db, name)?.schedule)
        })
    }

    fn edit(
        &self,
        name: &str,
        version: Option<u64>,
        definition: &Definition,
        now: Timestamp,
    ) -> Result<Schedule, Error> {
        self.change(name, |entry| {
            if let Some(expected) = version.filter(|version| *version != entry.schedule.version) {
                return Err(Error::Changed {
                    name: name.to_owned(),
                    found: entry.schedule.version,
                    expected,
                });
            }
            if moves(&entry.schedule.definition, definition) {
                entry.decided = decided_at(entry.decided, whole(now));
            }
            entry.schedule.definition = definition.clone();
            Ok(())
        })
    }

    fn pause(&self, name: &str, pause: Option<&Pause>, now: Timestamp) -> Result<Schedule, Error> {
        self.change(name, |entry| {
            if pause.is_none() {
                entry.decided = decided_at(entry.decided, whole(now));
            }
            entry.schedule.pause = pause.cloned();
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> Result<Schedule, Error> {
        self.write(|db| {
            let entry = row::entry(db, name)?;
            idle(&entry)?;
            let after = Trigger::After(name.to_owned());
            let others = row::entries(db, None)?;
            if let Some(child) = others.iter().find(|one| one.schedule.definition.trigger == after) {
                return Err(Error::Needed {
                    name: name.to_owned(),
                    after: child.schedule.name.clone(),
                });
            }
            db.execute(queries::REMOVE_SCHEDULE, &values![name])?;
            Ok(entry.schedule)
        })
    }

    fn get(&self, name: &str) -> Result<Entry, Error> {
        self.read(|db| row::entry(db, name))
    }

    fn list(&self) -> Result<Vec<Entry>, Error> {
        self.read(|db| row::entries(db, None))
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
        self.write(|db| {
            let entry = row::entry(db, &seen.name)?;
            check_seen(&entry, seen)?;
            idle(&entry)?;
            let mut ran = ran(db, &entry, due.nominal, due.at)?;
            let has_run = ran.contains(&millis(due.at));
            ran.retain(|at| *at != millis(due.at));
            db.execute(queries::DECIDE, &values![seen.name, millis(due.nominal)])?;
            if let Some(passed) = due.missed.as_ref().and_then(|passed| less(passed, ran.len())) {
                insert(db, missed(&seen.name, &passed, now), Stage::Over, None)?;
            }
            if has_run {
                return Ok(None);
            }
            let mut firing = begun(&seen.name, due.cause, due.at, operation, now);
            firing.reasons = reasons.to_vec();
            insert(db, firing, Stage::Operation, Some(owner)).map(Some)
        })
    }

    fn fire_now(
        &self,
        name: &str,
        operation: OperationId,
        owner: &ProcessIdentity,
        now: Timestamp,
    ) -> Result<Run, Error> {
        let now = whole(now);
        self.write(|db| {
            idle(&row::entry(db, name)?)?;
            let firing = begun(name, Cause::Manual, now, operation, now);
            insert(db, firing, Stage::Operation, Some(owner))
        })
    }

    fn pass(&self, seen: &Seen, passed: &Passed, now: Timestamp) -> Result<(), Error> {
        self.write(|db| {
            let entry = row::entry(db, &seen.name)?;
            check_seen(&entry, seen)?;
            let ran = ran(db, &entry, passed.nominal, passed.at)?;
            db.execute(queries::DECIDE, &values![seen.name, millis(passed.nominal)])?;
            if let Some(passed) = less(passed, ran.len()) {
                insert(db, missed(&seen.name, &passed, whole(now)), Stage::Over, None)?;
            }
            Ok(())
        })
    }

    fn rewind(&self, seen: &Seen, now: Timestamp) -> Result<(), Error> {
        self.write(|db| {
            let entry = row::entry(db, &seen.name)?;
            check_seen(&entry, seen)?;
            if entry.decided.duration_since(now) > AHEAD {
                db.execute(queries::REWIND, &values![seen.name, millis(now)])?;
            }
            Ok(())
        })
    }

    fn run(&self, number: u64) -> Result<Run, Error> {
        self.read(|db| row::run(db, number))
    }

    fn unfinished(&self) -> Result<Vec<Run>, Error> {
        self.read(|db| row::runs(db, queries::UNFINISHED, &[]))
    }

    fn firings(&self, name: &str, limit: u32) -> Result<Vec<Firing>, Error> {
        let runs = self.read(|db| row::runs(db, queries::FIRINGS, &values![name, limit]))?;
        Ok(runs.into_iter().map(|run| run.firing).collect())
    }

    fn adopt(
        &self,
        number: u64,
        owner: &ProcessIdentity,
        silence: Duration,
        now: Timestamp,
    ) -> Result<Run, Error> {
        let identity = json(owner)?;
        self.write(|db| {
            let mut run = row::run(db, number)?;
            run.check_adopt(silence, now)?;
            run.epoch += 1;
            run.owner = Some(owner.clone());
            run.heard = Some(whole(now));
            db.execute(
                queries::ADOPT,
                &values![signed(number), identity, signed(run.epoch), millis(now)],
            )?;
            Ok(run)
        })
    }

    fn hear(&self, held: &Held, now: Timestamp) -> Result<(), Error> {
        self.db.write_lightly(|db| {
            row::run(db, held.number)?.check(held)?;
            let values = values![signed(held.number), millis(now)];
            db.execute(queries::HEAR, &values)?;
            Ok(())
        })
    }

    fn advance(&self, held: &Held, advance: &Advance, now: Timestamp) -> Result<(), Error> {
        self.write(|db| {
            let mut run = row::run(db, held.number)?;
            run.check(held)?;
            run.firing.reasons.extend(advance.reasons.iter().cloned());
            let over = advance.stage == Stage::Over;
            let owner = run.owner.as_ref().filter(|_| !over).map(json).transpose()?;
            db.execute(
                queries::ADVANCE,
                &values![
                    signed(held.number),
                    advance.stage.as_str(),
                    advance.state.as_str(),
                    advance.keep_operation.map(|id| id.to_string()),
                    json(&run.firing.reasons)?,
                    over.then(|| millis(now)),
                    owner,
                    advance.failure.map(|kind| row::word(&kind)).transpose()?
                ],
            )?;
            Ok(())
        })
    }

    fn release(&self, held: &Held) -> Result<(), Error> {
        self.write(|db| {
            let run = row::run(db, held.number)?;
            run.check(held)?;
            let nobody: Option<String> = None;
            db.execute(
                queries::ADOPT,
                &values![signed(held.number), nobody, signed(run.epoch), None::<i64>],
            )?;
            Ok(())
        })
    }

    fn beat(&self, owner: &ProcessIdentity, now: Timestamp) -> Result<(), Error> {
        let identity = json(owner)?;
        self.db.write_lightly(|db| {
            db.execute(queries::BEAT, &values![identity, millis(now)])?;
            Ok(())
        })
    }

    fn last_beat(&self) -> Result<Option<(ProcessIdentity, Timestamp)>, Error> {
        self.read(|db| {
            db.optional(queries::LAST_BEAT, &[])?
                .map(|row| Ok((row::parsed(&row.get::<String>(0)?)?, row::time(row.get(1)?)?)))
                .transpose()
        })
    }

    fn forget(&self, before: Timestamp, minimum: u32) -> Result<usize, Error> {
        self.write(|db| Ok(db.execute(queries::FORGET, &values![millis(before), minimum])?))
    }

    fn time(&self, here: Timestamp) -> Timestamp {
        self.db.time(here)
    }

    fn read_clock(&self) -> Result<(), Error> {
        Ok(self.db.read_clock()?)
    }
}
