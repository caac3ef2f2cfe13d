//! Durable operations: plan, steps, journal, ownership, history, audit.
//!
//! Anything that takes time, can fail or changes the world is an operation: an ordinary async function over an
//! [`Operation`], readable from top to bottom, whose steps are journaled, so that it goes on after `kill -9`.
//!
//! Who uses it: `backup` writes operations; `server` starts, resumes, shows and stops them.
//!
//! The types to know: [`Engine`] (starts, resumes, stops, shows), [`Operation`] (what a run function works with) and
//! [`Journal`] (the storage contract, in a database of the state and in memory).
//!
//! Invariants, in full in `docs/design/operations.md`:
//! - A step whose end was recorded never runs again; one whose end was not may run twice.
//! - Only the owner of the newest epoch writes: checked in the transaction of every write.
//! - A resumed run that comes to another step than the journal has stops as `Conflict`; nothing is guessed or undone.
//! - What was done before the commit is undone when the operation fails or is cancelled; after it, nothing is.
//!
//! For crash tests only, `OSTLER_TEST_KILL=<before|after>:<step>[:n]` makes the process kill itself at a step.
//!
//! What is not here: what operations do, and how they are shown.

mod digest;
mod engine;
mod error;
mod fan_out;
pub mod journal;
pub mod kill;
mod lease;
mod operation;
mod record;
mod run;
mod step;
#[cfg(feature = "testing")]
pub mod testing;
mod watch;

pub use digest::plan_digest;
pub use engine::{Engine, Settings};
pub use error::Error;
pub use fan_out::Policy;
pub use journal::{Journal, MemoryJournal, StoredJournal};
pub use lease::Lease;
pub use operation::Operation;
pub use record::{
    AuditRecord, ChangeRecord, Event, Finished, MessageRecord, OperationRecord, Spec, State, StepRecord,
};
pub use run::UndoEnd;
pub use step::{Step, StepBuilder};
