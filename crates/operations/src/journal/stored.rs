//! The journal in a database of the state: an SQLite file, open in any number of processes at once, or a schema of a PostgreSQL
//! that several servers share.

use std::path::Path;
use std::time::Duration;

use ostler_state::{Database, Place, Transaction, values};
use ostler_vocabulary::{OperationCursor, OperationId, ProcessIdentity, ProgressValue, Timestamp};

use super::row::{self, json, millis, signed};
use super::rules::{DONE, FAILED, RUNNING, UNDO_FAILED, UNDONE};
use super::{Ending, Journal, LeaseHolder, NewOperation, Ownership, Requests, StepAt, StepEnd};
use crate::error::Error;
use crate::record::{AuditRecord, ChangeRecord, MessageRecord, OperationRecord};

mod file;
mod lease;
pub(crate) mod queries;

pub use file::{FILE_NAME, SCHEMA_VERSION};

/// Of the oldest operations that are over, so many are looked at when history is pruned, and as many again while some of them go.
const LOOKED_AT: i64 = 100;
/// So often at a time: a long history goes in parts, which nobody waits for.
const PARTS: usize = 5;

/// The journal in a database of the state. Progress and heartbeats wait for no disk.
#[derive(Debug)]
pub struct StoredJournal {
    db: Database,
}

impl StoredJournal {
    /// Opens or makes the journal where the state is, and migrates it.
    ///
    /// # Errors
    /// What opening a database of the state gives.
    pub fn open(place: &Place) -> Result<Self, Error> {
        Ok(Self {
            db: Database::open(&file::KIND, place)?,
        })
    }

