//! The journal in an SQLite file, open in any number of processes at once.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use ostler_vocabulary::{OperationId, ProcessIdentity, ProgressValue, Timestamp};
use rusqlite::{Connection, Transaction, params};

use super::row::{self, json, millis, reading, signed, writing};
use super::rules::{DONE, FAILED, RUNNING, UNDO_FAILED, UNDONE};
use super::{Ending, Journal, LeaseHolder, NewOperation, Ownership, Requests, StepAt, StepEnd};
use crate::error::Error;
use crate::record::{AuditRecord, ChangeRecord, MessageRecord, OperationRecord};

mod connection;
mod file;
mod lease;
pub(crate) mod queries;

use connection::{execute, immediate, lock};
pub use file::{FILE_NAME, SCHEMA_VERSION};

/// The journal in an SQLite file: write-ahead log, `synchronous = FULL`, `BEGIN IMMEDIATE` for every write.
#[derive(Debug)]
pub struct SqliteJournal {
    path: PathBuf,
    /// For what must survive the machine.
    durable: Mutex<Connection>,
    /// For reads, progress and heartbeats: `synchronous = NORMAL`, so that they wait for no disk.
    light: Mutex<Connection>,
}

impl SqliteJournal {
    /// Opens or makes `operations.db` in a directory, which is made too (mode 0700), and migrates it.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let durable = file::DATABASE.open(directory, "FULL")?;
        let light = file::DATABASE.open(directory, "NORMAL")?;
        Ok(Self {
            path: directory.join(FILE_NAME),
            durable: Mutex::new(durable),
            light: Mutex::new(light),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        immediate(&mut lock(&self.durable), work)
    }

    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut db = lock(&self.light);
        let transaction = db.transaction().map_err(reading)?;
        work(&transaction)
    }

    fn owned<T>(
        &self,
        by: &Ownership,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.write(|db| {
            row::head(db, by.id)?.check_owner(by)?;
            work(db)
        })
    }
}

impl Journal for SqliteJournal {
    fn create(
        &self,
        new: &NewOperation,
        owner: &ProcessIdentity,
        now: Timestamp,
    ) -> Result<Ownership, Error> {
        let (plan, identity) = (json(&new.plan)?, json(owner)?);
        self.write(|db| {
            if !row::ids(db, &new.id.to_string(), 1)?.is_empty() {
                return Err(Error::Exists(new.id));
            }
            execute(
                db,
                queries::CREATE_OPERATION,
                params![
                    new.id.to_string(),
                    new.kind,
                    new.version,
                    new.subject,
                    plan,
                    identity,
                    millis(now)
                ],
            )
        })?;
        Ok(Ownership {
            id: new.id,
            owner: owner.clone(),
            epoch: 1,
        })
    }

    fn claim(
        &self,
        id: OperationId,
        owner: &ProcessIdentity,
        silence: Duration,
        now: Timestamp,
    ) -> Result<Ownership, Error> {
        let identity = json(owner)?;
        self.write(|db| {
            let head = row::head(db, id)?;
            head.check_claim(silence, now)?;
            let epoch = head.epoch.saturating_add(1);
            execute(
                db,
                queries::CLAIM_OPERATION,
                params![
                    id.to_string(),
                    head.claimed_state().as_str(),
                    identity,
                    signed(epoch),
                    millis(now)
                ],
            )?;
            if !head.cancel_requested {
                execute(db, queries::UNDONE_FROM_FIRST, [id.to_string()])?;
            }
            Ok(Ownership {
                id,
                owner: owner.clone(),
                epoch,
            })
        })
    }

    fn begin_step(
        &self,
        by: &Ownership,
        step: &StepAt,
        undoable: bool,
        now: Timestamp,
    ) -> Result<u32, Error> {
        self.owned(by, |db| {
            let id = by.id.to_string();
            execute(
                db,
                queries::FORGET_OTHER_STEP,
                params![id, signed(step.position), step.name],
            )?;
            db.prepare_cached(queries::BEGIN_STEP)
                .and_then(|mut statement| {
                    statement.query_row(
                        params![
                            id,
                            signed(step.position),
                            step.key,
                            step.name,
                            RUNNING,
                            undoable,
                            millis(now)
                        ],
                        |row| row.get(0),
                    )
                })
                .map_err(writing)
        })
    }

    fn end_step(
        &self,
        by: &Ownership,
        step: &StepAt,
        end: &StepEnd,
        progress: Option<ProgressValue>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let none: &[String] = &[];
        let (state, result, reasons) = match end {
            StepEnd::Done { result, .. } => (DONE, Some(json(result)?), Some(none)),
            StepEnd::Failed { reasons } => (FAILED, None, Some(reasons.as_slice())),
            // Why it failed before it was undone stays to be seen.
            StepEnd::Undone => (UNDONE, None, None),
            StepEnd::UndoFailed { reasons } => (UNDO_FAILED, None, Some(reasons.as_slice())),
        };
        let reasons = reasons.as_ref().map(json).transpose()?;
        let progress = progress.as_ref().map(json).transpose()?;
        self.owned(by, |db| {
            let id = by.id.to_string();
            if matches!(end, StepEnd::Done { commits: true, .. }) {
                if row::head(db, by.id)?.cancel_requested {
                    return Err(Error::Cancelled { id: by.id });
                }
                execute(db, queries::COMMIT_OPERATION, [&id])?;
            }
            execute(
                db,
                queries::END_STEP,
                params![
                    id,
                    signed(step.position),
                    step.key,
                    step.name,
                    state,
                    result,
                    reasons,
                    progress,
                    millis(now)
                ],
            )?;
            Ok(())
        })
    }

