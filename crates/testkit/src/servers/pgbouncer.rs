//! PgBouncer, a pooler, before a PostgreSQL server.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::ports::attempts;
use super::{Postgres, Server, Wire, free_ports};
use crate::install::servant::give_to_servant;
use crate::install::{or_skip, postgres};

const READY: Duration = Duration::from_secs(30);

/// A running pooler that lets everybody in as the superuser of the server behind it.
#[derive(Debug)]
pub struct PgBouncer {
    server: Server,
    port: u16,
}

/// Starts a pooler before this server, after getting it if need be. `None`: it cannot be had here, and a line that says
/// so was printed.
///
/// `mode` is `session`, `transaction` or `statement`; `more` are lines of its configuration.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names `pgbouncer`.
#[must_use]
pub fn pgbouncer(behind: &Postgres, mode: &str, more: &str) -> Option<PgBouncer> {
    or_skip("pgbouncer", attempts(|| PgBouncer::start(behind, mode, more)))
}

impl PgBouncer {
    fn start(behind: &Postgres, mode: &str, more: &str) -> Result<Self> {
        // The server's supervisor removes it.
        let directory = tempfile::Builder::new()
            .prefix("ostler-pgbouncer-")
            .tempdir()?
            .keep();
        let [port] = free_ports()?;
        let settings = directory.join("pgbouncer.ini");
        fs::write(
            &settings,
            format!(
                "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
                 listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n{more}\n",
                behind.port()
            ),
        )?;
        give_to_servant(&directory)?;
        let mut command = postgres::pgbouncer()?;
        command.arg(&settings);
        let server = Server::start(&directory, Path::new(command.get_program()), command.get_args())?;
        server.wait_until(READY, || Wire::connect(port, "postgres", "postgres").is_ok())?;
        Ok(Self { server, port })
    }

    /// The address of a database behind it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}
