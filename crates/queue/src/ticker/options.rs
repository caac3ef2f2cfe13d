//! What a ticker does.

use std::time::Duration;

use ostler_postgres::Target;

/// Everything a ticker is told.
#[derive(Debug, Clone)]
pub struct TickerOptions {
    /// Where the databases are.
    pub servers: Vec<Server>,
    /// How old new events become before a tick, where wake-ups are on; the least time between two ticks of a queue.
    pub wakeup_lag: Duration,
    /// How often a database is looked at whose ticker nobody can wake: behind a pooler, with a schema that is not ours, or with
    /// a queue whose wake-ups are off. As often as PgQ's own ticker does.
    pub poll: Duration,
    /// How rarely a sleeping database is looked at all the same.
    pub longest_sleep: Duration,
    /// How often maintenance looks for work.
    pub maintenance: Duration,
    /// How often new databases are looked for, and those looked at again that had no queues.
    pub discovery: Duration,
    /// The first pause after a failure; each next one is twice as long.
    pub shortest_pause: Duration,
    /// The longest pause after failures.
    pub longest_pause: Duration,
}

impl TickerOptions {
    /// The defaults, for these servers.
    #[must_use]
    pub fn new(servers: Vec<Server>) -> Self {
        Self {
            servers,
            wakeup_lag: Duration::from_millis(10),
            poll: Duration::from_secs(1),
            longest_sleep: Duration::from_secs(5),
            maintenance: Duration::from_secs(120),
            discovery: Duration::from_secs(60),
            shortest_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
        }
    }
}

/// A server and which of its databases.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name in messages; databases are `name/database`, or `name` alone where it is one.
    pub name: String,
    /// How to get there. Its database is the one that is asked for the others.
    pub target: Target,
    /// Which databases.
    pub databases: Databases,
}

/// Which databases of a server have a ticker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Databases {
    /// The one of the target.
    One,
    /// All that can be connected to, and have queues.
    All,
    /// These.
    Named(Vec<String>),
}
