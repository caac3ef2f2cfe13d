//! Tests of the command line.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test too")]

mod bad_input;
mod crash;
mod damage;
mod docs_start;
mod end_to_end;
mod errors;
mod fake;
mod interrupts;
mod journey;
mod opening;
mod progress;
mod queue;
mod queue_consume;
mod reader;
mod reference;
mod refusals;
mod requests;
mod run;
mod samples;
mod traffic;
mod verbs;
mod weather;
