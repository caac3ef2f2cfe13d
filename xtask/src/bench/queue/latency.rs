//! How long after its commit an event is in a consumer's hands.
//!
//! Lone events, at random distances, with the ticker of each contender as it is installed. The consumer asks for a batch every two
//! milliseconds, so that only the ticker is measured; the server's clock tells both times.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ostler_testkit::random::Random;

use super::Size;
use super::place::{OURS, Place, THEIRS};
use crate::bench::compared::Rows;

const ASK: Duration = Duration::from_millis(2);
/// The longest pause between two events.
const APART: u64 = 600;

pub fn round(place: &Place, size: &Size, rows: &mut Rows) -> Result<()> {
    let scenario = "latency of a lone event";
    let peer = lone(place, THEIRS, size.lone)?;
    let theirs = [percentile(&peer, 50), percentile(&peer, 99)];
    rows.add(
        &format!("{scenario}, median"),
        "ms",
        "C, pgqd",
        theirs[0],
        theirs[0],
    );
    rows.add(&format!("{scenario}, p99"), "ms", "C, pgqd", theirs[1], theirs[1]);
    for (wakeup, contender) in [("true", "ostler"), ("false", "ostler, wake-ups off")] {
        place.server.try_sql(
            OURS,
            &format!("select pgq.set_queue_config('q', 'wakeup', '{wakeup}')"),
        )?;
        let ours = lone(place, OURS, size.lone)?;
        for (n, of) in [(0, 50), (1, 99)] {
            let name = if of == 50 { "median" } else { "p99" };
            rows.add(
                &format!("{scenario}, {name}"),
                "ms",
                contender,
                theirs[n],
                percentile(&ours, of),
            );
        }
    }
    place
        .server
        .try_sql(OURS, "select pgq.set_queue_config('q', 'wakeup', 'true')")?;
    Ok(())
}

/// Milliseconds from the insert to the consumer, of each event.
fn lone(place: &Place, database: &str, events: usize) -> Result<Vec<f64>> {
    let ticker = place.ticker(database == OURS, &[database.to_owned()])?;
    let mut producer = place.session(database)?;
    let mut consumer = place.session(database)?;
    consumer.run("select pgq.register_consumer('q', 'latency')")?;
    let mut random = Random::new(3);
    let mut took = Vec::new();
    let mut sent = 0;
    let mut next = Instant::now() + Duration::from_millis(500);
    while took.len() < events {
        if sent < events && Instant::now() >= next {
            producer
                .run("select pgq.insert_event('q', 'lone', extract(epoch from clock_timestamp())::text)")?;
            sent += 1;
            next = Instant::now() + Duration::from_millis(20 + random.below(APART));
        }
        let batch = consumer.run("select pgq.next_batch('q', 'latency')")?;
        let Some(batch) = batch.into_iter().flatten().flatten().next() else {
            std::thread::sleep(ASK);
            continue;
        };
        let ages = consumer.run(&format!(
            "select extract(epoch from clock_timestamp()) * 1000 - ev_data::numeric * 1000 from pgq.get_batch_events({batch}) where ev_type = 'lone'"
        ))?;
        for age in ages.into_iter().flatten().flatten() {
            took.push(age.parse().context("an age")?);
        }
        consumer.run(&format!("select pgq.finish_batch({batch})"))?;
    }
    consumer.run("select pgq.unregister_consumer('q', 'latency')")?;
    drop(ticker);
    took.sort_by(f64::total_cmp);
    Ok(took)
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(f64::NAN)
}
