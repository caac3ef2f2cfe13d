//! One round: a random history of one queue, statement by statement, and its check.
//!
//! One thread gives every session its next statement, so the order of commits is known and a seed shows the same history
//! again. Whoever would wait for a lock gives up at once; its transaction is then rolled back.

mod consume;
mod produce;
mod tally;
mod team;

use ostler_queue::consumer::{BatchInfo, BatchSource, Event};
use ostler_testkit::random::Random;
use tokio_postgres::Client;

use super::oracle::{Delivered, Oracle, Sent, Snapshot, Tick};
use crate::place::Place;
pub use tally::Tally;
use team::Team;

/// Producers' sessions.
const SESSIONS: usize = 5;
/// Consumers that are there from the start.
const CONSUMERS: usize = 3;

/// Steps of a round.
pub const STEPS: usize = 150;

/// Sessions that all rounds of a search use.
pub struct Crew {
    admin: Client,
    producers: Vec<Client>,
}

impl Crew {
    pub async fn new(place: &Place) -> Self {
        let admin = place.client().await;
        // Nothing that a ticker, a rotation or a consumer does may wait for a producer's transaction.
        admin
            .batch_execute("set lock_timeout = '5s'")
            .await
            .expect("lock_timeout is set");
        let mut producers = Vec::new();
        for _ in 0..SESSIONS {
            let client = place.client().await;
            client
                .batch_execute("set lock_timeout = '5ms'")
                .await
                .expect("lock_timeout is set");
            producers.push(client);
        }
        Self { admin, producers }
    }
}

struct Producer<'p> {
    client: &'p Client,
    open: Option<Open>,
}

/// A transaction that is open.
#[derive(Debug, Default)]
struct Open {
    txid: Option<i64>,
    events: Vec<Sent>,
    /// How many events there were at the savepoint.
    savepoint: Option<usize>,
    /// Its snapshot was taken at its begin.
    repeatable: bool,
    /// It made this tick.
    tick: Option<i64>,
    /// The table that it was told to write to directly.
    table: Option<String>,
}

struct Reader {
    name: String,
    source: Box<dyn BatchSource>,
    delivered: Delivered,
    /// A batch that was read and not finished, as a consumer that died leaves it.
    left: Option<(BatchInfo, Vec<Event>)>,
}

pub struct Round<'p> {
    place: &'p Place,
    queue: String,
    random: Random,
    admin: &'p Client,
    producers: Vec<Producer<'p>>,
    prepared: Vec<(String, Open)>,
    readers: Vec<Reader>,
    team: Team,
    oracle: Oracle,
    counter: u64,
    rotations: u64,
    history: Vec<String>,
}

/// Runs the history of a seed.
pub async fn run(place: &Place, crew: &Crew, seed: u64) -> Result<Tally, String> {
    let mut round = Round::start(place, crew, seed).await;
    let mut result = Ok(());
    for _ in 0..STEPS {
        result = round.step().await;
        if result.is_err() {
            break;
        }
    }
    let mut tally = Tally::default();
    if result.is_ok() {
        result = round.end(&mut tally).await;
    }
    round.clean_up().await;
    result.map(|()| tally).map_err(|what| {
        let from = round.history.len().saturating_sub(400);
        format!(
            "seed {seed}: {what}\n  history:\n    {}",
            round.history[from..].join("\n    ")
        )
    })
}

impl<'p> Round<'p> {
    async fn start(place: &'p Place, crew: &'p Crew, seed: u64) -> Self {
        let admin = &crew.admin;
        let queue = format!("model_{seed}");
        admin
            .batch_execute(&format!(
                "select pgq.create_queue('{queue}');
                 update pgq.queue set queue_ticker_max_count = 1, queue_ticker_max_lag = '0', \
                     queue_ticker_idle_period = '0', queue_rotation_period = '1 microsecond' \
                  where queue_name = '{queue}'"
            ))
            .await
            .expect("the queue is made");
        let producers = crew
            .producers
            .iter()
            .map(|client| Producer { client, open: None });
        let mut round = Self {
            place,
            queue,
            random: Random::new(seed),
            admin,
            producers: producers.collect(),
            prepared: Vec::new(),
            readers: Vec::new(),
            team: Team::default(),
            oracle: Oracle::default(),
            counter: 0,
            rotations: 0,
            history: Vec::new(),
        };
        round.look_at_ticks(Some(0)).await;
        for number in 0..CONSUMERS {
            round.add_reader(number).await;
        }
        round.gather_team().await;
        round
    }

    async fn add_reader(&mut self, number: usize) {
        let name = format!("c{number}");
        self.admin
            .execute("select pgq.register_consumer($1, $2)", &[&self.queue, &name])
            .await
            .expect("registered");
        let source = self.place.source(&self.queue, &name).await;
        self.readers.push(Reader {
            name,
            source,
            delivered: Delivered::default(),
            left: None,
        });
    }

