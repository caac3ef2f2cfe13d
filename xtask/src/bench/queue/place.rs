//! One server with a database for each contender, and their tickers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ostler_testkit::install::postgres::{Release, pgqd};
use ostler_testkit::servers::{Postgres, Rows, Wire};

use crate::bench::contender;
use crate::{process, workspace};

/// The extension's database.
pub const THEIRS: &str = "theirs";
/// Ours.
pub const OURS: &str = "ours";

pub struct Place {
    pub server: Postgres,
    ostler: PathBuf,
    schema: String,
}

/// A ticker as its users run it, ended when dropped.
pub struct Ticker(Child);

impl Ticker {
    /// Seconds of processor time it has used.
    pub fn used(&self) -> Result<f64> {
        used(self.0.id())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Place {
    /// PostgreSQL 15 as Debian has it, durable, and both variants of PgQ with a queue `q`.
    pub fn start() -> Result<Self> {
        let settings = [
            ("fsync", "on"),
            ("shared_buffers", "256MB"),
            ("max_wal_size", "4GB"),
            ("checkpoint_timeout", "1h"),
            ("max_connections", "500"),
        ];
        let server = Postgres::start(Release::WithPgq, &settings)?;
        let mut print = workspace::cargo();
        print.args(["run", "--quiet", "-p", "ostler-queue", "--example", "schema"]);
        let schema = process::capture(&mut print)?;
        for (database, install) in [(THEIRS, "create extension pgq"), (OURS, schema.as_str())] {
            server.try_sql("postgres", &format!("create database {database}"))?;
            server.try_sql(database, install)?;
            server.try_sql(database, "select pgq.create_queue('q')")?;
        }
        let ostler = contender::ostler()?;
        Ok(Self {
            server,
            ostler,
            schema,
        })
    }

    /// The binary, built as its users have it.
    pub fn ostler(&self) -> &Path {
        &self.ostler
    }

    /// Our schema, in one more database.
    pub fn install(&self, database: &str) -> Result<()> {
        self.server.try_sql(database, &self.schema)?;
        Ok(())
    }

    /// Starts the ticker of a contender for these databases, and waits until the first of them is ticked.
    pub fn ticker(&self, ours: bool, databases: &[String]) -> Result<Ticker> {
        let directory = self.server.directory().join(if ours { "ostler" } else { "pgqd" });
        fs::create_dir_all(&directory)?;
        let mut command = if ours {
            let mut command = Command::new(&self.ostler);
            let (url, words) = (self.server.url("postgres"), ["queue", "ticker", "--dsn"]);
            command.args(words).arg(url);
            command.arg(format!("--databases={}", databases.join(",")));
            command
        } else {
            // Its own defaults but for what names the server.
            let settings = directory.join("pgqd.ini");
            let base = format!("host=127.0.0.1 port={} user=postgres", self.server.port());
            let place = directory.display();
            let names = databases.join(",");
            fs::write(
                &settings,
                format!(
                    "[pgqd]\nlogfile = {place}/log\npidfile = {place}/pid\nbase_connstr = {base}\ninitial_database = postgres\ndatabase_list = {names}\nsyslog = 0\n"
                ),
            )?;
            let mut command = pgqd()?;
            command.arg("-q").arg(settings);
            command
        };
        command
            .env("OSTLER_STATE_DIR", &directory)
            .env("HOME", &directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let ticker = Ticker(command.spawn().context("the ticker does not start")?);
        let database = databases.first().context("no databases")?;
        let start = Instant::now();
        let ticks = "select count(*) from pgq.tick";
        let before = self.server.try_sql(database, ticks)?;
        self.server
            .try_sql(database, "select pgq.force_tick(queue_name) from pgq.queue")?;
        while self.server.try_sql(database, ticks)? == before {
            ensure!(
                start.elapsed() < Duration::from_secs(30),
                "the ticker does not tick"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(ticker)
    }

    /// A session that does not wait for the disk.
    pub fn session(&self, database: &str) -> Result<Session> {
        let mut wire = self.server.wire(database)?;
        let pid = text(&wire.query(
            "set synchronous_commit = off; set client_min_messages = error; select pg_backend_pid()",
        )?)?;
        Ok(Session { wire, pid })
    }
}

pub struct Session {
    wire: Wire,
    pid: String,
}

impl Session {
    pub fn run(&mut self, statements: &str) -> Result<Rows> {
        self.wire.query(statements)
    }

    /// Seconds of processor time that the server's process spent on the statements: what others do on the machine changes
    /// it little.
    pub fn cpu(&mut self, statements: &str) -> Result<f64> {
        let before = self.used()?;
        self.wire.query(statements)?;
        Ok(self.used()? - before)
    }

    fn used(&self) -> Result<f64> {
        used(self.pid.parse().context("a process id")?)
    }
}

/// Seconds of processor time that a process has used, by all its threads.
pub fn used(pid: u32) -> Result<f64> {
    let mut seconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread that ended meanwhile has taken its share along.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        let nanoseconds: f64 = text
            .split(' ')
            .next()
            .unwrap_or_default()
            .parse()
            .context("schedstat")?;
        seconds += nanoseconds / 1e9;
    }
    Ok(seconds)
}

/// The first value.
pub fn text(rows: &Rows) -> Result<String> {
    rows.first()
        .and_then(|row| row.first())
        .cloned()
        .flatten()
        .context("no answer")
}
