//! The PostgreSQL toolbox: connection strings, connecting with TLS, quoting, COPY.
//!
//! **Who uses it:** `ostler-queue`, `ostler-operations`, and whatever else talks to a PostgreSQL server.
//!
//! **The types to know:** [`Dsn`] (what somebody wrote), [`Target`] (what that means here: with environment, defaults
//! and password file), [`Connection`] (a session that names itself in its errors) and [`Error`].
//!
//! **Invariants:** every error names the connection and the head of the statement; a password is in no message; a
//! statement sent by [`Connection::query`] works behind a transaction pooler.
//!
//! **Not here:** what a queue, a policy or a replica is.

mod connection;
pub mod copy;
mod dsn;
mod error;
mod open_transaction;
mod passfile;
mod pooling;
pub mod quote;
mod sqlstate;
mod target;
mod tls;
mod transaction;

pub use connection::{Connection, Notification, Options};
pub use dsn::Dsn;
pub use error::{Error, Fault};
pub use open_transaction::OpenTransaction;
pub use target::{Endpoint, Target};
pub use tls::TlsMode;
pub use transaction::Transaction;

pub use tokio_postgres::Row;
pub use tokio_postgres::types::{FromSql, ToSql, Type};

/// A parameter of a statement with its type, so that nothing has to be prepared.
pub type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);
