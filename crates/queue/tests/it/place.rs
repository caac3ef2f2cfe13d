//! A database with PgQ in it: ours on every release, or the C extension.

use std::sync::Mutex;

use ostler_postgres::{Dsn, Target};
use ostler_queue::consumer::{BatchSource, Member, Subscription};
use ostler_queue::schema;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{Postgres, postgres, shared_postgres};
use tokio_postgres::{Client, NoTls};

/// A database of its own for one test.
pub struct Place {
    pub server: &'static Postgres,
    pub database: String,
}

impl Place {
    /// A database with our schema.
    pub fn new(release: Release) -> Option<Self> {
        // Roles are the server's; two tests at once would both make them.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let place = Self::empty(release)?;
        let _one = ONE_AT_A_TIME.lock();
        place.sql(&schema::script(true));
        Some(place)
    }

    /// A database with our schema in a server of its own, where no transaction of another test has a part in snapshots.
    pub fn alone(release: Release) -> Option<Self> {
        // Never dropped; the supervisor notices the end of this process.
        let server: &'static Postgres = Box::leak(Box::new(postgres(release)?));
        let database = server.database();
        let place = Self { server, database };
        place.sql(&schema::script(true));
        Some(place)
    }

    /// A database with the extension in C.
    pub fn with_extension() -> Option<Self> {
        let place = Self::empty(Release::WithPgq)?;
        place.sql("create extension pgq");
        Some(place)
    }

    pub fn empty(release: Release) -> Option<Self> {
        let server = shared_postgres(release)?;
        let database = server.database();
        Some(Self { server, database })
    }

    pub fn sql(&self, statements: &str) -> Vec<Vec<Option<String>>> {
        self.server.sql(&self.database, statements)
    }

    /// The first value of the first row.
    pub fn value(&self, statement: &str) -> Option<String> {
        self.sql(statement).into_iter().next()?.into_iter().next()?
    }

    pub fn url(&self) -> String {
        self.server.url(&self.database)
    }

    pub fn target(&self) -> Target {
        Target::from_environment(&Dsn::parse(&self.url()).expect("an address")).expect("a target")
    }

    /// A client that shares no code with the consumer.
    pub async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls)
            .await
            .expect("connected");
        // It ends with the client.
        tokio::spawn(connection);
        client
    }

    pub async fn source(&self, queue: &str, consumer: &str) -> Box<dyn BatchSource> {
        Box::new(Subscription::new(self.target(), queue, consumer))
    }

    pub fn member(&self, queue: &str, consumer: &str, name: &str, dead_after: Option<u64>) -> Subscription {
        Subscription::new(self.target(), queue, consumer).as_member(Member {
            name: name.to_owned(),
            dead_after: dead_after.map(std::time::Duration::from_millis),
        })
    }
}
