//! fake-gcs-server: Google Cloud Storage's stand-in, by its JSON interface.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::http::exchange;
use super::ports::attempts;
use super::{Server, free_ports};
use crate::install;

const READY: Duration = Duration::from_secs(30);

/// A running service with one empty bucket. It asks for no credentials.
#[derive(Debug)]
pub struct FakeGcs {
    server: Server,
    port: u16,
}

/// Starts a service for this test, after getting it if need be. `None`: it cannot be had here, and a line that says
/// so was printed.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names `fake-gcs`.
#[must_use]
pub fn fake_gcs() -> Option<FakeGcs> {
    install::or_skip("fake-gcs", FakeGcs::start())
}

impl FakeGcs {
    /// The bucket.
    pub const BUCKET: &'static str = "ostler-test";

    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be had or does not start.
    pub fn start() -> Result<Self> {
        let program = install::fake_gcs()?;
        attempts(|| Self::try_start(&program))
    }

    fn try_start(program: &Path) -> Result<Self> {
        // The server's supervisor removes it.
        let directory = tempfile::Builder::new().prefix("ostler-gcs-").tempdir()?.keep();
        let [port] = free_ports()?;
        let server = Server::start(
            &directory,
            program,
            [
                "-backend=memory".to_owned(),
                "-scheme=http".to_owned(),
                "-host=127.0.0.1".to_owned(),
                format!("-port={port}"),
                format!("-public-host=127.0.0.1:{port}"),
                format!("-external-url=http://127.0.0.1:{port}"),
                "-log-level=error".to_owned(),
            ],
        )?;
        server.wait_until(READY, || {
            exchange(port, "GET", "/storage/v1/b?project=test", "", "") == Some(200)
        })?;
        let bucket = format!("{{\"name\": \"{}\"}}", Self::BUCKET);
        let json = "Content-Type: application/json\r\n";
        let made = exchange(port, "POST", "/storage/v1/b?project=test", json, &bucket);
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
