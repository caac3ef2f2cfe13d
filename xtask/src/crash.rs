//! `crash [RUNS]`: the tests that kill the real binary, with many more kills at random moments than `test` makes.

use anyhow::Result;

use crate::{number, process, servers, workspace};

/// Kills at random moments of each operation, beside one before and one after each step.
const RUNS: u64 = 100;

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let runs = number::given(arguments, "crash", "runs", RUNS)?;
    servers::get()?;
    let mut tests = workspace::cargo();
    tests
        .args(["test", "--locked", "-p", "ostler", "--test", "it", "crash::"])
        .env("OSTLER_TEST_CRASH_RUNS", runs.to_string())
        .env("OSTLER_REQUIRE", servers::EVERYDAY);
    process::run(&mut tests)
}
