//! Schedules: when something is due and why, and the durable record of what became of it.
//!
//! Who uses it: `server` runs what is due and answers calls about schedules.
//!
//! The types to know: [`Rule`] (a checked definition that says when it is due), [`decide`] (what is to be done now: a pure
//! function of rule, facts and clock that says why) and [`Timetable`] (where schedules and their runs are recorded, in
//! SQLite and in memory).
//!
//! Invariants:
//! - Nothing here reads a clock. A moment is decided on once: what is due is recorded, or recorded as missed, in the
//!   transaction that moves the schedule past it. A clock that goes back makes nothing due twice; a clock that was ahead
//!   makes nothing missed that is still to come.
//! - A local time that the clocks leave out runs once, right after the gap; one that they show twice runs once.
//! - A run is recorded with the id of its operation before that operation starts.
//!
//! What is not here: operations, and the process that begins them (`server`).

mod calendar;
mod cron;
mod decision;
mod error;
mod rule;
mod secret;
pub mod timetable;

pub use cron::Cron;
pub use decision::{Decision, Due, Facts, Passed, Running, Verdict, decide, overdue};
pub use error::Error;
pub use rule::{NEVER_LATE, Rule, check_name};
pub use secret::carries_secret;
pub use timetable::{MemoryTimetable, StoredTimetable, Timetable};
