//! The agent's side: who is let in, and what is answered.

mod tally;
mod work;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ostler_api::Node;
use ostler_api::metrics::{Family, Metrics, prometheus};
use ostler_vocabulary::{ErrorKind, Failure, Secret, Timestamp, VaultId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::message::{Ask, Envelope, FailureDocument};
use crate::{Error, Fence, Versions};
pub use tally::Tally;
use work::Asked;

/// The longest request: paths that a restore may remove are listed in it.
const LONGEST: usize = 64 << 20;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long who was refused may take to end its connection. A busy machine takes seconds to send the request after which it looks
/// for an answer.
const PARTING: Duration = HANDSHAKE;
/// How many connections there may be at a time.
const CONNECTIONS: usize = 64;

type Body =
    http_body_util::Either<Full<Bytes>, StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>>;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The cluster's name.
    pub cluster: String,
    /// The vault that is meant.
    pub vault: Option<VaultId>,
}

/// What an agent answers with.
#[async_trait]
pub trait Host: fmt::Debug + Send + Sync {
    /// The node that does what is asked for, and refuses what this agent may not touch.
    ///
    /// # Errors
    /// When the vault that is meant is not the agent's, or cannot be opened.
    async fn node(&self, caller: &Caller, ask: &Ask) -> Result<Arc<dyn Node>, Failure>;

    /// Metrics of its own, beside those of requests.
    async fn families(&self) -> Vec<Family> {
        Vec::new()
    }
}

/// An agent's end of the wire.
#[derive(Debug)]
pub struct Service {
    /// Does the work.
    pub host: Arc<dyn Host>,
    /// Which coordinators still count.
    pub fence: Arc<Fence>,
    /// The token that lets in who has no certificate.
    pub token: Option<Secret>,
    /// What it was asked for and what came of it.
    pub tally: Tally,
    /// What it says it speaks.
    pub versions: Versions,
    /// How often it shows life.
    pub beat: Duration,
}

/// Answers until it is told to stop; then ends what is open.
/// A connection that cannot be accepted is logged, and the next one is waited for.
pub async fn serve(listener: TcpListener, tls: TlsAcceptor, service: Arc<Service>, stop: CancellationToken) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = open.join_next(), if !open.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection ended by a defect");
                }
            }
            accepted = listener.accept(), if open.len() < CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    let (tls, service) = (tls.clone(), Arc::clone(&service));
                    let conversation = async move {
                        if let Err(reason) = converse(stream, &tls, service).await {
                            tracing::warn!(%peer, %reason, "a connection ended");
                        }
                    };
                    open.spawn(conversation.in_current_span());
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
    open.shutdown().await;
}

async fn converse(stream: TcpStream, tls: &TlsAcceptor, service: Arc<Service>) -> Result<(), String> {
    // An answer is many small pieces. Held back until the one before was acknowledged, each would take 40 ms.
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, tls.accept(stream).into_fallible()).await {
        Ok(Ok(stream)) => stream,
        Ok(Err((error, refused))) => {
            part(refused).await;
            return Err(error.to_string());
        }
        Err(_) => return Err("the handshake took too long".to_owned()),
    };
    // Only certificates that the authority signed for clients get this far.
    let certified = stream.get_ref().1.peer_certificates().is_some();
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request, certified).await) }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), answer)
        .await
        .map_err(|error| error.to_string())
}

/// Ends a connection that was refused, once the other side has ended it. Whoever is refused for its certificate has sent
/// its request by then: closing before that was read would take back the alert that says why.
async fn part(mut refused: TcpStream) {
    let reading = async {
        let _ = refused.shutdown().await;
        let mut rest = [0; 4096];
        while refused.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    };
    let _ = tokio::time::timeout(PARTING, reading).await;
}

impl Service {
    async fn answer(&self, request: Request<Incoming>, certified: bool) -> Response<Body> {
        if !certified && !self.has_token(&request) {
            self.tally.refuse();
            let failure = Failure::new(
                ErrorKind::Denied,
                "this agent answers who has a client's certificate of its cluster, or its token",
            )
            .with_hint("[cluster.NAME] has `certificate` and `key`, or `token`");
            return refused(StatusCode::UNAUTHORIZED, &failure);
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/versions") => json(StatusCode::OK, &self.versions),
            (&Method::GET, "/metrics") => {
                let mut families = self.tally.families();
                families.extend(self.host.families().await);
                let at = Timestamp::now();
                plain(prometheus(&Metrics { at, families }))
            }
            (&Method::POST, path) if let Some(version) = self.spoken(path) => {
                match self.work(request, version).await {
                    Ok(lines) => streamed(lines),
                    Err(failure) => refused(StatusCode::BAD_REQUEST, &failure),
                }
            }
            (_, path) => {
                let failure = Failure::new(
                    ErrorKind::Unsupported,
                    format!("this agent (Ostler {}) has no {path}", self.versions.program),
                );
                refused(StatusCode::NOT_FOUND, &failure)
            }
        }
    }

