//! Where Ostler keeps its own state: SQLite files on one machine, or a PostgreSQL database that several servers share.
//!
//! Who uses it: the stores of state – journal, timetable, outbox, audit log, record of metrics, access. Each has its SQL and its
//! rows; opening, migrating, transactions and their troubles are here, once.
//!
//! The types to know: [`Place`] (where the state is), [`Kind`] (one store's name and schema), [`Database`] (a store, open) and
//! [`Transaction`] (what its statements run in).
//!
//! Invariants, in full in `docs/design/shared-state.md`:
//! - What [`Database::write`] returned `Ok` for is on disk; what it returned an error for changed nothing, also where the
//!   answer to a COMMIT was lost: the server is asked what became of it.
//! - Writes of one store happen one after the other, over all processes and servers; numbers rise in that order.
//! - A password is in no message.
//!
//! What is not here: what is stored, and who may write it: owners, epochs and leases are the stores'.

pub mod conformance;
mod database;
mod error;
mod kind;
mod place;
mod postgres;
mod row;
mod sqlite;
mod transaction;
mod value;

pub use database::Database;
pub use error::{Error, Fault, NoSpace};
pub use kind::Kind;
pub use place::Place;
pub use postgres::Server;
pub use row::{FromCell, Row};
pub use transaction::Transaction;
pub use value::{ToValue, Value};
