//! `queue-model [ROUNDS]`: the model test of the queue, with many more rounds than `test` makes.

use anyhow::{Context, Result};

use crate::{process, workspace};

/// Rounds on each release of PostgreSQL.
const ROUNDS: u64 = 2_000;

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let rounds: u64 = match arguments {
        [] => ROUNDS,
        [rounds] => rounds
            .parse()
            .with_context(|| format!("`{rounds}` is no number of rounds"))?,
        _ => anyhow::bail!("queue-model takes one number"),
    };
    let mut tests = workspace::cargo();
    tests
        .args([
            "test",
            "--locked",
            "-p",
            "ostler-queue",
            "--test",
            "it",
            "model::every",
            "--",
            "--nocapture",
        ])
        .env("OSTLER_TEST_QUEUE_ROUNDS", rounds.to_string())
        .env("OSTLER_REQUIRE", "postgres-13,postgres-15,postgres-18");
    process::run(&mut tests)
}
