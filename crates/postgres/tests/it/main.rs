//! The toolbox against real servers.

#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

mod connecting;
mod copying;
mod failing;
mod pooling;
mod quoting;
mod tls;
mod transactions;

use ostler_postgres::{Connection, Dsn, Error, Options, Target};
use ostler_testkit::servers::Postgres;

/// What a connection string means without anything around it.
fn target(text: &str) -> Target {
    Target::resolve(&Dsn::parse(text).unwrap(), &|_| None).unwrap()
}

async fn open(text: &str) -> Result<Connection, Error> {
    Connection::open(&target(text), &Options::default()).await
}

/// A superuser's session in a new database.
async fn session(server: &Postgres) -> Connection {
    open(&server.url(&server.database())).await.unwrap()
}
