//! The command line of Ostler: parses words into typed requests, hands them to a [`ostler_api::Client`], prints what
//! comes back.
//!
//! Who uses it: the binary `ostler` (`main.rs`), the tests, and `cargo xtask docs` (through [`reference`]).
//!
//! The types to know: [`Surroundings`] (everything of the outside world a command sees, so that tests can replace
//! it), [`Backend`] (where clients, vaults and configuration come from) and `Session` (what a verb works with).
//!
//! Invariants: no type of the argument parser leaves the crate; no verb talks to a subsystem, only to a client or
//! backend; whatever ends with another code than 0 says `error: …` on standard error; exit codes are derived from
//! [`ostler_vocabulary::ErrorKind`] in one place ([`Prepared::run`]).
//!
//! What is not here: what operations do, where settings come from, how vaults are stored.

mod arguments;
mod backend;
mod commands;
mod error;
mod foreground;
mod interrupt;
mod operate;
mod output;
mod progress;
pub mod reference;
mod report;
mod session;
mod sheet;
mod start;
mod wiring;

pub use backend::{
    AddVault, ApiRequest, Backend, ClusterInit, ConfigCheck, ConfigShow, Control, InitVault, KeySheet,
    NodeAddress, Options, Ready, RoleName, Running, ServeRequest, Setting, Signal, TickerRequest, Variable,
};
pub use interrupt::Interrupt;
pub use start::{Prepared, Sink, Surroundings, Terminal, prepare, start};
