//! Where operations are recorded: the storage contract, and the rules that every implementation shares.

#[cfg(feature = "testing")]
pub mod conformance;
mod memory;
mod row;
mod rules;
mod stored;

use std::fmt;
use std::time::Duration;

use ostler_vocabulary::{ErrorKind, OperationCursor, OperationId, ProcessIdentity, ProgressValue, Timestamp};

pub use memory::MemoryJournal;
pub use stored::{FILE_NAME, SCHEMA_VERSION, StoredJournal};

use crate::error::Error;
use crate::record::{AuditRecord, ChangeRecord, MessageRecord, OperationRecord, State};

/// The largest result of a step, in bytes of JSON. Larger ones are files or vault objects named by digest.
pub const RESULT_LIMIT: usize = 64 * 1024;

/// A new operation.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// Its id.
    pub id: OperationId,
    /// Its kind.
    pub kind: String,
    /// The version of its steps.
    pub version: u32,
    /// What it is about.
    pub subject: String,
    /// What it is to do.
    pub plan: serde_json::Value,
}

/// The right to write to one operation: what `create` and `claim` give, until another claims it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// The operation.
    pub id: OperationId,
    /// By whom.
    pub owner: ProcessIdentity,
    /// The how-manieth owner this is.
    pub epoch: u64,
}

/// How many places the steps of an item have. Place 2 of the item with number 0 is 1,000,002; places below 1,000,000
/// belong to no item.
pub const ITEM_PLACES: u64 = 1_000_000;

/// A step's place and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepAt {
    /// Its place in the sequence, from 0; the steps of an item begin at a multiple of [`ITEM_PLACES`].
    pub position: u64,
    /// Its name.
    pub name: String,
    /// Its key; empty when it has none.
    pub key: String,
}

/// How a step, or its undo, ended.
#[derive(Debug, Clone)]
pub enum StepEnd {
    /// It returned this.
    Done {
        /// JSON of at most [`RESULT_LIMIT`] bytes.
        result: serde_json::Value,
        /// Whether this is the commit.
        commits: bool,
    },
    /// It failed.
    Failed {
        /// Why.
        reasons: Vec<String>,
    },
    /// It was undone.
    Undone,
    /// It was undone, and it and the steps behind it run again; of an item only those of this item.
    Rewound,
    /// Its undo failed.
    UndoFailed {
        /// Why.
        reasons: Vec<String>,
    },
}

/// How an operation ended.
#[derive(Debug, Clone)]
pub struct Ending {
    /// A state that is over.
    pub state: State,
    /// The outcome document.
    pub outcome: Option<serde_json::Value>,
    /// Why it is not a success.
    pub reasons: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What the failure means.
    pub failure: Option<ErrorKind>,
}

/// What others ask of the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// Stop and undo.
    pub cancel: bool,
    /// Stop as it is.
    pub leave: bool,
}

/// A holder of a named lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseHolder {
    /// The lease.
    pub name: String,
    /// By whom.
    pub owner: ProcessIdentity,
    /// Raised with every holder, and never lowered: writes of a lower epoch are refused.
    pub epoch: u64,
}

