//! The vault's exclusive writer lease.
#![allow(missing_docs, clippy::todo, unused_variables, reason = "skeleton; to go")]

use ostler_vocabulary::{OperationId, ProcessIdentity};
use serde::{Deserialize, Serialize};

use crate::{Error, Vault};

impl Vault {
    /// Takes the vault's exclusive writer lease, waiting at most `wait`. A holder that is known to be dead on this
    /// machine is replaced at once; another after its beat stood still for the lease's time by our monotonic clock.
    /// `told` is called once when it has to wait, with the holder.
    pub async fn lease(
        &self,
        holder: LeaseHolder,
        wait: std::time::Duration,
        told: &(dyn Fn(&LeaseHolder) + Send + Sync),
    ) -> Result<Lease, Error> {
        todo!()
    }
}

/// Who holds the writer lease, for messages and for telling the dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHolder {
    pub process: ProcessIdentity,
    pub operation: OperationId,
    pub purpose: String,
}

/// The writer lease, kept alive by a task until released or dropped.
#[derive(Debug)]
pub struct Lease {}

impl Lease {
    pub fn epoch(&self) -> u64 {
        todo!()
    }
    /// Asks the store whether the lease is still ours; `ErrorKind::Conflict` when not.
    pub async fn confirm(&self) -> Result<(), Error> {
        todo!()
    }
    pub async fn release(self) -> Result<(), Error> {
        todo!()
    }
}
