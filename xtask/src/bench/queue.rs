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

use anyhow::Result;

use super::compared::Rows;
use super::given::Given;
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
    let mut sets = SETS.to_vec();
    let mut as_json = false;
    for given in Given::all("queue", arguments)? {
        match given.name {
            "--json" => as_json = true,
            "--rounds" => size.rounds = given.rounds()?,
            "--rows" => size.rows = given.number()?,
            "--seconds" => size.seconds = given.number()?,
            "--lone" => size.lone = given.number()?,
            "--idle" => size.idle = given.number()?,
            "--databases" => size.databases = given.number()?,
            "--held" => size.held = given.number()?,
            "--events" => size.events = given.number()?,
            "--set" => sets = given.sets(&SETS)?,
            _ => given.unknown()?,
        }
    }
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
