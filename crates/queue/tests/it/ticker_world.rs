//! Databases with queues, and tickers that can be ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ostler_postgres::{Dsn, Target};
use ostler_queue::ticker::{self, Board, DatabaseReport, Databases, Server, TickerOptions};
use ostler_testkit::servers::Postgres;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

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
pub async fn until(what: &str, mut ready: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}

/// The newest tick of the queue `q`.
pub fn last_tick(server: &Postgres, database: &str) -> i64 {
    number(server, database, "SELECT max(tick_id) FROM pgq.tick")
}

pub fn number(server: &Postgres, database: &str, statement: &str) -> i64 {
    let rows = server.sql(database, statement);
    rows[0][0].as_deref().unwrap_or("0").parse().unwrap()
}
