//! What consumers lose while somebody holds a transaction open for minutes: rows that are dead cannot be removed meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Size;
use super::consuming::{CONSUMERS, SMALL, Small};
use super::place::{OURS, Place, THEIRS, text};
use crate::bench::compared::Rows;

/// Dead rows of everything that is PgQ's.
const DEAD: &str = "select sum(n_dead_tup) from pg_stat_all_tables where schemaname = 'pgq'";
/// Rounds of batches between two looks at the clock; the same work for both contenders.
const TURN: u64 = 2;

pub fn round(place: &Place, size: &Size, rows: &mut Rows) -> Result<()> {
    let databases = [THEIRS, OURS];
    let mut all = Vec::new();
    for database in databases {
        for consumers in CONSUMERS {
            let mut small = Small::new(place, database, consumers)?;
            let free = small.rate(small.usual())?;
            all.push((database, consumers, small, free));
        }
    }
    let mut holders = Vec::new();
    for database in databases {
        let mut holder = place.session(database)?;
        holder.run("begin isolation level repeatable read; select txid_current()")?;
        holders.push(holder);
    }
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(size.held) {
        for (_, _, small, _) in &mut all {
            small.rate(TURN)?;
        }
    }
    let after = format!(
        "{SMALL} events, {{}} consumers, {} s after a transaction began",
        size.held
    );
    for consumers in CONSUMERS {
        let mut rates = Vec::new();
        for (_, _, small, free) in all.iter_mut().filter(|(_, count, _, _)| *count == consumers) {
            rates.push((small.rate(small.usual())?, *free));
        }
        let [(peer, peer_free), (ours, ours_free)] = rates[..] else {
            anyhow::bail!("two contenders are measured");
        };
        let scenario = format!("batches of {}", after.replace("{}", &consumers.to_string()));
        rows.add(&scenario, "events/s", "C", peer, peer);
        rows.add(&scenario, "events/s", "ostler", peer, ours);
        let (scenario, theirs) = (
            format!("{scenario}, of the rate before"),
            peer / peer_free * 100.0,
        );
        rows.add(&scenario, "%", "C", theirs, theirs);
        rows.add(&scenario, "%", "ostler", theirs, ours / ours_free * 100.0);
    }
    let mut dead = Vec::new();
    for database in databases {
        // Sessions tell of what they did when they end, or at times.
        let count = text(&place.session(database)?.run(DEAD)?)?;
        dead.push(count.parse::<f64>().context("a count")?);
    }
    let scenario = format!("dead rows {} s after a transaction began", size.held);
    rows.add(&scenario, "rows", "C", dead[0], dead[0]);
    rows.add(&scenario, "rows", "ostler", dead[0], dead[1]);
    for mut holder in holders {
        holder.run("rollback")?;
    }
    for (_, _, small, _) in all {
        small.end()?;
    }
    Ok(())
}