    fn audit(&self, by: &Ownership, entry: &AuditRecord) -> Result<(), Error> {
        self.owned(by, |db| {
            execute(
                db,
                queries::ADD_AUDIT,
                params![
                    by.id.to_string(),
                    millis(entry.at),
                    entry.action,
                    entry.item,
                    signed(entry.bytes),
                    entry.reason
                ],
            )?;
            Ok(())
        })
    }

    fn say(&self, by: &Ownership, messages: &[MessageRecord]) -> Result<(), Error> {
        self.owned(by, |db| {
            let id = by.id.to_string();
            for message in messages {
                execute(
                    db,
                    queries::ADD_MESSAGE,
                    params![id, millis(message.at), message.text],
                )?;
            }
            Ok(())
        })
    }

    fn look(
        &self,
        by: &Ownership,
        progress: &[(StepAt, ProgressValue)],
        worked_ms: Option<u64>,
        now: Timestamp,
    ) -> Result<Requests, Error> {
        let requests = |db: &Transaction<'_>| {
            row::head(db, by.id)?.check_owner(by)?;
            db.prepare_cached(queries::REQUESTS)
                .and_then(|mut statement| {
                    statement.query_row([by.id.to_string()], |row| {
                        Ok(Requests {
                            cancel: row.get(0)?,
                            leave: row.get(1)?,
                        })
                    })
                })
                .map_err(reading)
        };
        if progress.is_empty() && worked_ms.is_none() {
            return self.read(requests);
        }
        immediate(&mut lock(&self.light), |db| {
            let requests = requests(db)?;
            let id = by.id.to_string();
            for (step, value) in progress {
                execute(
                    db,
                    queries::RECORD_PROGRESS,
                    params![id, signed(step.position), step.key, json(value)?],
                )?;
            }
            if let Some(worked) = worked_ms {
                execute(db, queries::HEARTBEAT, params![id, millis(now), signed(worked)])?;
            }
            Ok(requests)
        })
    }

    fn end(&self, by: &Ownership, ending: &Ending, worked_ms: u64, now: Timestamp) -> Result<(), Error> {
        let outcome = ending.outcome.as_ref().map(json).transpose()?;
        let reasons = json(&ending.reasons)?;
        self.owned(by, |db| {
            execute(
                db,
                queries::END_OPERATION,
                params![
                    by.id.to_string(),
                    ending.state.as_str(),
                    outcome,
                    reasons,
                    ending.hint,
                    ending.failure.map(|kind| kind.as_str()),
                    millis(now),
                    signed(worked_ms)
                ],
            )?;
            Ok(())
        })
    }

    fn release(&self, by: &Ownership, worked_ms: u64, now: Timestamp) -> Result<(), Error> {
        self.owned(by, |db| {
            execute(
                db,
                queries::RELEASE_OPERATION,
                params![by.id.to_string(), millis(now), signed(worked_ms)],
            )?;
            Ok(())
        })
    }

    fn request(&self, id: OperationId, leave: bool) -> Result<(), Error> {
        self.write(|db| {
            row::head(db, id)?.check_request(leave)?;
            let sql = if leave {
                queries::REQUEST_LEAVE
            } else {
                queries::REQUEST_CANCEL
            };
            execute(db, sql, [id.to_string()])?;
            Ok(())
        })
    }

    fn get(&self, id: OperationId) -> Result<OperationRecord, Error> {
        self.read(|db| row::one(db, id))
    }

    fn find(&self, prefix: &str, limit: usize) -> Result<Vec<OperationId>, Error> {
        self.read(|db| row::ids(db, prefix, limit))
    }

    fn list(&self, limit: usize) -> Result<Vec<OperationRecord>, Error> {
        self.read(|db| row::newest(db, limit))
    }

    fn changes(&self, after: u64, limit: usize) -> Result<Vec<ChangeRecord>, Error> {
        self.read(|db| row::changes(db, after, limit))
    }

    fn newest_change(&self) -> Result<u64, Error> {
        self.read(|db| row::newest_change(db))
    }

    fn prune(&self, before: Timestamp, minimum: usize) -> Result<usize, Error> {
        self.write(|db| {
            execute(
                db,
                queries::PRUNE_HISTORY,
                params![millis(before), signed(minimum as u64)],
            )
        })
    }

    fn acquire(
        &self,
        name: &str,
        purpose: &str,
        owner: &ProcessIdentity,
        silence: Duration,
        now: Timestamp,
    ) -> Result<LeaseHolder, Error> {
        self.write(|db| lease::acquire(db, name, purpose, owner, silence, now))
    }

    fn confirm(&self, holder: &LeaseHolder, now: Timestamp) -> Result<(), Error> {
        self.write(|db| lease::confirm(db, holder, now))
    }

    fn surrender(&self, holder: &LeaseHolder) -> Result<(), Error> {
        self.write(|db| lease::surrender(db, holder))
    }
}
