//! The role `api`: the HTTP API and the dashboard.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use ostler_vocabulary::{Clock, ErrorKind, Failure, Secret};
use ostler_web::{Access, Certificate, Site};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::role::{Role, Turn};
use crate::Runtime;
use crate::audit::Audited;
use crate::runtime::blocking;
use crate::settings::Settings;
use crate::settings::reference::expanded;

/// Where it listens when nobody says where.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);
/// Where the address is written while it listens.
const FILE: &str = "api.url";

/// What the role is told on the command line.
#[derive(Debug, Clone, Default)]
pub struct ApiRequest {
    /// The address and port; 127.0.0.1:7070 unless given.
    pub listen: Option<SocketAddr>,
    /// Names by which browsers may call it.
    pub names: Vec<String>,
    /// Whether it may listen where others on the network can read what is said.
    pub plain_http: bool,
    /// Who is told where it listens, and the link by which the first admin comes in.
    pub notes: Option<mpsc::Sender<String>>,
}

pub(super) struct Api {
    request: ApiRequest,
    runtime: watch::Receiver<Runtime>,
    clock: Arc<dyn Clock>,
}

impl Api {
    pub fn new(request: ApiRequest, runtime: watch::Receiver<Runtime>, clock: Arc<dyn Clock>) -> Self {
        Self {
            request,
            runtime,
            clock,
        }
    }

    async fn note(&self, text: String) {
        if let Some(notes) = &self.request.notes {
            // Who does not listen any more need not be told.
            let _ = notes.send(text).await;
        }
    }
}

/// Where it is reached: a certificate is for names, and who listens on all addresses is called by a name, or else from this
/// machine.
fn url_at(address: SocketAddr, encrypted: bool, names: &[String]) -> String {
    let scheme = if encrypted { "https" } else { "http" };
    let anywhere = address.ip().is_unspecified();
    let host = match names.first().filter(|_| encrypted || anywhere) {
        Some(name) => format!("{name}:{}", address.port()),
        None if anywhere => {
            let loopback: IpAddr = match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            SocketAddr::new(loopback, address.port()).to_string()
        }
        None => address.to_string(),
    };
    format!("{scheme}://{host}")
}

#[async_trait]
impl Role for Api {
    fn name(&self) -> &'static str {
        "api"
    }

    async fn run(&self, turn: Turn) -> Result<(), Failure> {
        let address = self.request.listen.unwrap_or(ADDRESS);
        let (settings, place) = {
            let runtime = self.runtime.borrow();
            (runtime.settings().clone(), runtime.place().clone())
        };
        let certificate = certificate(&settings)?;
        if !address.ip().is_loopback() && certificate.is_none() && !self.request.plain_http {
            let message = format!(
                "{address} is not an address of this machine only, and what is said there is not encrypted"
            );
            return Err(Failure::new(ErrorKind::Refused, message).with_hint(
                "name a certificate and its key in `[serve]` of the configuration; or listen on 127.0.0.1 behind a proxy with TLS and `--name NAME`, or say `--plain-http` on a network that you trust",
            ));
        }
        let failed = |source: std::io::Error| {
            let kind = match source.kind() {
                std::io::ErrorKind::AddrInUse => ErrorKind::Busy,
                std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Internal,
            };
            Failure::new(kind, source.to_string()).context(format!("cannot listen on {address}"))
        };
        let state_directory = settings.state_directory;
        // As long as it does not listen, nobody is told that it does.
        let _ = std::fs::remove_file(state_directory.join(FILE));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let clock = Arc::clone(&self.clock);
        let access = blocking(move || Ok(Access::open(&place, clock)?)).await?;
        let access = Arc::new(access);
        let url = url_at(address, certificate.is_some(), &self.request.names);
        let shown = Shown::write(&state_directory, &url)?;
        // Whoever waits for the address knows then whether there is a link.
        if let Some(link) = access.first_link()? {
            self.note(format!("sign in once, within the hour: {}", enter(&url, &link)))
                .await;
        }
        self.note(format!("the dashboard and the API are at {url}")).await;
        let (runtime, witness) = (self.runtime.clone(), self.runtime.clone());
        let site = Site {
            client: Box::new(move |by| Arc::new(Audited::new(runtime.borrow().clone(), by))),
            witness: Box::new(move || Arc::new(witness.borrow().clone())),
            access,
            clock: Arc::clone(&self.clock),
            names: self.request.names.clone(),
            certificate,
        };
        turn.ready();
        ostler_web::serve(listener, site, turn.stop).await?;
        drop(shown);
        Ok(())
    }
}

/// The certificate that the configuration names, if it names one.
fn certificate(settings: &Settings) -> Result<Option<Arc<Certificate>>, Failure> {
    let serve = &settings.file.serve;
    let (Some(certificate), Some(key)) = (&serve.certificate, &serve.key) else {
        return Ok(None);
    };
    let [certificate, key] =
        [certificate, key].map(|path| settings.base().join(expanded(path, &settings.environment)));
    Ok(Some(Arc::new(Certificate::open(certificate, key)?)))
}

/// The address by which somebody comes in once.
#[must_use]
pub fn enter(url: &str, link: &Secret) -> String {
    format!("{url}/enter/{}", link.reveal())
}

/// Where the server of a state directory listens, as it wrote when it began; `None` when none runs, or it does not listen.
#[must_use]
pub fn address(state_directory: &Path) -> Option<String> {
    // Who was killed left its file.
    super::running(state_directory)?;
    std::fs::read_to_string(state_directory.join(FILE)).ok()
}

/// The address in a file, as long as it is true.
struct Shown(PathBuf);

impl Shown {
    fn write(state_directory: &Path, url: &str) -> Result<Self, Failure> {
        let path = state_directory.join(FILE);
        std::fs::write(&path, url).map_err(|source| crate::Error::Write {
            what: "the address of the server",
            path: path.clone(),
            source,
        })?;
        Ok(Self(path))
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_that_can_be_opened() {
        let names = ["ostler.example".to_owned()];
        for (address, encrypted, names, expected) in [
            ("127.0.0.1:7070", false, &[][..], "http://127.0.0.1:7070"),
            ("127.0.0.1:7070", false, &names, "http://127.0.0.1:7070"),
            ("127.0.0.1:7070", true, &names, "https://ostler.example:7070"),
            ("0.0.0.0:7070", false, &[], "http://127.0.0.1:7070"),
            ("[::]:7070", true, &[], "https://[::1]:7070"),
            ("0.0.0.0:7070", false, &names, "http://ostler.example:7070"),
        ] {
            assert_eq!(url_at(address.parse().unwrap(), encrypted, names), expected);
        }
    }
}
