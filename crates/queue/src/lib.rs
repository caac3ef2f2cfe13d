//! PgQ for any PostgreSQL: its schema as SQL, the ticker, consumers.
//!
//! **Who uses it:** `ostler-server`, and applications that consume events.
//!
//! **Invariants:** what PgQ's SQL interface promises, for clients that know nothing of Ostler.
//!
//! **Not here:** operations, configuration, the command line.

pub mod consumer;
pub mod maintenance;
pub mod schema;
pub mod ticker;
pub mod trigger;
