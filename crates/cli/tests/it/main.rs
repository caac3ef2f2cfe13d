//! Tests of the command line.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test too")]

mod bad_input;
mod errors;
mod fake;
mod interrupts;
mod progress;
mod reference;
mod requests;
mod run;
mod verbs;
