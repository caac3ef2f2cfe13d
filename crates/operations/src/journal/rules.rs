//! What may happen to an operation: pure rules that every journal applies inside its transaction.

use std::time::Duration;

use ostler_vocabulary::{OperationId, ProcessIdentity, Timestamp};

use crate::error::Error;
use crate::record::State;

pub(crate) const RUNNING: &str = "running";
pub(crate) const DONE: &str = "done";
pub(crate) const FAILED: &str = "failed";
pub(crate) const UNDONE: &str = "undone";
pub(crate) const UNDO_FAILED: &str = "undo_failed";

/// The part of an operation's row that decides what may happen to it.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) id: OperationId,
    pub(crate) state: State,
    pub(crate) committed: bool,
    pub(crate) cancel_requested: bool,
    pub(crate) owner: Option<ProcessIdentity>,
    pub(crate) epoch: u64,
    pub(crate) heartbeat: Timestamp,
}

impl Head {
    pub(crate) fn check_claim(&self, silence: Duration, now: Timestamp) -> Result<(), Error> {
        match self.state {
            State::Running | State::Cancelling | State::Interrupted => match &self.owner {
                Some(owner) if !is_gone(owner, self.heartbeat, silence, now) => Err(Error::OwnedBy {
                    id: self.id,
                    owner: owner.clone(),
                }),
                _ => Ok(()),
            },
            State::Failed => Ok(()),
            State::Cancelled | State::Partial | State::Succeeded => Err(self.over()),
        }
    }

    pub(crate) fn check_owner(&self, by: &super::Ownership) -> Result<(), Error> {
        if self.state.is_over() || self.epoch != by.epoch || self.owner.as_ref() != Some(&by.owner) {
            return Err(Error::Superseded {
                id: self.id,
                epoch: by.epoch,
            });
        }
        Ok(())
    }

    /// `stuck`: the undo of a step has failed.
    pub(crate) fn check_request(&self, leave: bool, stuck: bool) -> Result<(), Error> {
        let tries_undo_again = self.state == State::Failed && stuck && !leave;
        if self.state.is_over() && !tries_undo_again {
            return Err(self.over());
        }
        if self.committed && !leave {
            return Err(Error::Committed { id: self.id });
        }
        Ok(())
    }

    /// The state that a new owner works in.
    pub(crate) fn claimed_state(&self) -> State {
        if self.cancel_requested {
            State::Cancelling
        } else {
            State::Running
        }
    }

    fn over(&self) -> Error {
        Error::Over {
            id: self.id,
            state: self.state.as_str(),
        }
    }
}

/// Whether an owner is known to be dead, or has been silent for too long.
pub(crate) fn is_gone(
    owner: &ProcessIdentity,
    heartbeat: Timestamp,
    silence: Duration,
    now: Timestamp,
) -> bool {
    let silent = now.duration_since(heartbeat);
    owner.is_dead() || (silent.is_positive() && silent.unsigned_abs() > silence)
}
