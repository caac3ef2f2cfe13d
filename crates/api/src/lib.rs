//! What is said between the parts of Ostler: requests, plans, reports, and the two traits they travel through.
//!
//! Who uses it: `cli` (talks to a [`Client`]), `server` (is one), `backup` (talks to [`Node`]s), `agent` (is one).
//!
//! The types to know: [`Request`] (what somebody wants), [`Plan`] (what would be done, with its digest) and the
//! documents in [`document`] (what `--output json` prints).
//!
//! Invariants: everything here can be serialised, is versioned by [`SCHEMA_VERSION`], and holds no secret.
//! What is not here: behaviour, but for the suites in [`conformance`] that every [`Client`] and every [`Node`] passes.

pub mod audit;
pub mod client;
pub mod conformance;
pub mod document;
pub mod keys;
mod load;
pub mod metrics;
mod mirror;
pub mod node;
mod part;
pub mod queue;
pub mod reach;
mod repair;
pub mod request;
mod restore;
pub mod retention;
pub mod schedule;
pub mod tables;
pub mod vault;
pub mod webhook;

pub use client::{Client, Event};
pub use node::Node;
pub use request::{Plan, Request};

/// The version of the JSON documents. Fields are added without changing it; it changes when one goes or changes
/// its meaning.
pub const SCHEMA_VERSION: u32 = 1;
