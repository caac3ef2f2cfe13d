//! Where connections come in: plain, or by TLS with a certificate that is read again when its files change.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::Error;

/// How long somebody has to agree on keys.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections that agree on keys at once; more wait to be accepted.
const HANDSHAKES: usize = 256;

/// A certificate with its key, in files that may change at any time.
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    current: Mutex<Current>,
}

struct Current {
    acceptor: TlsAcceptor,
    /// What the files were when they were last looked at, whether or not they could be used.
    seen: Seen,
}

type Seen = [Option<(SystemTime, u64)>; 2];

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads a certificate with its chain, and its key, from files in PEM.
    ///
    /// # Errors
    /// When they cannot be read or do not belong together.
    pub fn open(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, Error> {
        let (certificate, key) = (certificate.into(), key.into());
        let seen = seen(&certificate, &key);
        let acceptor = acceptor(&certificate, &key)?;
        Ok(Self {
            certificate,
            key,
            current: Mutex::new(Current { acceptor, seen }),
        })
    }

    /// What accepts a connection now. Files that changed are read again; while they cannot be used, those from before are.
    fn acceptor(&self) -> TlsAcceptor {
        let seen = seen(&self.certificate, &self.key);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.seen != seen {
            current.seen = seen;
            match acceptor(&self.certificate, &self.key) {
                Ok(acceptor) => {
                    tracing::info!(certificate = %self.certificate.display(), "the certificate was read again");
                    current.acceptor = acceptor;
                }
                Err(error) => {
                    let error = ostler_vocabulary::Failure::from(error);
                    tracing::error!(?error, "the certificate stays as it was");
                }
            }
        }
        current.acceptor.clone()
    }
}

fn seen(certificate: &Path, key: &Path) -> Seen {
    [certificate, key].map(|path| {
        let metadata = path.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Error> {
    let wrong = |path: &Path, reason: String| Error::Certificate {
        path: path.to_owned(),
        reason,
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = match chain {
        Ok(chain) if chain.is_empty() => Err("there is no certificate in it".to_owned()),
        other => other.map_err(|error| error.to_string()),
    };
    let chain = chain.map_err(|reason| wrong(certificate, reason))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| wrong(certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A listener that agrees on keys where there is a certificate.
pub(crate) struct Door {
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    /// Those that do; others come in meanwhile. Ended with the door.
    at_it: JoinSet<io::Result<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl Door {
    pub fn new(listener: TcpListener, certificate: Option<Arc<Certificate>>) -> Self {
        Self {
            listener,
            certificate,
            at_it: JoinSet::new(),
        }
    }
}

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let Some(certificate) = &self.certificate else {
            let (stream, from) = Listener::accept(&mut self.listener).await;
            return (Connection::Plain(stream), from);
        };
        loop {
            tokio::select! {
                (stream, from) = Listener::accept(&mut self.listener), if self.at_it.len() < HANDSHAKES => {
                    let acceptor = certificate.acceptor();
                    self.at_it.spawn(async move {
                        let agreed = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
                        Ok((agreed.map_err(io::Error::other)??, from))
                    });
                }
                Some(done) = self.at_it.join_next() => match done {
                    Ok(Ok((stream, from))) => return (Connection::Encrypted(Box::new(stream)), from),
                    Ok(Err(error)) => tracing::debug!(%error, "somebody did not agree on keys"),
                    Err(error) => tracing::error!(%error, "agreeing on keys stopped by a defect"),
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that came in.
pub(crate) enum Connection {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// Has small pieces, such as events are, sent without waiting for what came before to be acknowledged.
    pub fn hurry(&self) {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Encrypted(stream) => stream.get_ref().0,
        };
        let _ = stream.set_nodelay(true);
    }
}

/// Does the same with either.
macro_rules! either {
    ($connection:expr, $stream:ident => $done:expr) => {
        match $connection.get_mut() {
            Connection::Plain($stream) => {
                let $stream = Pin::new($stream);
                $done
            }
            Connection::Encrypted($stream) => {
                let $stream = Pin::new($stream.as_mut());
                $done
            }
        }
    };
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Encrypted(stream) => stream.is_write_vectored(),
        }
    }
}
