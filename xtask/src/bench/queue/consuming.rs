//! Reading one large batch, and many small ones by one to a hundred consumers, also while a transaction is held open.

use anyhow::{Context, Result};

use super::place::{OURS, Place, THEIRS, text};
use super::{Rows, Size};
use crate::process;

const SMALL: u64 = 100;

pub fn round(place: &Place, size: &Size, rows: &mut Rows) -> Result<()> {
    let events = size.rows * 10;
    let scenario = format!("one batch of {events} events");
    let peer = large(place, THEIRS, events, "select * from pgq.get_batch_events(%)")?;
    rows.add(&scenario, "events/s", "C, get_batch_events", peer, peer);
    let ours = large(place, OURS, events, "select * from pgq.get_batch_events(%)")?;
    rows.add(&scenario, "events/s", "ostler, get_batch_events", peer, ours);
    let ours = large(place, OURS, events, "")?;
    rows.add(
        &scenario,
        "events/s",
        "ostler, COPY of the batch query",
        peer,
        ours,
    );
    for consumers in [1, 10, 100] {
        let mut free = [f64::NAN; 2];
        for held in [false, true] {
            let scenario = format!(
                "batches of {SMALL} events, {consumers} consumers{}",
                if held { ", a transaction held open" } else { "" }
            );
            let peer = small(place, THEIRS, consumers, held)?;
            let ours = small(place, OURS, consumers, held)?;
            rows.add(&scenario, "events/s", "C", peer, peer);
            rows.add(&scenario, "events/s", "ostler", peer, ours);
            if held {
                let scenario = format!("{scenario}, of the rate without");
                rows.add(
                    &scenario,
                    "%",
                    "C",
                    peer / free[0] * 100.0,
                    peer / free[0] * 100.0,
                );
                rows.add(
                    &scenario,
                    "%",
                    "ostler",
                    peer / free[0] * 100.0,
                    ours / free[1] * 100.0,
                );
            }
            free = [peer, ours];
        }
    }
    Ok(())
}

/// Events per second of `COPY (…) TO STDOUT`, by `psql`.
fn large(place: &Place, database: &str, events: u64, query: &str) -> Result<f64> {
    let mut session = place.session(database)?;
    session.run("select pgq.create_queue('large'); select pgq.register_consumer('large', 'c')")?;
    session.run(&format!(
        "select count(pgq.insert_event('large', 'type', repeat('x', 100))) from generate_series(1, {events})"
    ))?;
    session.run("select pgq.force_tick('large')")?;
    session.run("select pgq.ticker('large')")?;
    let batch = text(&session.run("select pgq.next_batch('large', 'c')")?)?;
    let query = match query {
        "" => text(&session.run(&format!("select pgq.batch_event_sql({batch})"))?)?,
        query => query.replace('%', &batch),
    };
    let copy = format!("\\copy ({}) to '/dev/null'", query.replace('\n', " "));
    let mut command = place
        .server
        .tool("psql", database)
        .context("psql is not to be had")?;
    command.args(["-qXc", &copy]);
    let start = std::time::Instant::now();
    process::capture(&mut command)?;
    let rate = events as f64 / start.elapsed().as_secs_f64();
    session.run("select pgq.drop_queue('large', true)")?;
    Ok(rate)
}

/// Events per second that all consumers together finish, with the producer's part left out.
fn small(place: &Place, database: &str, consumers: u64, held: bool) -> Result<f64> {
    let mut session = place.session(database)?;
    session.run("select pgq.create_queue('small'); update pgq.queue set queue_ticker_max_count = 1 where queue_name = 'small'")?;
    session.run(&format!(
        "select pgq.register_consumer('small', 'c' || n) from generate_series(1, {consumers}) n"
    ))?;
    let mut holder = place.session(database)?;
    if held {
        holder.run("begin isolation level repeatable read; select txid_current()")?;
    }
    let batches = (1000 / consumers).max(20);
    let mut seconds = 0.0;
    for _ in 0..batches {
        session.run(&format!(
            "select count(pgq.insert_event('small', 'type', 'data')) from generate_series(1, {SMALL})"
        ))?;
        session.run("select pgq.ticker('small')")?;
        for consumer in 1..=consumers {
            let start = std::time::Instant::now();
            let batch = text(&session.run(&format!("select pgq.next_batch('small', 'c{consumer}')"))?)?;
            session.run(&format!("select * from pgq.get_batch_events({batch})"))?;
            session.run(&format!("select pgq.finish_batch({batch})"))?;
            seconds += start.elapsed().as_secs_f64();
        }
    }
    holder.run("rollback")?;
    session.run("select pgq.drop_queue('small', true)")?;
    Ok((batches * consumers * SMALL) as f64 / seconds)
}
