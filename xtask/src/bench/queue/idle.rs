//! What a ticker costs when nothing happens, with many databases: its own processor time, and that of its sessions in the server.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Size;
use super::place::{OURS, Place, THEIRS, Ticker, used};
use crate::bench::compared::Rows;

/// How long until everybody has become quiet: an idle tick comes after a minute at last.
const SETTLES: Duration = Duration::from_secs(20);

pub fn round(place: &Place, size: &Size, rows: &mut Rows) -> Result<()> {
    let scenario = format!("idle ticker, {} databases", size.databases);
    let [peer, ours] = [(THEIRS, false), (OURS, true)].map(|(template, ours)| -> Result<[f64; 2]> {
        let names: Vec<String> = (0..size.databases).map(|n| format!("{template}_{n}")).collect();
        for name in &names {
            place
                .server
                .try_sql("postgres", &format!("create database {name} template {template}"))?;
        }
        let ticker = place.ticker(ours, &names)?;
        std::thread::sleep(SETTLES);
        let share = share(place, &ticker, Duration::from_secs(size.idle));
        drop(ticker);
        for name in &names {
            place
                .server
                .try_sql("postgres", &format!("drop database {name} with (force)"))?;
        }
        share
    });
    let (peer, ours) = (peer?, ours?);
    for (n, what) in [(0, "the process"), (1, "the server's part")] {
        let scenario = format!("{scenario}: {what}");
        rows.add(&scenario, "% of a core", "C, pgqd", peer[n], peer[n]);
        rows.add(&scenario, "% of a core", "ostler", peer[n], ours[n]);
    }
    Ok(())
}

/// Percent of a core that the ticker and its sessions take.
fn share(place: &Place, ticker: &Ticker, time: Duration) -> Result<[f64; 2]> {
    let sessions = "select pid from pg_stat_activity where client_port is not null and pid <> pg_backend_pid() and datname <> 'postgres'";
    let pids = |rows: Vec<Vec<Option<String>>>| -> Result<Vec<u32>> {
        let pids = rows.into_iter().flatten().flatten();
        pids.map(|pid| pid.parse().context("a process id")).collect()
    };
    let pids = pids(place.server.try_sql("postgres", sessions)?)?;
    // A session that ends takes its time along: both tickers keep theirs.
    let server = || -> f64 { pids.iter().filter_map(|pid| used(*pid).ok()).sum() };
    let (start, before) = (Instant::now(), [ticker.used()?, server()]);
    std::thread::sleep(time);
    let after = [ticker.used()?, server()];
    let seconds = start.elapsed().as_secs_f64();
    Ok([0, 1].map(|n| (after[n] - before[n]) / seconds * 100.0))
}
