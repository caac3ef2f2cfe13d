//! `simulate [SEEDS]`: many more histories of writers and collectors in one vault than `test` goes through.

use anyhow::Result;

use crate::{process, workspace};

/// Histories: ten times those of the everyday tests.
const SEEDS: &str = "1000000";

/// Runs the verb. `FROM..TO` goes through these seeds only; one seed is told in full when it goes wrong.
pub fn run(arguments: &[String]) -> Result<()> {
    let seeds = match arguments {
        [] => SEEDS,
        [seeds] => seeds,
        _ => anyhow::bail!("simulate takes one number or range of seeds"),
    };
    let numbers = seeds.split("..").all(|number| number.parse::<u64>().is_ok());
    anyhow::ensure!(numbers, "`{seeds}` is no number or range of seeds");
    let mut tests = workspace::cargo();
    tests
        .args([
            "test",
            "--locked",
            "-p",
            "ostler-vault",
            "--lib",
            "sim::nothing_is_lost",
            "--",
            "--nocapture",
        ])
        .env("OSTLER_TEST_SIMULATION_SEEDS", seeds);
    process::run(&mut tests)
}