    /// The file, where it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.db.path()
    }

    fn write<T>(&self, work: impl Fn(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.db.write(work)
    }

    fn read<T>(&self, work: impl Fn(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.db.read(work)
    }

    fn owned<T>(
        &self,
        by: &Ownership,
        work: impl Fn(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.write(|db| {
            row::head(db, by.id)?.check_owner(by)?;
            work(db)
        })
    }
}

impl Journal for StoredJournal {
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
            Ok(db.execute(
                queries::CREATE_OPERATION,
                &values![
                    new.id.to_string(),
                    new.kind,
                    new.version,
                    new.subject,
                    plan,
                    identity,
                    millis(db.time(now))
                ],
            )?)
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
            let (head, now) = (row::head(db, id)?, db.time(now));
            head.check_claim(silence, now)?;
            let epoch = head.epoch.saturating_add(1);
            db.execute(
                queries::CLAIM_OPERATION,
                &values![
                    id.to_string(),
                    head.claimed_state().as_str(),
                    identity,
                    signed(epoch),
                    millis(now)
                ],
            )?;
            if !head.cancel_requested {
                db.execute(queries::UNDONE_FROM_FIRST, &values![id.to_string()])?;
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
            db.execute(
                queries::FORGET_OTHER_STEP,
                &values![id, signed(step.position), step.name],
            )?;
            let begun = db.one(
                queries::BEGIN_STEP,
                &values![
                    id,
                    signed(step.position),
                    step.key,
                    step.name,
                    RUNNING,
                    undoable,
                    millis(now)
                ],
            )?;
            Ok(begun.get(0)?)
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
            StepEnd::Undone | StepEnd::Rewound => (UNDONE, None, None),
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
                db.execute(queries::COMMIT_OPERATION, &values![id])?;
            }
            if matches!(end, StepEnd::Rewound) {
                db.execute(queries::REWIND, &values![id, signed(step.position), step.key])?;
            }
            db.execute(
                queries::END_STEP,
                &values![
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
            db.execute(
                queries::ADD_AUDIT,
                &values![
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
                db.execute(
                    queries::ADD_MESSAGE,
                    &values![id, millis(message.at), message.text],
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
            let row = db.one(queries::REQUESTS, &values![by.id.to_string()])?;
            Ok(Requests {
                cancel: row.get(0)?,
                leave: row.get(1)?,
            })
        };
        if progress.is_empty() && worked_ms.is_none() {
            return self.read(requests);
        }
        self.db.write_lightly(|db| {
            let requests = requests(db)?;
            let id = by.id.to_string();
            for (step, value) in progress {
                db.execute(
                    queries::RECORD_PROGRESS,
                    &values![id, signed(step.position), step.key, json(value)?],
                )?;
            }
            if let Some(worked) = worked_ms {
                db.execute(
                    queries::HEARTBEAT,
                    &values![id, millis(db.time(now)), signed(worked)],
                )?;
            }
            Ok(requests)
        })
    }

    fn end(&self, by: &Ownership, ending: &Ending, worked_ms: u64, now: Timestamp) -> Result<(), Error> {
        let outcome = ending.outcome.as_ref().map(json).transpose()?;
        let reasons = json(&ending.reasons)?;
        self.owned(by, |db| {
            db.execute(
                queries::END_OPERATION,
                &values![
                    by.id.to_string(),
                    ending.state.as_str(),
                    outcome,
                    reasons,
                    ending.hint,
                    ending.failure.map(|kind| kind.as_str()),
                    millis(db.time(now)),
                    signed(worked_ms)
                ],
            )?;
            Ok(())
        })
    }

    fn release(&self, by: &Ownership, worked_ms: u64, now: Timestamp) -> Result<(), Error> {
        self.owned(by, |db| {
            db.execute(
                queries::RELEASE_OPERATION,
                &values![by.id.to_string(), millis(db.time(now)), signed(worked_ms)],
            )?;
            Ok(())
        })
    }

    fn request(&self, id: OperationId, leave: bool) -> Result<(), Error> {
        self.write(|db| {
            let stuck = db
                .optional(queries::UNDO_FAILED, &values![id.to_string()])?
                .is_some();
            row::head(db, id)?.check_request(leave, stuck)?;
            let sql = if leave {
                queries::REQUEST_LEAVE
            } else {
                queries::REQUEST_CANCEL
            };
            db.execute(sql, &values![id.to_string()])?;
            Ok(())
        })
    }

    fn get(&self, id: OperationId) -> Result<OperationRecord, Error> {
        self.read(|db| row::one(db, id))
    }

    fn find(&self, prefix: &str, limit: usize) -> Result<Vec<OperationId>, Error> {
        self.read(|db| row::ids(db, prefix, limit))
    }

    fn list(&self, limit: usize, after: Option<&OperationCursor>) -> Result<Vec<OperationRecord>, Error> {
        self.read(|db| row::newest(db, limit, after))
    }

    fn changes(&self, after: u64, limit: usize) -> Result<Vec<ChangeRecord>, Error> {
        self.read(|db| row::changes(db, after, limit))
    }

    fn newest_change(&self) -> Result<u64, Error> {
        self.read(row::newest_change)
    }

    fn prune(&self, before: Timestamp, minimum: usize) -> Result<usize, Error> {
        let which = values![millis(before), signed(minimum as u64), LOOKED_AT];
        let mut gone = 0;
        // Others write between the parts.
        for _ in 0..PARTS {
            match self.write(|db| Ok::<_, Error>(db.execute(queries::PRUNE_HISTORY, &which)?))? {
                0 => break,
                some => gone += some,
            }
        }
        Ok(gone)
    }

    fn acquire(
        &self,
        name: &str,
        purpose: &str,
        owner: &ProcessIdentity,
        silence: Duration,
        now: Timestamp,
    ) -> Result<LeaseHolder, Error> {
        self.write(|db| lease::acquire(db, name, purpose, owner, silence, db.time(now)))
    }

    fn confirm(&self, holder: &LeaseHolder, now: Timestamp) -> Result<(), Error> {
        self.write(|db| lease::confirm(db, holder, db.time(now)))
    }

    fn surrender(&self, holder: &LeaseHolder) -> Result<(), Error> {
        self.write(|db| lease::surrender(db, holder))
    }

    fn time(&self, here: Timestamp) -> Timestamp {
        self.db.time(here)
    }
}
