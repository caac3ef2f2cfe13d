//! Tests of the command line.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test too")]

mod bad_input;
mod bad_weather;
mod cluster;
mod cluster_crash;
mod crash;
mod crash_keys;
mod crash_vaults;
mod damage;
mod dashboard;
mod docs_start;
mod end_to_end;
mod errors;
mod fake;
mod interrupts;
mod journey;
mod keys;
mod materialize;
mod opening;
mod progress;
mod queue;
mod queue_consume;
mod queue_crash;
mod queue_load;
mod queue_top;
mod reader;
mod reference;
mod refusals;
mod remote;
mod requests;
mod resume;
mod retention;
mod retention_ahead;
mod retention_archive;
mod retention_busy;
mod retention_columns;
mod rollup;
mod run;
mod samples;
mod schedule;
mod served;
mod traffic;
mod verbs;
