//! The timetable in an SQLite file, open in any number of processes at once.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ostler_api::document::{Cause, Firing};
use ostler_api::schedule::{Definition, Pause, Schedule, Trigger};
use ostler_operations::Database;
use ostler_vocabulary::{OperationId, ProcessIdentity, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Advance, Entry, Held, Run, Seen, Stage, Timetable, begun, check_seen, missed, moves};
use crate::decision::{Due, Passed};
use crate::error::Error;
use crate::rule::whole;

mod queries;
mod row;

use row::{json, millis, reading, signed, writing};

/// The timetable's file in the state directory.
pub const FILE_NAME: &str = DATABASE.file_name;

const DATABASE: Database = Database {
    file_name: "schedules.db",
    what: "timetable of schedules",
    // `OSTS`
    application: 0x4F53_5453,
    migrations: &[include_str!("migrations/0001_timetable.sql")],
    program: env!("CARGO_PKG_VERSION"),
};

/// The timetable in an SQLite file: write-ahead log, `synchronous = FULL`, `BEGIN IMMEDIATE` for every write.
#[derive(Debug)]
pub struct SqliteTimetable {
    durable: Mutex<Connection>,
    /// For reads and beats: they wait for no disk.
    light: Mutex<Connection>,
}

impl SqliteTimetable {
    /// Opens or makes `schedules.db` in a directory, which is made too (mode 0700), and migrates it.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        Ok(Self {
            durable: Mutex::new(DATABASE.open(directory, "FULL")?),
            light: Mutex::new(DATABASE.open(directory, "NORMAL")?),
        })
    }

    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        immediate(&self.durable, work)
    }

    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut db = self.light.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = db.transaction().map_err(reading)?;
        work(&transaction)
    }

    /// Changes a schedule by what is recorded of it.
    fn change(
        &self,
        name: &str,
        change: impl FnOnce(&mut Entry) -> Result<(), Error>,
    ) -> Result<Schedule, Error> {
        self.write(|db| {
            let mut entry = row::entry(db, name)?;
            change(&mut entry)?;
            let schedule = &mut entry.schedule;
            schedule.version += 1;
            let pause = schedule.pause.as_ref().map(json).transpose()?;
            execute(
                db,
                queries::CHANGE_SCHEDULE,
                params![name, millis(entry.decided), pause, json(&schedule.definition)?],
            )?;
            Ok(entry.schedule)
        })
    }
}

fn immediate<T>(
    connection: &Mutex<Connection>,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut db = connection.lock().unwrap_or_else(PoisonError::into_inner);
    let transaction = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(writing)?;
    let value = work(&transaction)?;
    transaction.commit().map_err(writing)?;
    Ok(value)
}

fn execute(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<usize, Error> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map_err(writing)
}

/// Records a run and gives it with its number.
fn insert(
    db: &Connection,
    firing: Firing,
    stage: Stage,
    owner: Option<&ProcessIdentity>,
) -> Result<Run, Error> {
    let identity = owner.map(json).transpose()?;
    let reasons = json(&firing.reasons)?;
    let number: i64 = db
        .prepare_cached(queries::ADD_FIRING)
        .and_then(|mut statement| {
            statement.query_row(
                params![
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
                    identity
                ],
                |row| row.get(0),
            )
        })
        .map_err(writing)?;
    Ok(Run {
        firing: Firing {
            number: row::unsigned(number)?,
            ..firing
        },
        stage,
        owner: owner.cloned(),
        epoch: 1,
    })
}

fn idle(entry: &Entry) -> Result<(), Error> {
    match entry.running {
        Some(_) => Err(Error::Running(entry.schedule.name.clone())),
        None => Ok(()),
    }
}

impl Timetable for SqliteTimetable {
    fn add(&self, name: &str, definition: &Definition, now: Timestamp) -> Result<Schedule, Error> {
        let text = json(definition)?;
        self.write(|db| {
            match row::entry(db, name) {
                Ok(_) => return Err(Error::Exists(name.to_owned())),
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
            execute(db, queries::ADD_SCHEDULE, params![name, millis(now), text])?;
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
                entry.decided = whole(now).max(entry.decided);
            }
            entry.schedule.definition = definition.clone();
            Ok(())
        })
    }