    /// The version of a request's path, if it is spoken here.
    fn spoken(&self, path: &str) -> Option<u32> {
        let version = path.strip_prefix("/v")?.strip_suffix("/ask")?.parse().ok()?;
        (self.versions.oldest..=self.versions.newest)
            .contains(&version)
            .then_some(version)
    }

    fn has_token(&self, request: &Request<Incoming>) -> bool {
        let shown = request.headers().get(header::AUTHORIZATION);
        let shown = shown.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        match (&self.token, shown) {
            // Hashes are compared in constant time.
            (Some(token), Some(shown)) => {
                blake3::hash(token.reveal().as_bytes()) == blake3::hash(shown.as_bytes())
            }
            _ => false,
        }
    }

    /// Reads the request, lets it in, and gives the lines that answer it. They come as the work goes on, and dropping them
    /// stops it.
    async fn work(
        &self,
        request: Request<Incoming>,
        version: u32,
    ) -> Result<BoxStream<'static, Bytes>, Failure> {
        let invalid = |reason: String| {
            Failure::new(
                ErrorKind::Invalid,
                format!("the request cannot be read: {reason}"),
            )
        };
        let read = Limited::new(request.into_body(), LONGEST).collect().await;
        let body = read.map_err(|error| invalid(error.to_string()))?.to_bytes();
        let envelope: Envelope = serde_json::from_slice(&body).map_err(|error| invalid(error.to_string()))?;
        if envelope.since() > version {
            return Err(invalid(format!(
                "version {version} of the protocol has no such {}",
                envelope.ask.name()
            )));
        }
        let Envelope {
            cluster,
            vault,
            epoch,
            operation,
            ask,
        } = envelope;
        // Of the highest level, so that whatever is logged within says for whom it was.
        let operation = operation.map(tracing::field::display);
        let span = tracing::error_span!("request", ask = ask.name(), %cluster, operation);
        span.in_scope(|| tracing::info!(epoch, version, "asked to {}", ask.name()));
        let pass = match (ask.writes(), vault) {
            (false, _) => None,
            (true, None) => return Err(Error::NoLease.into()),
            (true, Some(vault)) => {
                let (fence, cluster) = (Arc::clone(&self.fence), cluster.clone());
                let entered = tokio::task::spawn_blocking(move || fence.enter(&cluster, vault, epoch)).await;
                match entered {
                    Ok(pass) => Some(pass?),
                    Err(_) => return Err(Failure::new(ErrorKind::Internal, "a worker stopped by a defect")),
                }
            }
        };
        let caller = Caller { cluster, vault };
        let asked = Asked { caller, ask, pass };
        Ok(work::lines(
            Arc::clone(&self.host),
            asked,
            &self.tally,
            self.beat,
            span,
        ))
    }
}

fn refused(status: StatusCode, failure: &Failure) -> Response<Body> {
    json(status, &FailureDocument::from(failure))
}

fn json(status: StatusCode, document: &impl serde::Serialize) -> Response<Body> {
    let text = serde_json::to_vec(document).unwrap_or_default();
    let mut response = Response::new(Body::Left(Full::new(text.into())));
    *response.status_mut() = status;
    typed(&mut response, "application/json");
    response
}

fn plain(text: String) -> Response<Body> {
    let mut response = Response::new(Body::Left(Full::new(text.into())));
    typed(&mut response, "text/plain; version=0.0.4");
    response
}

fn streamed(lines: BoxStream<'static, Bytes>) -> Response<Body> {
    let frames = lines.map(|line| Ok(Frame::data(line))).boxed();
    let mut response = Response::new(Body::Right(StreamBody::new(frames)));
    typed(&mut response, "application/x-ndjson");
    response
}

fn typed(response: &mut Response<Body>, kind: &'static str) {
    let kind = header::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
}
