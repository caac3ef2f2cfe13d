//! Reading one large batch, and many small ones by one to a hundred consumers.

use anyhow::{Context, Result};

use super::Size;
use super::place::{OURS, Place, Session, THEIRS, text};
use crate::bench::compared::Rows;
use crate::process;

/// Events of a small batch.
pub const SMALL: u64 = 100;
/// How many consumers read small ones.
pub const CONSUMERS: [u64; 3] = [1, 10, 100];

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
    for consumers in CONSUMERS {
        let scenario = format!("batches of {SMALL} events, {consumers} consumers");
        let [peer, ours] = [THEIRS, OURS].map(|database| -> Result<f64> {
            let mut small = Small::new(place, database, consumers)?;
            let rate = small.rate(small.usual())?;
            small.end()?;
            Ok(rate)
        });
        let (peer, ours) = (peer?, ours?);
        rows.add(&scenario, "events/s", "C", peer, peer);
        rows.add(&scenario, "events/s", "ostler", peer, ours);
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

/// A queue whose consumers take turns in one session.
pub struct Small {
    session: Session,
    queue: String,
    consumers: u64,
}

impl Small {
    pub fn new(place: &Place, database: &str, consumers: u64) -> Result<Self> {
        let mut session = place.session(database)?;
        let queue = format!("small_{consumers}");
        session.run(&format!(
            "select pgq.create_queue('{queue}'); update pgq.queue set queue_ticker_max_count = 1 where queue_name = '{queue}'"
        ))?;
        session.run(&format!(
            "select pgq.register_consumer('{queue}', 'c' || n) from generate_series(1, {consumers}) n"
        ))?;
        Ok(Self {
            session,
            queue,
            consumers,
        })
    }

    /// How many batches make a rate.
    pub fn usual(&self) -> u64 {
        (1000 / self.consumers).max(20)
    }

    /// Events per second that all consumers together finish, with the producer's part left out.
    pub fn rate(&mut self, batches: u64) -> Result<f64> {
        let (session, queue) = (&mut self.session, &self.queue);
        let mut seconds = 0.0;
        for _ in 0..batches {
            session.run(&format!(
                "select count(pgq.insert_event('{queue}', 'type', 'data')) from generate_series(1, {SMALL})"
            ))?;
            session.run(&format!("select pgq.ticker('{queue}')"))?;
            for consumer in 1..=self.consumers {
                let start = std::time::Instant::now();
                let batch = text(&session.run(&format!("select pgq.next_batch('{queue}', 'c{consumer}')"))?)?;
                session.run(&format!("select * from pgq.get_batch_events({batch})"))?;
                session.run(&format!("select pgq.finish_batch({batch})"))?;
                seconds += start.elapsed().as_secs_f64();
            }
        }
        Ok((batches * self.consumers * SMALL) as f64 / seconds)
    }

    pub fn end(mut self) -> Result<()> {
        self.session
            .run(&format!("select pgq.drop_queue('{}', true)", self.queue))?;
        Ok(())
    }
}
