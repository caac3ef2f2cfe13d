//! What the journal in memory holds.

use std::collections::BTreeMap;

use ostler_vocabulary::{OperationId, ProcessIdentity, Timestamp};

use crate::error::Error;
use crate::journal::row::bytes;
use crate::journal::rules::{Head, UNDO_FAILED, UNDONE};
use crate::journal::{ITEM_PLACES, LeaseHolder, Ownership, StepAt};
use crate::record::{ChangeRecord, OperationRecord, State, StepRecord};

#[derive(Debug, Default)]
pub(super) struct Tables {
    /// In order of starting.
    pub(super) operations: Vec<Entry>,
    pub(super) leases: BTreeMap<String, Lease>,
    pub(super) changes: Vec<ChangeRecord>,
    /// The number of the newest change, whether it is still there or not.
    pub(super) newest_change: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) record: OperationRecord,
    pub(super) leave_requested: bool,
}

#[derive(Debug)]
pub(super) struct Lease {
    pub(super) purpose: String,
    pub(super) owner: Option<ProcessIdentity>,
    pub(super) epoch: u64,
    pub(super) heartbeat: Timestamp,
}

impl Entry {
    pub(super) fn head(&self) -> Head {
        Head {
            id: self.record.id,
            state: self.record.state,
            committed: self.record.committed,
            cancel_requested: self.record.cancel_requested,
            owner: self.record.owner.clone(),
            epoch: self.record.epoch,
            heartbeat: self.record.heartbeat,
        }
    }

    pub(super) fn step(&mut self, at: &StepAt) -> Option<&mut StepRecord> {
        self.record
            .steps
            .iter_mut()
            .find(|step| step.position == at.position && step.name == at.name && key(step) == at.key)
    }

    pub(super) fn read(&self) -> OperationRecord {
        let mut record = self.record.clone();
        record.bytes = bytes(&record.steps);
        record
    }

    pub(super) fn listed(&self) -> OperationRecord {
        OperationRecord {
            steps: Vec::new(),
            audit: Vec::new(),
            messages: Vec::new(),
            ..self.read()
        }
    }
}

pub(super) fn key(step: &StepRecord) -> &str {
    step.key.as_deref().unwrap_or_default()
}

/// Marks the steps behind a place, of an item only those of this item, to be run again.
pub(super) fn rewind(steps: &mut [StepRecord], first: u64) {
    for step in steps {
        let same = first < ITEM_PLACES || first / ITEM_PLACES == step.position / ITEM_PLACES;
        if step.position > first && same && step.state != UNDO_FAILED {
            UNDONE.clone_into(&mut step.state);
        }
    }
}

impl Tables {
    pub(super) fn entry(&mut self, id: OperationId) -> Result<&mut Entry, Error> {
        self.operations
            .iter_mut()
            .find(|entry| entry.record.id == id)
            .ok_or_else(|| Error::NotFound(id.to_string()))
    }

    pub(super) fn owned(&mut self, by: &Ownership) -> Result<&mut Entry, Error> {
        let entry = self.entry(by.id)?;
        entry.head().check_owner(by)?;
        Ok(entry)
    }

    /// Records what became of an operation: how it stands now, or that it was left.
    pub(super) fn changed(&mut self, id: OperationId, left: bool) -> Result<(), Error> {
        self.newest_change += 1;
        let number = self.newest_change;
        let record = &self.entry(id)?.record;
        let change = ChangeRecord {
            number,
            operation: id,
            epoch: record.epoch,
            state: if left { State::Interrupted } else { record.state },
            at: record.heartbeat,
        };
        self.changes.push(change);
        Ok(())
    }

    pub(super) fn held(&mut self, holder: &LeaseHolder) -> Result<&mut Lease, Error> {
        self.leases
            .get_mut(&holder.name)
            .filter(|lease| lease.epoch == holder.epoch && lease.owner.as_ref() == Some(&holder.owner))
            .ok_or_else(|| Error::LeaseLost {
                name: holder.name.clone(),
                epoch: holder.epoch,
            })
    }
}

/// Times are kept to the millisecond.
pub(super) fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}
