//! Databases with queues, and tickers that can be ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ostler_postgres::{Dsn, Target};
use ostler_queue::ticker::{self, Board, DatabaseReport, Databases, Server, Standing, TickerOptions};
use ostler_testkit::servers::Postgres;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event for the queue `q`.
pub const INSERT: &str = "SELECT pgq.insert_event('q', 'type', 'data')";

/// A new database with the schema and a queue `q`.
pub fn with_queue(server: &Postgres) -> String {
    // Roles are the server's, and made by all.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let database = server.database();
    server.sql(&database, &ostler_queue::schema::script(true));
    server.sql(&database, "SELECT pgq.create_queue('q')");
    database
}

pub fn target(server: &Postgres, database: &str) -> Target {
    Target::resolve(&Dsn::parse(&server.url(database)).unwrap(), &|_| None).unwrap()
}

/// Options for these databases of one server, impatient after failures.
pub fn options(server: &Postgres, databases: &[&str]) -> TickerOptions {
    let databases = databases.iter().map(|name| (*name).to_owned()).collect();
    TickerOptions {
        poll: Duration::from_millis(200),
        discovery: Duration::from_millis(300),
        shortest_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(200),
        ..TickerOptions::new(vec![Server {
            name: "main".to_owned(),
            target: target(server, "postgres"),
            databases: Databases::Named(databases),
        }])
    }
}

/// The same for one database, with sleeps that are longer than a test's patience: whoever sleeps has to be woken.
pub fn sleepy(server: &Postgres, database: &str) -> TickerOptions {
    TickerOptions {
        longest_sleep: Duration::from_secs(600),
        ..options(server, &[database])
    }
}

pub struct Ticker {
    pub board: Arc<Board>,
    pub options: watch::Sender<TickerOptions>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Ticker {
    pub fn start(options: TickerOptions) -> Self {
        let (sender, receiver) = watch::channel(options);
        let board = Arc::new(Board::default());
        let cancel = CancellationToken::new();
        let task = tokio::spawn(ticker::run(receiver, Arc::clone(&board), cancel.clone()));
        Self {
            board,
            options: sender,
            cancel,
            task,
        }
    }

    /// Started, and leading in a database.
    pub async fn leading(options: TickerOptions, database: &str) -> Self {
        let ticker = Self::start(options);
        ticker.stands(database, Standing::Leading).await;
        ticker
    }

    /// As [`Ticker::leading`], and there is nothing to do.
    pub async fn asleep(options: TickerOptions, database: &str) -> Self {
        let ticker = Self::leading(options, database).await;
        // Two idle ticks, the second after half of the queue's largest lag: from then on it sleeps longer and longer.
        until("it sleeps", || ticker.report(database).rounds > 8).await;
        ticker
    }

    /// Waits until a database stands so.
    pub async fn stands(&self, database: &str, standing: Standing) {
        until(&format!("{database} is {standing:?}"), || {
            self.report(database).standing == standing
        })
        .await;
    }

    pub fn report(&self, database: &str) -> DatabaseReport {
        self.board
            .reports()
            .get(&format!("main/{database}"))
            .cloned()
            .unwrap_or_default()
    }

    pub async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }
}

/// Asks until the answer is yes.
pub async fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Inserts an event, and waits for a tick.
pub async fn ticks_an_event(server: &Postgres, database: &str) {
    let before = last_tick(server, database);
    server.sql(database, INSERT);
    until("it ticks", || last_tick(server, database) > before).await;
}

/// The newest tick of the queue `q`.
pub fn last_tick(server: &Postgres, database: &str) -> i64 {
    number(server, database, "SELECT max(tick_id) FROM pgq.tick")
}

pub fn number(server: &Postgres, database: &str, statement: &str) -> i64 {
    let rows = server.sql(database, statement);
    rows[0][0].as_deref().unwrap_or("0").parse().unwrap()
}
