//! PostgreSQL.

mod standby;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Server, free_ports};
use crate::install::postgres::{Release, tools};
use crate::install::servant::give_to_servant;
use crate::install::{or_skip, run};

pub use wire::{Rows, Wire};

const READY: Duration = Duration::from_secs(60);
const ATTEMPTS: usize = 3;
/// Many small tests use one server; what is written need not outlive the machine.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("fsync", "off"),
    ("shared_buffers", "32MB"),
    ("max_connections", "200"),
    ("max_prepared_transactions", "50"),
    ("max_wal_senders", "10"),
    ("max_replication_slots", "10"),
    ("wal_level", "logical"),
    ("jit", "off"),
];

/// A running server that belongs to one test. The superuser is `postgres`; on loopback everybody is let in without a
/// password, except a role called `locked`, if a test makes one.
#[derive(Debug)]
pub struct Postgres {
    /// Only `None` while it is restarted.
    server: Option<Server>,
    release: Release,
    directory: PathBuf,
    port: u16,
    made: AtomicU32,
}

/// Starts a server for one test, after getting it if need be. `None`: it cannot be had here, and a line that says so
/// was printed.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names it.
#[must_use]
pub fn postgres(release: Release) -> Option<Postgres> {
    or_skip(release.name(), Postgres::start(release, &[]))
}

/// The one server of this release that all tests of a test binary share: each makes a [`Postgres::database`] of its
/// own, and none stops the server.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names it.
#[must_use]
pub fn shared_postgres(release: Release) -> Option<&'static Postgres> {
    // Never dropped; the supervisor notices the end of this process.
    static SHARED: [OnceLock<Option<Postgres>>; 4] = [const { OnceLock::new() }; 4];
    SHARED[release as usize]
        .get_or_init(|| postgres(release))
        .as_ref()
}

/// The addresses of new databases, one on the shared server of each supported release.
///
/// # Panics
/// When a server cannot be had and `OSTLER_REQUIRE` names it.
pub fn new_databases() -> impl Iterator<Item = String> {
    Release::SUPPORTED
        .into_iter()
        .filter_map(shared_postgres)
        .map(|postgres| postgres.url(&postgres.database()))
}

