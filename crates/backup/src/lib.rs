//! Backup, restore and their proofs, as durable operations over a vault and the agents beside the data.
//!
//! Who uses it: `server`, which wires vault, engine and agents together and dispatches requests.
//!
//! The types to know: [`Context`] (what an operation works with), [`Backup`](state::Backup) (what the catalogue
//! knows of one) and [`Error`]. Each operation is a module with `plan`, which is read-only, and `run`, which takes
//! the plan and nothing else: [`create`], [`restore`], [`verify`], [`drill`], [`prune`], [`check`],
//! [`mirror`], [`repair`] and [`keys`].
//!
//! What is particular about a database is said by a [`Driver`](driver::Driver); the crate `drivers` has them.
//!
//! Invariants: a commit record is written only after everything it needs was found in the store; a backup is damaged
//! by evidence only; what is deleted was in the approved plan and still is what it was then; every step may run twice.
//! The decisions themselves ([`keep`], [`select`], [`state`]) are pure. What is not here: reading and writing
//! files (`agent`), the vault's format (`vault`), the journal (`operations`).

pub mod check;
pub mod cluster;
mod context;
pub mod create;
pub mod demand;
pub mod digest;
pub mod drill;
pub mod driver;
mod error;
pub mod evidence;
mod future;
pub mod keep;
pub mod keys;
pub mod mirror;
pub mod problems;
pub mod prune;
pub mod repair;
pub mod restore;
pub mod rotation;
#[cfg(test)]
mod sample;
pub mod select;
pub mod state;
#[cfg(feature = "testing")]
pub mod testing;
pub mod verify;

pub use context::Context;
pub use error::Error;
