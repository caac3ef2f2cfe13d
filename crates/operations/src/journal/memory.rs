//! The journal in memory: for tests, and for work that need not outlive its process.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostler_vocabulary::{OperationCursor, OperationId, ProcessIdentity, ProgressValue, Timestamp};

use super::rules::{DONE, FAILED, RUNNING, UNDO_FAILED, UNDONE, is_gone};
use super::{Ending, Journal, LeaseHolder, NewOperation, Ownership, Requests, StepAt, StepEnd};
use crate::error::Error;
use crate::record::{AuditRecord, ChangeRecord, MessageRecord, OperationRecord, State, StepRecord};

mod tables;

use tables::{Entry, Lease, Tables, key, rewind, whole};

/// The journal in memory. Several engines may share one, as several processes share a file.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    tables: Mutex<Tables>,
}

impl MemoryJournal {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn create(
        &self,
        new: &NewOperation,
        owner: &ProcessIdentity,
        now: Timestamp,
    ) -> Result<Ownership, Error> {
        let now = whole(now);
        let mut tables = self.lock();
        if tables.entry(new.id).is_ok() {
            return Err(Error::Exists(new.id));
        }
        tables.operations.push(Entry {
            leave_requested: false,
            record: OperationRecord {
                id: new.id,
                kind: new.kind.clone(),
                version: new.version,
                subject: new.subject.clone(),
                plan: new.plan.clone(),
                state: State::Running,
                committed: false,
                cancel_requested: false,
                owner: Some(owner.clone()),
                epoch: 1,
                heartbeat: now,
                started: now,
                ended: None,
                worked_ms: 0,
                bytes: 0,
                reasons: Vec::new(),
                hint: None,
                failure: None,
                outcome: None,
                steps: Vec::new(),
                audit: Vec::new(),
                messages: Vec::new(),
            },
        });
        tables.changed(new.id, false)?;
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
        let now = whole(now);
        let mut tables = self.lock();
        let entry = tables.entry(id)?;
        let head = entry.head();
        head.check_claim(silence, now)?;
        entry.leave_requested = false;
        let record = &mut entry.record;
        record.state = head.claimed_state();
        record.owner = Some(owner.clone());
        record.epoch = head.epoch.saturating_add(1);
        record.heartbeat = now;
        record.ended = None;
        record.failure = None;
        record.hint = None;
        record.reasons.clear();
        record.outcome = None;
        if !head.cancel_requested {
            let undone = record.steps.iter().filter(|step| step.state == UNDONE);
            for first in undone.map(|step| step.position).collect::<Vec<_>>() {
                rewind(&mut record.steps, first);
            }
        }
        let epoch = record.epoch;
        tables.changed(id, false)?;
        Ok(Ownership {
            id,
            owner: owner.clone(),
            epoch,
        })
    }

    fn begin_step(&self, by: &Ownership, at: &StepAt, undoable: bool, now: Timestamp) -> Result<u32, Error> {
        let mut tables = self.lock();
        let entry = tables.owned(by)?;
        let steps = &mut entry.record.steps;
        let undone = |step: &StepRecord| step.state == UNDONE || step.state == UNDO_FAILED;
        steps.retain(|step| step.position != at.position || !undone(step) || step.name == at.name);
        let place = steps.partition_point(|step| (step.position, key(step)) < (at.position, at.key.as_str()));
        let same = |step: &&StepRecord| step.position == at.position && key(step) == at.key;
        let earlier = steps.get(place).filter(same).map(|step| step.attempts);
        let attempts = earlier.unwrap_or(0).saturating_add(1);
        let record = StepRecord {
            position: at.position,
            name: at.name.clone(),
            key: (!at.key.is_empty()).then(|| at.key.clone()),
            state: RUNNING.to_owned(),
            undoable,
            started: whole(now),
            ended: None,
            attempts,
            result: None,
            progress: None,
            reasons: Vec::new(),
        };
        match steps.get_mut(place) {
            Some(step) if earlier.is_some() => *step = record,
            _ => steps.insert(place, record),
        }
        Ok(attempts)
    }

