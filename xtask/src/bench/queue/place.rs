//! One server with a database for each contender.

use anyhow::{Context, Result};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{Postgres, Rows, Wire};

use crate::{process, workspace};

/// The extension's database.
pub const THEIRS: &str = "theirs";
/// Ours.
pub const OURS: &str = "ours";

pub struct Place {
    pub server: Postgres,
}

impl Place {
    /// PostgreSQL 15 as Debian has it, durable, and both variants of PgQ with a queue `q`.
    pub fn start() -> Result<Self> {
        let settings = [
            ("fsync", "on"),
            ("shared_buffers", "256MB"),
            ("max_wal_size", "4GB"),
            ("checkpoint_timeout", "1h"),
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
        Ok(Self { server })
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
        let text = std::fs::read_to_string(format!("/proc/{}/schedstat", self.pid))?;
        let nanoseconds: f64 = text
            .split(' ')
            .next()
            .unwrap_or_default()
            .parse()
            .context("schedstat")?;
        Ok(nanoseconds / 1e9)
    }
}

/// The first value.
pub fn text(rows: &Rows) -> Result<String> {
    rows.first()
        .and_then(|row| row.first())
        .cloned()
        .flatten()
        .context("no answer")
}
