//! Tests of the command line.

mod bad_input;
mod errors;
mod fake;
mod interrupts;
mod progress;
mod reference;
mod requests;
mod run;
mod verbs;