impl Postgres {
    /// Starts it with settings of `postgresql.conf` besides the usual ones.
    ///
    /// # Errors
    /// When it cannot be had or does not start.
    pub fn start(release: Release, settings: &[(&str, &str)]) -> Result<Self> {
        let template = release.data()?;
        let mut attempt = 1;
        loop {
            match Self::try_start(release, &template, settings) {
                // Somebody may have taken the port meanwhile.
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    fn try_start(release: Release, template: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let directory = own_directory()?;
        let data = directory.join("data");
        run(Command::new("cp").arg("-a").arg(template).arg(&data))?;
        let [port] = free_ports()?;
        let mut text = format!(
            "port = {port}\nunix_socket_directories = '{}'\n",
            directory.display()
        );
        for (name, value) in SETTINGS.iter().chain(settings) {
            text += &format!("{name} = '{value}'\n");
        }
        let configuration = data.join("postgresql.conf");
        let before = fs::read_to_string(&configuration)?;
        fs::write(&configuration, before + &text)?;
        let access = data.join("pg_hba.conf");
        let before = fs::read_to_string(&access)?;
        fs::write(
            &access,
            format!("host all locked 127.0.0.1/32 scram-sha-256\n{before}"),
        )?;
        Self::launched(release, directory, port)
    }

    /// Starts the server whose data are there.
    fn launched(release: Release, directory: PathBuf, port: u16) -> Result<Self> {
        give_to_servant(&directory)?;
        let mut this = Self {
            server: None,
            release,
            directory,
            port,
            made: AtomicU32::new(0),
        };
        this.launch()?;
        Ok(this)
    }

    fn launch(&mut self) -> Result<()> {
        let mut command = self.release.program("postgres")?;
        command.arg("-D").arg(self.directory.join("data"));
        // Connections of a failed test must not keep it: SIGQUIT ends it without asking them.
        let server = Server::start_with(
            &self.directory,
            "QUIT",
            Path::new(command.get_program()),
            command.get_args(),
        )?;
        let ready = server.wait_until(READY, || Wire::connect(self.port, "postgres", "postgres").is_ok());
        self.server = Some(server);
        ready
    }

    /// Which it is.
    #[must_use]
    pub fn release(&self) -> Release {
        self.release
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its socket and its `data` are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The process.
    ///
    /// # Panics
    /// When it was stopped.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the server is stopped")
    }

    /// The address of a database, for the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_of("postgres", database)
    }

    /// The address of a database, for somebody.
    #[must_use]
    pub fn url_of(&self, user: &str, database: &str) -> String {
        format!("postgresql://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// What `psql` and its like need in their environment.
    #[must_use]
    pub fn environment(&self, database: &str) -> Vec<(&'static str, String)> {
        vec![
            ("PGHOST", "127.0.0.1".to_owned()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", "postgres".to_owned()),
            ("PGDATABASE", database.to_owned()),
        ]
    }

    /// A client tool that is set up for a database; `None` after a line that says so when there are none.
    ///
    /// # Panics
    /// When `OSTLER_REQUIRE` names `postgres-tools` and they cannot be had.
    #[must_use]
    pub fn tool(&self, name: &str, database: &str) -> Option<Command> {
        let mut command = Command::new(or_skip("postgres-tools", tools())?.join(name));
        command.envs(self.environment(database));
        Some(command)
    }

    /// Makes an empty database with a name that no other test has, and tells the name.
    ///
    /// # Panics
    /// When the server does not.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// Runs statements as the superuser, in a connection of their own.
    ///
    /// # Panics
    /// When one of them fails.
    pub fn sql(&self, database: &str, statements: &str) -> Rows {
        self.try_sql(database, statements)
            .unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// The same, for statements that may fail.
    ///
    /// # Errors
    /// The server's: `SQLSTATE: message`.
    pub fn try_sql(&self, database: &str, statements: &str) -> Result<Rows> {
        self.wire(database)?.query(statements)
    }

    /// A connection as the superuser that shares no code with the project.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn wire(&self, database: &str) -> Result<Wire> {
        Wire::connect(self.port, "postgres", database)
    }

    /// Stops it at once, as a crash does; [`Self::start_again`] recovers it.
    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }

    /// Starts it on the same data and port.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&mut self) -> Result<()> {
        self.stop();
        let lock = self.directory.join("data/postmaster.pid");
        if lock.exists() {
            fs::remove_file(&lock).context("cannot remove what the killed server left")?;
        }
        self.launch()
    }
}

/// The server's supervisor removes it. Not below $TMPDIR, which may be too long for a socket's name.
fn own_directory() -> Result<PathBuf> {
    let made = tempfile::Builder::new()
        .prefix("ostler-postgres-")
        .tempdir_in("/tmp")?;
    Ok(made.keep())
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.server.is_none() {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Release, postgres, shared_postgres};

    #[test]
    fn every_release_starts_keeps_its_data_over_a_crash_and_is_gone_in_the_end() {
        for release in Release::SUPPORTED {
            let Some(mut server) = postgres(release) else {
                continue;
            };
            let database = server.database();
            server.sql(
                &database,
                "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (NULL)",
            );
            server.stop();
            assert!(server.try_sql(&database, "SELECT 1").is_err());
            server.start_again().expect("it starts again");
            let rows = server.sql(&database, "SELECT a FROM t ORDER BY a");
            assert_eq!(rows, [[Some("1".to_owned())], [None]]);
            let error = server
                .try_sql(&database, "SELECT nothing")
                .expect_err("no such column");
            assert!(format!("{error:#}").contains("42703"), "{error:#}");
            let directory = server.directory().to_owned();
            drop(server);
            assert!(!directory.exists());
        }
    }

    #[test]
    fn tools_reach_the_shared_server() {
        let Some(server) = shared_postgres(Release::Eighteen) else {
            return;
        };
        let Some(mut psql) = server.tool("psql", "postgres") else {
            return;
        };
        let done = psql.args(["-XAtc", "SELECT 6 * 7"]).output().expect("psql runs");
        assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "42", "{done:?}");
    }

    #[test]
    fn the_peer_has_its_extension() {
        let Some(server) = postgres(Release::WithPgq) else {
            return;
        };
        server.sql("postgres", "CREATE EXTENSION pgq; SELECT pgq.create_queue('q')");
        let rows = server.sql("postgres", "SELECT pgq.insert_event('q', 'a', 'b')");
        assert_eq!(rows, [[Some("1".to_owned())]]);
    }
}
