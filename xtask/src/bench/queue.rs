//! `bench queue`: PgQ's functions and triggers of ours beside the extension in C, in one server, in turn. The recipe and
//! the results are in `benches/README.md`.

mod consuming;
mod held;
mod idle;
mod inserting;
mod latency;
mod memory;
mod place;
mod triggers;

use anyhow::{Context, Result, bail};

use super::compared::Rows;
use place::Place;

/// How much of everything.
pub struct Size {
    rounds: usize,
    rows: u64,
    seconds: u64,
    /// Events for latency.
    lone: usize,
    /// Databases of an idle ticker.
    databases: usize,
    /// Seconds that it is watched.
    idle: u64,
    /// Seconds that a transaction is held open while queues work.
    held: u64,
    /// Events of the one batch of which the memory is measured.
    events: u64,
}

/// What is measured. What lasts long is measured in the first round only.
const SETS: [&str; 7] = [
    "insert", "trigger", "consume", "latency", "idle", "held", "memory",
];
const ONCE: [&str; 3] = ["idle", "held", "memory"];

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let mut size = Size {
        rounds: 3,
        rows: 20_000,
        seconds: 3,
        lone: 150,
        databases: 100,
        idle: 120,
        held: 180,
        events: 5_000_000,
    };
    let mut wanted = Vec::new();
    let mut as_json = false;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--json" {
            as_json = true;
            continue;
        }
        let value = words.next().with_context(|| format!("{word} wants a value"))?;
        match word.as_str() {
            "--rounds" => size.rounds = value.parse().context("--rounds")?,
            "--rows" => size.rows = value.parse().context("--rows")?,
            "--seconds" => size.seconds = value.parse().context("--seconds")?,
            "--lone" => size.lone = value.parse().context("--lone")?,
            "--idle" => size.idle = value.parse().context("--idle")?,
            "--databases" => size.databases = value.parse().context("--databases")?,
            "--held" => size.held = value.parse().context("--held")?,
            "--events" => size.events = value.parse().context("--events")?,
            "--set" => wanted.extend(value.split(',')),
            other => bail!("bench queue: unknown option {other}"),
        }
    }
    if let Some(unknown) = wanted.iter().find(|set| !SETS.contains(set)) {
        bail!(
            "there is no set `{unknown}`: --set is one or more of {}",
            SETS.join(", ")
        );
    }
    if size.rounds == 0 {
        bail!("nothing to measure: --rounds is at least 1");
    }
    let sets = SETS
        .into_iter()
        .filter(|set| wanted.is_empty() || wanted.contains(set));
    let sets: Vec<&str> = sets.collect();
    let place = Place::start()?;
    let mut rows = Rows::default();
    for round in 0..size.rounds {
        for set in &sets {
            if round > 0 && ONCE.contains(set) {
                continue;
            }
            match *set {
                "insert" => inserting::round(&place, &size, round, &mut rows)?,
                "trigger" => triggers::round(&place, &size, &mut rows)?,
                "latency" => latency::round(&place, &size, &mut rows)?,
                "idle" => idle::round(&place, &size, &mut rows)?,
                "held" => held::round(&place, &size, &mut rows)?,
                "memory" => memory::round(&place, &size, &mut rows)?,
                _ => consuming::round(&place, &size, &mut rows)?,
            }
        }
    }
    if as_json {
        println!("{}", rows.document());
    } else {
        print!("{}", rows.markdown("C"));
    }
    Ok(())
}
