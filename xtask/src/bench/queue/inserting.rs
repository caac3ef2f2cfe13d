//! insert_event: the cost of a call, and calls per second of one and of eight connections.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::Size;
use super::place::{OURS, Place, THEIRS};
use crate::bench::compared::Rows;
use crate::process;

const CALL: &str = "pgq.insert_event('q', 'type', repeat('x', 100))";

pub fn round(place: &Place, size: &Size, round: usize, rows: &mut Rows) -> Result<()> {
    let statement = format!("select count({CALL}) from generate_series(1, {})", size.rows);
    let scenario = "insert_event, CPU of a call";
    let cost = |database: &str| -> Result<f64> {
        let mut session = place.session(database)?;
        session.run(&format!("select {CALL}"))?;
        Ok(session.cpu(&statement)? / size.rows as f64 * 1e6)
    };
    let peer = cost(THEIRS)?;
    rows.add(scenario, "µs", "C", peer, peer);
    rows.add(scenario, "µs", "ostler", peer, cost(OURS)?);
    for (connections, commit) in [(1, "off"), (8, "off"), (8, "on")] {
        let scenario = format!("insert_event, {connections} connections, synchronous_commit {commit}");
        // Whoever comes second finds a warmer disk, so the order changes.
        let mut order = [THEIRS, OURS];
        order.rotate_left(round % 2);
        let mut rates = Vec::new();
        for database in order {
            rates.push((
                database,
                pgbench(place, database, connections, commit, size.seconds)?,
            ));
        }
        let of = |wanted: &str| {
            rates
                .iter()
                .find(|(database, _)| *database == wanted)
                .map_or(f64::NAN, |(_, rate)| *rate)
        };
        let peer = of(THEIRS);
        rows.add(&scenario, "/s", "C", peer, peer);
        rows.add(&scenario, "/s", "ostler", peer, of(OURS));
    }
    with_tickers(place, size, rows)
}

/// The same while tickers run: a producer wakes ours when it sleeps.
fn with_tickers(place: &Place, size: &Size, rows: &mut Rows) -> Result<()> {
    for connections in [1, 8] {
        let scenario = format!("insert_event, {connections} connections, a ticker runs");
        let ticker = place.ticker(false, &[THEIRS.to_owned()])?;
        let peer = pgbench(place, THEIRS, connections, "on", size.seconds)?;
        drop(ticker);
        rows.add(&scenario, "/s", "C, pgqd", peer, peer);
        for (wakeup, contender) in [("true", "ostler"), ("false", "ostler, wake-ups off")] {
            place.server.try_sql(
                OURS,
                &format!("select pgq.set_queue_config('q', 'wakeup', '{wakeup}')"),
            )?;
            let ticker = place.ticker(true, &[OURS.to_owned()])?;
            let rate = pgbench(place, OURS, connections, "on", size.seconds)?;
            drop(ticker);
            rows.add(&scenario, "/s", contender, peer, rate);
        }
    }
    place
        .server
        .try_sql(OURS, "select pgq.set_queue_config('q', 'wakeup', 'true')")?;
    Ok(())
}

/// Transactions of one event each, per second.
fn pgbench(place: &Place, database: &str, connections: u32, commit: &str, seconds: u64) -> Result<f64> {
    let script = std::env::temp_dir().join(format!("ostler-bench-insert-{}.sql", std::process::id()));
    fs::write(&script, format!("select {CALL};\n"))?;
    let mut command = place
        .server
        .tool("pgbench", database)
        .context("pgbench is not to be had")?;
    command
        .env("PGOPTIONS", format!("-c synchronous_commit={commit}"))
        .args([
            "-n",
            "-M",
            "prepared",
            "-c",
            &connections.to_string(),
            "-j",
            "2",
            "-T",
            &seconds.to_string(),
            "-f",
        ])
        .arg(&script);
    let rate = rate(&mut command);
    fs::remove_file(&script)?;
    rate
}

fn rate(command: &mut Command) -> Result<f64> {
    let output = process::capture(command)?;
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))
        .context("pgbench says no rate")?;
    line.split(' ')
        .next()
        .unwrap_or_default()
        .parse()
        .context("a rate")
}
