//! `queue-model`: the model test of the queue, with many more rounds than `test` makes.

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// Rounds on each release of PostgreSQL.
const ROUNDS: u64 = 2_000;

/// Runs the verb: `[ROUNDS] [--minutes N] [--seed N]`. With minutes, as many rounds as are begun within them.
pub fn run(arguments: &[String]) -> Result<()> {
    let number =
        |text: &str| -> Result<u64> { text.parse().with_context(|| format!("`{text}` is no number")) };
    let (mut rounds, mut minutes, mut seed) = (None, None, None);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let option = match word.as_str() {
            "--minutes" => &mut minutes,
            "--seed" => &mut seed,
            rest if rest.starts_with('-') => bail!("queue-model: unknown option {rest}"),
            _ => {
                rounds = Some(number(word)?);
                continue;
            }
        };
        *option = Some(number(
            words.next().with_context(|| format!("{word} wants a number"))?,
        )?);
    }
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
        ])
        .args(["--", "--nocapture"])
        .env("OSTLER_REQUIRE", "postgres-13,postgres-15,postgres-18");
    match (rounds, minutes) {
        (Some(_), Some(_)) => bail!("queue-model takes a number of rounds, or --minutes"),
        (None, Some(minutes)) => tests.env("OSTLER_TEST_QUEUE_MINUTES", minutes.to_string()),
        (rounds, None) => tests.env(
            "OSTLER_TEST_QUEUE_ROUNDS",
            rounds
                .unwrap_or(if seed.is_some() { 1 } else { ROUNDS })
                .to_string(),
        ),
    };
    if let Some(seed) = seed {
        tests.env("OSTLER_TEST_SEED", seed.to_string());
    }
    process::run(&mut tests)
}