    fn end_step(
        &self,
        by: &Ownership,
        at: &StepAt,
        end: &StepEnd,
        progress: Option<ProgressValue>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tables = self.lock();
        let entry = tables.owned(by)?;
        if matches!(end, StepEnd::Done { commits: true, .. }) {
            if entry.record.cancel_requested {
                return Err(Error::Cancelled { id: by.id });
            }
            entry.record.committed = true;
        }
        let Some(step) = entry.step(at) else {
            return Ok(());
        };
        let state = match end {
            StepEnd::Done { result, .. } => {
                step.reasons.clear();
                step.result = Some(result.clone());
                DONE
            }
            StepEnd::Failed { reasons } => {
                step.reasons.clone_from(reasons);
                FAILED
            }
            StepEnd::Undone | StepEnd::Rewound => UNDONE,
            StepEnd::UndoFailed { reasons } => {
                step.reasons.clone_from(reasons);
                UNDO_FAILED
            }
        };
        state.clone_into(&mut step.state);
        step.ended = Some(whole(now));
        step.progress = progress.or(step.progress);
        if matches!(end, StepEnd::Rewound) {
            rewind(&mut entry.record.steps, at.position);
        }
        Ok(())
    }

    fn audit(&self, by: &Ownership, entry: &AuditRecord) -> Result<(), Error> {
        let mut tables = self.lock();
        let audit = &mut tables.owned(by)?.record.audit;
        if !audit
            .iter()
            .any(|known| known.action == entry.action && known.item == entry.item)
        {
            audit.push(AuditRecord {
                at: whole(entry.at),
                ..entry.clone()
            });
        }
        Ok(())
    }

    fn say(&self, by: &Ownership, messages: &[MessageRecord]) -> Result<(), Error> {
        let mut tables = self.lock();
        let said = &mut tables.owned(by)?.record.messages;
        for message in messages {
            if !said.iter().any(|known| known.text == message.text) {
                said.push(MessageRecord {
                    at: whole(message.at),
                    text: message.text.clone(),
                });
            }
        }
        Ok(())
    }

    fn look(
        &self,
        by: &Ownership,
        progress: &[(StepAt, ProgressValue)],
        worked_ms: Option<u64>,
        now: Timestamp,
    ) -> Result<Requests, Error> {
        let mut tables = self.lock();
        let entry = tables.owned(by)?;
        for (at, value) in progress {
            if let Some(step) = entry.step(at).filter(|step| step.state == RUNNING) {
                step.progress = Some(*value);
            }
        }
        if let Some(worked) = worked_ms {
            entry.record.heartbeat = whole(now);
            entry.record.worked_ms = entry.record.worked_ms.saturating_add(worked);
        }
        Ok(Requests {
            cancel: entry.record.cancel_requested,
            leave: entry.leave_requested,
        })
    }

    fn end(&self, by: &Ownership, ending: &Ending, worked_ms: u64, now: Timestamp) -> Result<(), Error> {
        let mut tables = self.lock();
        let record = &mut tables.owned(by)?.record;
        record.state = ending.state;
        record.outcome.clone_from(&ending.outcome);
        record.reasons.clone_from(&ending.reasons);
        record.hint.clone_from(&ending.hint);
        record.failure = ending.failure;
        record.owner = None;
        record.ended = Some(whole(now));
        record.heartbeat = whole(now);
        record.worked_ms = record.worked_ms.saturating_add(worked_ms);
        tables.changed(by.id, false)
    }

    fn release(&self, by: &Ownership, worked_ms: u64, now: Timestamp) -> Result<(), Error> {
        let mut tables = self.lock();
        let record = &mut tables.owned(by)?.record;
        record.owner = None;
        record.heartbeat = whole(now);
        record.worked_ms = record.worked_ms.saturating_add(worked_ms);
        tables.changed(by.id, true)
    }

