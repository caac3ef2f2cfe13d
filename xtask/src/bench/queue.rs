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

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use place::Place;

/// One number for each contender in each round, in µs or per second.
pub struct Row {
    scenario: String,
    unit: &'static str,
    contender: String,
    /// What it is compared with: the extension's own number.
    peer: Vec<f64>,
    values: Vec<f64>,
}

/// Collects rows over the rounds.
#[derive(Default)]
pub struct Rows(Vec<Row>);

impl Rows {
    /// Adds one round of one contender, with the extension's number of the same round.
    pub fn add(&mut self, scenario: &str, unit: &'static str, contender: &str, peer: f64, value: f64) {
        eprintln!("{scenario}: {contender} {value:.2} {unit}");
        let known = self
            .0
            .iter_mut()
            .find(|row| row.scenario == scenario && row.unit == unit && row.contender == contender);
        match known {
            Some(row) => {
                row.peer.push(peer);
                row.values.push(value);
            }
            None => self.0.push(Row {
                scenario: scenario.to_owned(),
                unit,
                contender: contender.to_owned(),
                peer: vec![peer],
                values: vec![value],
            }),
        }
    }
}

impl Row {
    /// Median of the ratios of the rounds.
    fn ratio(&self) -> f64 {
        median(
            self.values
                .iter()
                .zip(&self.peer)
                .map(|(value, peer)| value / peer)
                .collect(),
        )
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

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
        println!("{}", document(&rows));
    } else {
        print!("{}", markdown(&rows));
    }
    Ok(())
}

fn markdown(rows: &Rows) -> String {
    let mut text = format!(
        "{}\n\n| scenario | contender | median | of C |\n|---|---|---:|---:|\n",
        super::machine()
    );
    for row in &rows.0 {
        let (middle, ratio) = (median(row.values.clone()), row.ratio());
        let of_c = if ratio.is_nan() {
            String::new()
        } else {
            format!("{ratio:.2}")
        };
        let _ = writeln!(
            text,
            "| {} | {} | {middle:.1} {} | {of_c} |",
            row.scenario, row.contender, row.unit
        );
    }
    text
}

fn document(rows: &Rows) -> Value {
    let results: Vec<Value> = rows
        .0
        .iter()
        .map(|row| {
            json!({"scenario": row.scenario, "contender": row.contender, "unit": row.unit,
                "values": row.values, "peer": row.peer, "of_c": row.ratio()})
        })
        .collect();
    json!({"machine": super::machine(), "results": results})
}