    fn pause(&self, name: &str, pause: Option<&Pause>, now: Timestamp) -> Result<Schedule, Error> {
        self.change(name, |entry| {
            if pause.is_none() {
                entry.decided = whole(now).max(entry.decided);
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
            execute(db, queries::REMOVE_SCHEDULE, [name])?;
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
    ) -> Result<Run, Error> {
        let now = whole(now);
        self.write(|db| {
            let entry = row::entry(db, &seen.name)?;
            check_seen(&entry, seen)?;
            idle(&entry)?;
            execute(db, queries::DECIDE, params![seen.name, millis(due.nominal)])?;
            if let Some(passed) = &due.missed {
                insert(db, missed(&seen.name, passed, now), Stage::Over, None)?;
            }
            let mut firing = begun(&seen.name, due.cause, due.at, operation, now);
            firing.reasons = reasons.to_vec();
            insert(db, firing, Stage::Operation, Some(owner))
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
            check_seen(&row::entry(db, &seen.name)?, seen)?;
            execute(db, queries::DECIDE, params![seen.name, millis(passed.nominal)])?;
            insert(db, missed(&seen.name, passed, whole(now)), Stage::Over, None)?;
            Ok(())
        })
    }

    fn run(&self, number: u64) -> Result<Run, Error> {
        self.read(|db| row::run(db, number))
    }

    fn unfinished(&self) -> Result<Vec<Run>, Error> {
        self.read(|db| row::runs(db, queries::UNFINISHED, []))
    }

    fn firings(&self, name: &str, limit: u32) -> Result<Vec<Firing>, Error> {
        let runs = self.read(|db| row::runs(db, queries::FIRINGS, params![name, limit]))?;
        Ok(runs.into_iter().map(|run| run.firing).collect())
    }

    fn adopt(&self, number: u64, owner: &ProcessIdentity) -> Result<Run, Error> {
        let identity = json(owner)?;
        self.write(|db| {
            let mut run = row::run(db, number)?;
            run.check_adopt()?;
            run.epoch += 1;
            run.owner = Some(owner.clone());
            execute(
                db,
                queries::ADOPT,
                params![signed(number), identity, signed(run.epoch)],
            )?;
            Ok(run)
        })
    }

    fn advance(&self, held: &Held, advance: &Advance, now: Timestamp) -> Result<(), Error> {
        self.write(|db| {
            let mut run = row::run(db, held.number)?;
            run.check(held)?;
            run.firing.reasons.extend(advance.reasons.iter().cloned());
            let over = advance.stage == Stage::Over;
            let owner = run.owner.as_ref().filter(|_| !over).map(json).transpose()?;
            execute(
                db,
                queries::ADVANCE,
                params![
                    signed(held.number),
                    advance.stage.as_str(),
                    advance.state.as_str(),
                    advance.keep_operation.map(|id| id.to_string()),
                    json(&run.firing.reasons)?,
                    over.then(|| millis(now)),
                    owner,
                    advance
                        .failure
                        .map(|kind| row::word(&kind))
                        .transpose()
                        .map_err(writing)?
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
            execute(
                db,
                queries::ADOPT,
                params![signed(held.number), nobody, signed(run.epoch)],
            )?;
            Ok(())
        })
    }

    fn beat(&self, owner: &ProcessIdentity, now: Timestamp) -> Result<(), Error> {
        let identity = json(owner)?;
        immediate(&self.light, |db| {
            execute(db, queries::BEAT, params![identity, millis(now)]).map(drop)
        })
    }

    fn last_beat(&self) -> Result<Option<(ProcessIdentity, Timestamp)>, Error> {
        self.read(|db| {
            let found = db
                .query_row(queries::LAST_BEAT, [], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
                })
                .optional()
                .map_err(reading)?;
            found
                .map(|(owner, at)| Ok((row::parsed(&owner)?, row::time(at)?)))
                .transpose()
        })
    }

    fn forget(&self, before: Timestamp, minimum: u32) -> Result<usize, Error> {
        self.write(|db| execute(db, queries::FORGET, params![millis(before), minimum]))
    }
}
