//! CQL by TLS: whom we believe, what we show, and what it means when that fails.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use ostler_wire::{connector, connector_by_system};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::NAME;
use crate::Error;

const SYSTEM: &str = "the system's";
const NAMED: &str = "those in `authority`";

/// How TLS is spoken to the nodes of a ring.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    /// Whose authorities are believed.
    believed: &'static str,
    shows_certificate: bool,
    /// The name that a node's certificate is for, by its address; the host of the address where there is none.
    names: BTreeMap<String, String>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("believed", &self.believed)
            .field("shows_certificate", &self.shows_certificate)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// Why a node and we do not believe each other, and what to do.
fn untrusted(address: &str, reason: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::Untrusted {
        address: address.to_owned(),
        reason: reason.into(),
        hint: hint.into(),
    }
}

impl Tls {
    /// From what is configured of a cluster; `names` by address.
    pub(super) fn of(
        cluster: &str,
        wanted: &crate::Tls,
        names: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let own = wanted.own.as_ref();
        let made = match &wanted.authority {
            Some(authority) => connector(own, authority),
            None => connector_by_system(own),
        };
        let config = made.map_err(|error| Error::Option {
            driver: NAME,
            cluster: cluster.to_owned(),
            key: "tls".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            believed: if wanted.authority.is_some() { NAMED } else { SYSTEM },
            shows_certificate: own.is_some(),
            names,
        })
    }

    /// The name that the certificate of a node has to be for.
    fn name<'a>(&'a self, address: &'a str) -> &'a str {
        let named = self.names.get(address).map(String::as_str);
        named.unwrap_or_else(|| host(address))
    }

    /// Agrees with a node on keys.
    pub(super) async fn begin(
        &self,
        address: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Error> {
        let name = self.name(address);
        let of_node = ServerName::try_from(name.to_owned()).map_err(|_| {
            let reason = format!("`{name}` is no name that a certificate can be for");
            untrusted(address, reason, NAMES)
        })?;
        let begun = self.connector.connect(of_node, stream).await;
        begun.map_err(|error| self.broken(address, error))
    }

    /// What it means that a connection by TLS broke before anything was answered on it.
    pub(super) fn broken(&self, address: &str, error: io::Error) -> Error {
        let Some(cause) = cause(&error) else {
            return match error.kind() {
                // A server that closes at once may take the alert that says why with it.
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                    self.unbelieved(address, "it closed the connection when keys were agreed on")
                }
                _ => Error::Unreachable {
                    address: address.to_owned(),
                    source: error.into(),
                },
            };
        };
        match cause {
            rustls::Error::InvalidCertificate(wrong) => self.disbelieved(address, wrong),
            rustls::Error::InvalidMessage(_) => untrusted(
                address,
                "it does not speak TLS",
                "leave out `tls` in [cluster.NAME.driver], or name the port with TLS in `database` of the node",
            ),
            rustls::Error::AlertReceived(
                alert @ (AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure),
            ) if self.shows_certificate || *alert == AlertDescription::ProtocolVersion => untrusted(
                address,
                format!("it agrees on no version or cipher of TLS ({alert:?})"),
                "TLS 1.2 and 1.3 are spoken; look at `protocol` and `cipher_suites` in its client_encryption_options",
            ),
            rustls::Error::AlertReceived(alert) => {
                self.unbelieved(address, &format!("it refused us ({alert:?})"))
            }
            other => untrusted(
                address,
                other.to_string(),
                "look at its client_encryption_options",
            ),
        }
    }

    /// We do not believe the node.
    fn disbelieved(&self, address: &str, wrong: &CertificateError) -> Error {
        let name = self.name(address);
        match wrong {
            // The signature is wrong where another authority has the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => untrusted(
                address,
                format!(
                    "its certificate is not of an authority that is believed ({})",
                    self.believed
                ),
                "`authority` in [cluster.NAME.driver] names the file with the authority's certificate",
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                untrusted(address, format!("its certificate is not for `{name}`"), NAMES)
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => untrusted(
                address,
                "its certificate has expired",
                "renew it on that node; if it has not, this machine's clock is wrong",
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => untrusted(
                address,
                "its certificate is not valid yet",
                "this machine's clock is wrong, or that of who made the certificate",
            ),
            other => untrusted(
                address,
                format!("its certificate is not believed: {other}"),
                "make it anew; `keytool -printcert -sslserver HOST:PORT` shows it",
            ),
        }
    }

    /// The node does not believe us.
    fn unbelieved(&self, address: &str, happened: &str) -> Error {
        match self.shows_certificate {
            true => untrusted(
                address,
                format!("{happened}: it may not believe our certificate"),
                "`certificate` in [cluster.NAME.driver] has to be of an authority in the node's truststore, and valid",
            ),
            false => untrusted(
                address,
                format!("{happened}: it may want a certificate of ours, and none is configured"),
                "`certificate` and `key` in [cluster.NAME.driver] are what is shown to it",
            ),
        }
    }
}

const NAMES: &str = "`database_certificate_name` of the node says which name its certificate is for, where it is not the host of `database`";

fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// What rustls says, inside an error of the connection.
fn cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What to say of a node that speaks TLS, where it is not configured.
pub(super) fn is_needed(address: &str) -> Error {
    untrusted(
        address,
        "it speaks TLS only",
        "write `tls = true` into [cluster.NAME.driver]",
    )
}

/// Whether TLS is spoken there. Nobody is believed for it: it is enough that there is a certificate to doubt.
pub(super) async fn is_spoken_at(address: &str) -> bool {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let Ok(config) = config.with_safe_default_protocol_versions() else {
        return false;
    };
    let config = config
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let (Ok(stream), Ok(name)) = (
        TcpStream::connect(address).await,
        ServerName::try_from(host(address).to_owned()),
    ) else {
        return false;
    };
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(_) => true,
        Err(error) => matches!(
            cause(&error),
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_))
        ),
    }
}

#[cfg(test)]
mod tests;
