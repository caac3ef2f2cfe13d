//! `faults [MINUTES]`: the tests of faults that need real time, beside those that `test` runs in seconds.

use anyhow::Result;

use crate::{number, process, servers, workspace};

/// How long checks run beside everything that changes a vault.
const MINUTES: u64 = 60;

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let minutes = number::given(arguments, "faults", "minutes", MINUTES)?;
    servers::get()?;
    let mut tests = workspace::cargo();
    tests
        .args([
            "test",
            "--locked",
            "-p",
            "ostler",
            "--test",
            "it",
            "slow_faults::",
        ])
        .args(["--", "--include-ignored", "--test-threads", "1"])
        .env("OSTLER_TEST_FAULTS_SECONDS", (minutes * 60).to_string())
        .env("OSTLER_REQUIRE", servers::EVERYDAY);
    process::run(&mut tests)
}