/// Where operations are recorded.
///
/// Contract, checked by the suite `conformance` (feature `testing`):
/// - *Blocking*: every call may wait for a disk or a lock; async code calls it on a blocking thread.
/// - *Atomic*: every method is one transaction. What returned `Ok` survives a crash of the process and of the
///   machine, except for [`Journal::look`], which may lose its last values. What returned an error changed nothing.
/// - *Concurrent*: any number of threads and processes; calls on one operation happen in some order.
/// - *Fenced*: a method that takes an [`Ownership`] checks owner and epoch in its own transaction, and fails with
///   [`Error::Superseded`] when another has claimed the operation, or when it has ended or was released.
/// - *Repeatable*: finishing the same step twice with the same end is the same as once, as is auditing the same item.
/// - Times are kept to the millisecond.
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Records a new operation, running, with epoch 1. [`Error::Exists`] when there is one of that id, however it stands.
    fn create(&self, new: &NewOperation, owner: &ProcessIdentity, now: Timestamp)
    -> Result<Ownership, Error>;

    /// Takes over an operation that failed, was left, or whose owner is gone: dead, or silent for `silence`.
    /// Otherwise [`Error::OwnedBy`], or [`Error::Over`]. Everything from the first undone step on is marked `undone`,
    /// to be run again, unless it is being cancelled; a step of an item only marks later steps of this item. Steps whose
    /// undo failed are not marked.
    fn claim(
        &self,
        id: OperationId,
        owner: &ProcessIdentity,
        silence: Duration,
        now: Timestamp,
    ) -> Result<Ownership, Error>;

    /// Records that a step begins, replacing an undone one at its place; returns its attempts including this one.
    fn begin_step(&self, by: &Ownership, step: &StepAt, undoable: bool, now: Timestamp)
    -> Result<u32, Error>;

    /// Records how a step or its undo ended. The commit fails with [`Error::Cancelled`] when a cancel was asked for.
    fn end_step(
        &self,
        by: &Ownership,
        step: &StepAt,
        end: &StepEnd,
        progress: Option<ProgressValue>,
        now: Timestamp,
    ) -> Result<(), Error>;

    /// Records that something is about to be destroyed; a second entry of the same action and item is dropped.
    fn audit(&self, by: &Ownership, entry: &AuditRecord) -> Result<(), Error>;

    /// Records what the operation has to say to whoever watches, now or later; the same text twice is dropped.
    fn say(&self, by: &Ownership, messages: &[MessageRecord]) -> Result<(), Error>;

    /// Reads what others ask; records progress, and with `worked_ms` (time since the last call that had it) a
    /// heartbeat. Without either it only reads.
    fn look(
        &self,
        by: &Ownership,
        progress: &[(StepAt, ProgressValue)],
        worked_ms: Option<u64>,
        now: Timestamp,
    ) -> Result<Requests, Error>;

    /// Records the end, and that nobody owns it any more.
    fn end(&self, by: &Ownership, ending: &Ending, worked_ms: u64, now: Timestamp) -> Result<(), Error>;

    /// Gives the operation up as it is, to be resumed.
    fn release(&self, by: &Ownership, worked_ms: u64, now: Timestamp) -> Result<(), Error>;

    /// Asks the owner to stop: with `leave` as it is, else to undo. [`Error::Over`] when it has ended, unless it failed and
    /// a step's undo failed: a cancel then tries the undo again. [`Error::Committed`] for a cancel after the commit.
    fn request(&self, id: OperationId, leave: bool) -> Result<(), Error>;

    /// One operation as recorded, with steps and audit.
    fn get(&self, id: OperationId) -> Result<OperationRecord, Error>;

    /// Ids whose text begins with this, at most `limit`.
    fn find(&self, prefix: &str, limit: usize) -> Result<Vec<OperationId>, Error>;

    /// At most `limit` operations, newest first, without their steps, audit and messages: those that were begun before `after`,
    /// where it is given; where that one is gone, those that were started before it was.
    fn list(&self, limit: usize, after: Option<&OperationCursor>) -> Result<Vec<OperationRecord>, Error>;

    /// Changes of state with a higher number, the oldest first, at most `limit`: that it was begun, taken on, asked to
    /// stop, left, and how it ended; each recorded in the transaction that made it. Numbers rise in the order in which
    /// the transactions ended, so that whoever reads on from the last one misses none. They go with their operation.
    fn changes(&self, after: u64, limit: usize) -> Result<Vec<ChangeRecord>, Error>;

    /// The number of the newest change there ever was; 0 when there was none.
    fn newest_change(&self) -> Result<u64, Error>;

    /// Removes operations that ended before `before` and cannot be resumed, or that failed before it; the newest
    /// `minimum` of all operations stay. Where hundreds that began earlier have to stay, what ended before may stay until these
    /// go. Returns how many went.
    fn prune(&self, before: Timestamp, minimum: usize) -> Result<usize, Error>;

    /// Takes a named lease: free, released, or of a holder that is gone (dead, or silent for `silence`). Otherwise
    /// [`Error::LeaseHeld`]. The epoch is one above the last holder's.
    fn acquire(
        &self,
        name: &str,
        purpose: &str,
        owner: &ProcessIdentity,
        silence: Duration,
        now: Timestamp,
    ) -> Result<LeaseHolder, Error>;

    /// Checks that the lease is still held, and records that its holder is alive; else [`Error::LeaseLost`].
    fn confirm(&self, holder: &LeaseHolder, now: Timestamp) -> Result<(), Error>;

    /// Gives the lease up. One that is already lost is [`Error::LeaseLost`].
    fn surrender(&self, holder: &LeaseHolder) -> Result<(), Error>;

    /// A time of this machine's clock by the one that heartbeats are recorded by: another one where machines share it.
    fn time(&self, here: Timestamp) -> Timestamp {
        here
    }
}

pub(crate) use rules::is_gone;
