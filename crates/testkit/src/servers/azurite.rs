//! Azurite: Azure Blob Storage's stand-in by its maker.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::http::exchange;
use super::ports::attempts;
use super::{Server, free_ports};
use crate::install;

/// A request signed by the account's key:
/// <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>.
const MAKE_CONTAINER: &str = r#"
import base64, email.utils, hashlib, hmac, sys, urllib.request
account, key, container, port = sys.argv[1:]
headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
named = "".join(f"{name}:{value}\n" for name, value in headers.items())
text = "PUT" + "\n" * 12 + named + f"/{account}/{account}/{container}\nrestype:container"
code = base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), hashlib.sha256)).decode()
headers["Authorization"] = f"SharedKey {account}:{code}"
url = f"http://127.0.0.1:{port}/{account}/{container}?restype=container"
urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers))
"#;
const READY: Duration = Duration::from_secs(60);

/// A running service with one empty container.
#[derive(Debug)]
pub struct Azurite {
    server: Server,
    port: u16,
}

/// Starts a service for this test, after getting it if need be. `None`: it cannot be had here, and a line that says
/// so was printed.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names `azurite`.
#[must_use]
pub fn azurite() -> Option<Azurite> {
    install::or_skip("azurite", Azurite::start())
}

impl Azurite {
    /// The storage account.
    pub const ACCOUNT: &'static str = "ostlertest";
    /// Its key.
    pub const KEY: &'static str = "b3N0bGVyIHRlc3Qga2V5";
    /// The container.
    pub const CONTAINER: &'static str = "ostler-test";

    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be had or does not start.
    pub fn start() -> Result<Self> {
        let script = install::azurite()?;
        attempts(|| Self::try_start(&script))
    }

    fn try_start(script: &Path) -> Result<Self> {
        // The server's supervisor removes it.
        let directory = tempfile::Builder::new()
            .prefix("ostler-azurite-")
            .tempdir()?
            .keep();
        let [port] = free_ports()?;
        let account = format!("AZURITE_ACCOUNTS={}:{}", Self::ACCOUNT, Self::KEY);
        let server = Server::start(
            &directory,
            Path::new("env"),
            [
                account.as_ref(),
                "node".as_ref(),
                script.as_os_str(),
                "--blobHost".as_ref(),
                "127.0.0.1".as_ref(),
                "--blobPort".as_ref(),
                port.to_string().as_ref(),
                "--location".as_ref(),
                directory.join("data").as_os_str(),
                "--silent".as_ref(),
                "--skipApiVersionCheck".as_ref(),
                "--disableTelemetry".as_ref(),
            ],
        )?;
        let path = format!("/{}?comp=list", Self::ACCOUNT);
        server.wait_until(READY, || exchange(port, "GET", &path, "", "").is_some())?;
        let this = Self { server, port };
        this.make_container()?;
        Ok(this)
    }

    /// The service's address with the account in it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.port, Self::ACCOUNT)
    }

    /// The process.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    fn make_container(&self) -> Result<()> {
        let made = Command::new("python3")
            .args(["-c", MAKE_CONTAINER, Self::ACCOUNT, Self::KEY, Self::CONTAINER])
            .arg(self.port.to_string())
            .output()
            .context("cannot run python3")?;
        ensure!(
            made.status.success(),
            "no container was made: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        Ok(())
    }
}
