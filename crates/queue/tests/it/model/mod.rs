//! The model test: random histories against an oracle.
//!
//! `OSTLER_TEST_QUEUE_ROUNDS` is the number of rounds, or `OSTLER_TEST_QUEUE_MINUTES` how long to go on; `OSTLER_TEST_SEED` is the
//! first seed, and every next round has the next one. A failure prints its seed and what happened. `cargo xtask queue-model`
//! runs thousands.

mod oracle;
mod planted;
mod round;
mod storm;

use std::time::{Duration, Instant};

use ostler_testkit::install::postgres::Release;

use crate::place::Place;
use round::{Crew, Tally};

/// How long an everyday test may look for faults.
const EVERYDAY: Duration = Duration::from_secs(4);
/// Rounds that a search has at least, however slow the machine is. In fewer perhaps no table is rotated.
const LEAST: u64 = 3;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs rounds until the time is over, or as many as were asked for.
#[expect(clippy::print_stderr, reason = "a long search tells how far it is")]
async fn search(place: &Place) -> Result<(u64, Tally), String> {
    let crew = Crew::new(place).await;
    let start = Instant::now();
    let first = number("OSTLER_TEST_SEED").unwrap_or_else(|| {
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        clock.map_or(0, |time| time.as_micros() as u64 % 1_000_000_000)
    });
    let rounds = number("OSTLER_TEST_QUEUE_ROUNDS");
    let time =
        number("OSTLER_TEST_QUEUE_MINUTES").map_or(EVERYDAY, |minutes| Duration::from_secs(60 * minutes));
    let mut total = Tally::default();
    let (mut round, mut told) = (0, start);
    while rounds.map_or_else(
        || start.elapsed() < time || round < LEAST,
        |rounds| round < rounds,
    ) {
        let seed = first + round;
        let done = round::run(place, &crew, seed).await;
        total += done.map_err(|what| format!("{what}\nagain: cargo xtask queue-model --seed {seed}"))?;
        round += 1;
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            eprintln!(
                "{:?}: {round} rounds, seeds {first} to {seed}",
                place.server.release()
            );
        }
    }
    Ok((round, total))
}

#[expect(clippy::print_stderr, reason = "how much was tried is worth knowing")]
async fn holds(place: Option<Place>) {
    let Some(place) = place else {
        return;
    };
    match search(&place).await {
        Ok((rounds, tally)) => {
            eprintln!("{rounds} rounds: {tally:?}");
            let all = tally.events > 0 && tally.batches > 0 && tally.rotations > 0;
            assert!(all || rounds < LEAST, "{tally:?}");
        }
        Err(what) => panic!("{what}"),
    }
}

#[tokio::test]
async fn every_event_comes_once_and_in_order_on_13() {
    holds(Place::new(Release::Thirteen)).await;
}

#[tokio::test]
async fn every_event_comes_once_and_in_order_on_15() {
    holds(Place::new(Release::Fifteen)).await;
}

#[tokio::test]
async fn every_event_comes_once_and_in_order_on_18() {
    holds(Place::new(Release::Eighteen)).await;
}