    fn note(&mut self, what: impl Into<String>) {
        self.history.push(what.into());
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.below(limit as u64)).expect("small")
    }

    async fn step(&mut self) -> Result<(), String> {
        match self.random.below(100) {
            0..45 => {
                let who = self.below(SESSIONS);
                self.produce(who).await
            }
            45..52 => self.end_prepared().await,
            52..66 => {
                self.tick().await;
                Ok(())
            }
            66..72 => self.rotate().await,
            72..75 => self.release_retries().await,
            75..76 if self.readers.len() < CONSUMERS + 2 => {
                self.add_reader(self.readers.len()).await;
                self.note("another consumer registers");
                Ok(())
            }
            76..83 => self.team_step(false).await,
            _ => {
                let who = self.below(self.readers.len());
                self.consume(who).await
            }
        }
    }

    async fn tick(&mut self) {
        let ticked = self
            .admin
            .query_one("select pgq.ticker($1)", &[&self.queue])
            .await
            .map(|row| row.get::<_, Option<i64>>(0));
        match ticked {
            Ok(tick) => {
                self.note(format!("tick {tick:?}"));
                self.look_at_ticks(Some(self.oracle.committed.len())).await;
            }
            // Another session has the queue's ticks in its hands.
            Err(error) => self.note(format!("no tick: {}", said(&error))),
        }
    }

    /// Learns of new ticks. The driver knows how many commits came before, unless somebody else made them.
    async fn look_at_ticks(&mut self, committed: Option<usize>) {
        let last = self.oracle.ticks.keys().next_back().copied().unwrap_or(0);
        let rows = self
            .admin
            .query(
                "select tick_id, tick_snapshot::text from pgq.tick join pgq.queue on queue_id = tick_queue \
                  where queue_name = $1 and (tick_id > $2 or not tick_id = any ($3))",
                &[
                    &self.queue,
                    &last,
                    &self.oracle.ticks.keys().copied().collect::<Vec<i64>>(),
                ],
            )
            .await
            .expect("ticks can be read");
        for row in rows {
            let tick = Tick {
                snapshot: Snapshot::parse(row.get(1)),
                committed,
            };
            self.history.push(format!(
                "  tick {}: {} {committed:?}",
                row.get::<_, i64>(0),
                row.get::<_, String>(1)
            ));
            self.oracle.ticks.insert(row.get(0), tick);
        }
    }

    async fn rotate(&mut self) -> Result<(), String> {
        let before = self.current_table().await;
        let step1 = self
            .admin
            .execute("select pgq.maint_rotate_tables_step1($1)", &[&self.queue])
            .await;
        let step2 = self
            .admin
            .execute("select pgq.maint_rotate_tables_step2()", &[])
            .await;
        if before != self.current_table().await {
            self.rotations += 1;
            self.note("the tables were rotated");
        }
        for done in [step1, step2] {
            done.map_err(|error| said(&error))?;
        }
        Ok(())
    }

    async fn current_table(&self) -> i32 {
        let row = self
            .admin
            .query_one(
                "select queue_cur_table from pgq.queue where queue_name = $1",
                &[&self.queue],
            )
            .await;
        row.expect("the queue is there").get(0)
    }

    async fn release_retries(&mut self) -> Result<(), String> {
        self.admin
            .batch_execute("update pgq.retry_queue set ev_retry_after = now() - interval '1 hour'")
            .await
            .map_err(|error| said(&error))?;
        loop {
            let row = self
                .admin
                .query_one("select pgq.maint_retry_events()", &[])
                .await
                .map_err(|error| said(&error))?;
            if row.get::<_, i32>(0) == 0 {
                break;
            }
        }
        self.note("retries are put back");
        Ok(())
    }

    /// Ends what is open, lets every consumer come to the end, and checks that nothing is missing.
    async fn end(&mut self, tally: &mut Tally) -> Result<(), String> {
        for who in 0..SESSIONS {
            if let Some(open) = self.producers[who].open.take()
                && self.commit(who, open).await.is_err()
            {
                self.execute(who, "rollback").await?;
            }
        }
        while !self.prepared.is_empty() {
            self.end_prepared().await?;
        }
        // A retry may be retried once more, so a few times.
        for _ in 0..10 {
            self.release_retries().await?;
            self.tick().await;
            self.rotate().await?;
            let newest = self.oracle.ticks.keys().next_back().copied();
            for who in 0..self.readers.len() {
                while self.readers[who].delivered.last_tick != newest {
                    self.consume(who).await?;
                }
            }
            self.team_to_its_end(newest).await?;
            let mut all = self.readers.iter().map(|reader| &reader.delivered);
            if !all.any(|one| self.oracle.has_due(one)) && !self.oracle.has_due(&self.team.delivered) {
                break;
            }
        }
        self.oracle
            .check_end(&self.team.delivered)
            .map_err(|what| format!("the team: {what}"))?;
        for reader in &self.readers {
            self.oracle
                .check_end(&reader.delivered)
                .map_err(|what| format!("{}: {what}", reader.name))?;
        }
        tally.committed = self.oracle.committed.len() as u64;
        tally.events = self
            .oracle
            .committed
            .iter()
            .map(|(_, events)| events.len() as u64)
            .sum();
        tally.ticks = self.oracle.ticks.len() as u64;
        tally.batches = self
            .history
            .iter()
            .filter(|line| line.contains("finishes batch"))
            .count() as u64;
        tally.rotations = self.rotations;
        Ok(())
    }

    async fn clean_up(&mut self) {
        self.readers.clear();
        self.team = Team::default();
        for producer in &mut self.producers {
            let _ = producer.client.batch_execute("rollback").await;
        }
        for (gid, _) in std::mem::take(&mut self.prepared) {
            let _ = self
                .admin
                .batch_execute(&format!("rollback prepared '{gid}'"))
                .await;
        }
        let _ = self
            .admin
            .execute("select pgq.drop_queue($1, true)", &[&self.queue])
            .await;
    }

    async fn execute(&self, who: usize, sql: &str) -> Result<(), String> {
        self.producers[who]
            .client
            .batch_execute(sql)
            .await
            .map_err(|error| format!("{sql}: {}", said(&error)))
    }
}

fn said(error: &tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |fault| fault.message().to_owned())
}
