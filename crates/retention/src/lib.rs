//! Retention: table data aged by policy.
//!
//! **Who uses it:** `server`, which finds the database and runs plans as operations.
//!
//! **The types to know:** [`Policy`](ostler_api::retention::Policy) (what is kept for how long), [`facts::Table`] (what the
//! catalogue says), [`strategy::decide`] (the pure function from both and a threshold to what goes, with reasons) and
//! [`Database`] (what a database system has to do; PostgreSQL in [`postgres`], CrateDB in [`cratedb`]).
//!
//! **Invariants:** a row younger than the threshold never goes by the rule `end`; what was approved can shrink and never
//! grow; nothing is counted as removed that the server did not say is gone; every name in a statement is quoted by
//! the `quote` of its toolbox.
//!
//! **Not here:** which database is meant, and words and tables of the command line.

pub mod archive;
mod book;
mod bounds;
mod class;
pub mod column;
pub mod cratedb;
pub mod cutoff;
mod database;
mod definition;
mod erasure;
mod error;
pub mod facts;
mod fault;
mod floor;
mod item;
pub mod leftover;
mod materialized;
pub mod obstacle;
mod passes;
mod plan;
pub mod postgres;
mod query;
mod removal;
pub mod rollup;
mod run;
mod statement;
pub mod strategy;
pub mod tables;
mod template;
pub mod undo;
mod work;

pub use book::answer;
pub use class::{Class, ClassKey};
pub use database::{Database, Measured};
pub use error::Error;
pub use work::{kind_of, plan_of, run_plan};