    fn request(&self, id: OperationId, leave: bool) -> Result<(), Error> {
        let mut tables = self.lock();
        let entry = tables.entry(id)?;
        let stuck = entry.record.steps.iter().any(|step| step.state == UNDO_FAILED);
        entry.head().check_request(leave, stuck)?;
        if leave {
            entry.leave_requested = true;
        } else if entry.record.state != State::Cancelling {
            entry.record.cancel_requested = true;
            entry.record.state = State::Cancelling;
            tables.changed(id, false)?;
        }
        Ok(())
    }

    fn get(&self, id: OperationId) -> Result<OperationRecord, Error> {
        Ok(self.lock().entry(id)?.read())
    }

    fn find(&self, prefix: &str, limit: usize) -> Result<Vec<OperationId>, Error> {
        let mut ids: Vec<_> = self
            .lock()
            .operations
            .iter()
            .map(|entry| entry.record.id)
            .collect();
        ids.retain(|id| id.to_string().starts_with(prefix));
        ids.sort_unstable();
        ids.truncate(limit);
        Ok(ids)
    }

    fn list(&self, limit: usize, after: Option<&OperationCursor>) -> Result<Vec<OperationRecord>, Error> {
        let tables = self.lock();
        let all = &tables.operations;
        let end = after.map_or(all.len(), |after| {
            let began = |entry: &Entry| entry.record.started < after.started;
            let there = all.iter().position(|entry| entry.record.id == after.id);
            there.unwrap_or_else(|| all.iter().rposition(began).map_or(0, |last| last + 1))
        });
        Ok(all[..end].iter().rev().take(limit).map(Entry::listed).collect())
    }

    fn changes(&self, after: u64, limit: usize) -> Result<Vec<ChangeRecord>, Error> {
        let tables = self.lock();
        let later = tables.changes.iter().filter(|change| change.number > after);
        Ok(later.take(limit).cloned().collect())
    }

    fn newest_change(&self) -> Result<u64, Error> {
        Ok(self.lock().newest_change)
    }

    fn prune(&self, before: Timestamp, minimum: usize) -> Result<usize, Error> {
        let tables = &mut *self.lock();
        let operations = &mut tables.operations;
        let all = operations.len();
        let mut place = 0;
        operations.retain(|entry| {
            place += 1;
            all - place < minimum
                || !entry.record.state.is_over()
                || entry.record.ended.is_none_or(|ended| ended >= whole(before))
        });
        tables
            .changes
            .retain(|change| operations.iter().any(|entry| entry.record.id == change.operation));
        Ok(all - operations.len())
    }

    fn acquire(
        &self,
        name: &str,
        purpose: &str,
        owner: &ProcessIdentity,
        silence: Duration,
        now: Timestamp,
    ) -> Result<LeaseHolder, Error> {
        let mut tables = self.lock();
        let mut epoch = 1;
        if let Some(lease) = tables.leases.get(name) {
            if let Some(holder) = &lease.owner
                && !is_gone(holder, lease.heartbeat, silence, now)
            {
                return Err(Error::LeaseHeld {
                    name: name.to_owned(),
                    purpose: lease.purpose.clone(),
                    owner: holder.clone(),
                });
            }
            epoch = lease.epoch.saturating_add(1);
        }
        tables.leases.insert(
            name.to_owned(),
            Lease {
                purpose: purpose.to_owned(),
                owner: Some(owner.clone()),
                epoch,
                heartbeat: whole(now),
            },
        );
        Ok(LeaseHolder {
            name: name.to_owned(),
            owner: owner.clone(),
            epoch,
        })
    }

    fn confirm(&self, holder: &LeaseHolder, now: Timestamp) -> Result<(), Error> {
        self.lock().held(holder)?.heartbeat = whole(now);
        Ok(())
    }

    fn surrender(&self, holder: &LeaseHolder) -> Result<(), Error> {
        self.lock().held(holder)?.owner = None;
        Ok(())
    }
}
