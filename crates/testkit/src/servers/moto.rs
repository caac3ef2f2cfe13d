//! An old moto: an S3 service that takes `If-None-Match: *` with a PUT, and replaces the object all the same.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::http::exchange;
use super::ports::attempts;
use super::{Server, free_ports};
use crate::install;

const READY: Duration = Duration::from_secs(60);

/// A running service with one empty bucket. It takes any credentials.
#[derive(Debug)]
pub struct Moto {
    server: Server,
    port: u16,
}

/// Starts a service for this test, after getting it if need be. `None`: it cannot be had here, and a line that says
/// so was printed.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names `moto`.
#[must_use]
pub fn moto() -> Option<Moto> {
    install::or_skip("moto", Moto::start())
}

impl Moto {
    /// The bucket.
    pub const BUCKET: &'static str = "ostler-test";

    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be had or does not start.
    pub fn start() -> Result<Self> {
        let python = install::moto()?;
        attempts(|| Self::try_start(&python))
    }

    fn try_start(python: &Path) -> Result<Self> {
        // The server's supervisor removes it.
        let directory = tempfile::Builder::new().prefix("ostler-moto-").tempdir()?.keep();
        let [port] = free_ports()?;
        let port_text = port.to_string();
        let server = Server::start(
            &directory,
            python,
            ["-m", "moto.server", "-H", "127.0.0.1", "-p", &port_text],
        )?;
        server.wait_until(READY, || exchange(port, "GET", "/", "", "").is_some())?;
        let made = exchange(port, "PUT", &format!("/{}", Self::BUCKET), "", "");
        ensure!(
            made == Some(200),
            "the service answered {made:?} when asked for a bucket"
        );
        Ok(Self { server, port })
    }

    /// The address of the service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}
