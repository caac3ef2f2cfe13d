//! The CrateDB toolbox: addresses, statements over HTTP, errors by their codes, quoting.
//!
//! **Who uses it:** `ostler-retention`, and whatever else talks to CrateDB.
//!
//! **The types to know:** [`Address`] (what somebody wrote), [`Target`] (what that means here, with the environment), [`Client`]
//! (statements to one of several hosts), [`Answer`] and [`Error`].
//!
//! **Invariants:** every error names the host and the head of the statement; a password is in no message; a statement is sent to
//! another host only when the first one certainly did not get it.
//!
//! **Not here:** what a policy is, and CrateDB's other door, that of PostgreSQL's protocol.

mod address;
mod answer;
mod client;
mod code;
mod error;
pub mod quote;
mod target;
mod tls;

pub use address::Address;
pub use answer::{Answer, Outcome};
pub use client::Client;
pub use error::{Error, Fault};
pub use target::{Host, Target, TlsMode};
