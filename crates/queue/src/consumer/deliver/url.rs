//! A URL, asked for each delivery.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Answer, DeliverError, Receiver};
use crate::consumer::{BatchInfo, Event};

/// Bytes of a failure's body that an error shows.
const SHOWN: usize = 500;
/// Bytes of a batch that are kept until they are sent. A smaller one is sent as a whole, with its length.
const HELD: usize = 1 << 20;
/// How long a receiver may take for a piece, and for its answer to the last one.
const PATIENCE: Duration = Duration::from_secs(300);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Seconds of `Retry-After`, when it is a number.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a request sends.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// A piece after the other: a batch may be larger than memory.
    Pieces(Pieces),
}

/// The pieces of a body.
#[derive(Debug)]
pub struct Pieces(mpsc::Receiver<Option<Vec<u8>>>);

/// The batch could not be read to its end, so the request must not come to a regular end either.
#[derive(Debug, thiserror::Error)]
#[error("the delivery was given up")]
pub struct GivenUp;

impl Pieces {
    /// The next piece; `None` after the last.
    ///
    /// # Errors
    /// When there was no last one.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, GivenUp> {
        self.0.recv().await.ok_or(GivenUp)
    }
}

/// Sends one request. This crate has no HTTP client of its own: whoever runs the consumer brings one.
///
/// The contract: one POST of this body with these headers, no redirects followed, no request repeated; an error only when
/// there was no answer. A body whose pieces were given up has no regular end: the receiver must be able to tell.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends it and waits for the answer.
    ///
    /// # Errors
    /// When there is none.
    async fn post(
        &self,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: Body,
    ) -> Result<Reply, Box<dyn Error + Send + Sync>>;
}

type Posted = Result<Reply, Box<dyn Error + Send + Sync>>;

/// Posts events to a URL: an event as `application/json`, a batch as `application/x-ndjson`.
///
/// `Idempotency-Key` is the same whenever the same event or batch is sent again, so that a receiver can tell. A status of 2xx
/// means done, 429 and 503 not now (with `Retry-After` in seconds, if the receiver knows), any other failed.
pub struct Url<C> {
    client: Arc<C>,
    url: String,
    headers: Vec<(&'static str, String)>,
    held: Vec<u8>,
    sending: Option<Sending>,
}

/// A request whose body is sent while the batch is read.
struct Sending {
    /// `None` is the end.
    pieces: mpsc::Sender<Option<Vec<u8>>>,
    posted: Pin<Box<dyn Future<Output = Posted> + Send>>,
    /// Its outcome, once there is one; perhaps before the body's end.
    reply: Option<Posted>,
}

impl Sending {
    /// Hands over one more, while the request goes on.
    async fn push(&mut self, piece: Option<Vec<u8>>) {
        if self.reply.is_some() {
            // It does not want the rest.
            return;
        }
        tokio::select! {
            // When nobody takes it any more, the request has ended and says how.
            _ = self.pieces.send(piece) => {}
            reply = &mut self.posted => self.reply = Some(reply),
            () = tokio::time::sleep(PATIENCE) => self.reply = Some(Err(late())),
        }
    }

    async fn end(mut self) -> Posted {
        self.push(None).await;
        match self.reply {
            Some(reply) => reply,
            None => timeout(PATIENCE, self.posted)
                .await
                .unwrap_or_else(|_| Err(late())),
        }
    }
}

fn late() -> Box<dyn Error + Send + Sync> {
    format!("it did nothing for {} s", PATIENCE.as_secs()).into()
}

impl<C> std::fmt::Debug for Url<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Url({})", shown(&self.url))
    }
}

impl<C: Http> Url<C> {
    /// The URL and who sends.
    #[must_use]
    pub fn new(client: C, url: impl Into<String>) -> Self {
        Self {
            client: Arc::new(client),
            url: url.into(),
            headers: Vec::new(),
            held: Vec::new(),
            sending: None,
        }
    }
}

impl<C: Http + 'static> Url<C> {
    /// A request that waits for its pieces.
    fn start(&mut self) -> Sending {
        let (pieces, taken) = mpsc::channel(1);
        let (client, url) = (Arc::clone(&self.client), self.url.clone());
        let headers = std::mem::take(&mut self.headers);
        Sending {
            pieces,
            posted: Box::pin(async move { client.post(&url, headers, Body::Pieces(Pieces(taken))).await }),
            reply: None,
        }
    }
}

#[async_trait]
impl<C: Http + 'static> Receiver for Url<C> {
    async fn begin(&mut self, batch: &BatchInfo, event: Option<&Event>) -> Result<(), DeliverError> {
        // Ticks and events keep their numbers; a batch that is taken over gets another one.
        let key = match event {
            Some(event) => {
                let retry = event.ev_retry.unwrap_or(0);
                format!("{}/{}/{}/{retry}", batch.queue, batch.consumer, event.ev_id)
            }
            None => format!("{}/{}/tick-{}", batch.queue, batch.consumer, batch.tick_id),
        };
        let kind = if event.is_some() {
            "application/json"
        } else {
            "application/x-ndjson"
        };
        self.headers = vec![
            ("content-type", kind.to_owned()),
            ("idempotency-key", key),
            ("x-pgq-queue", batch.queue.clone()),
            ("x-pgq-batch-id", batch.batch_id.to_string()),
            ("x-pgq-tick-id", batch.tick_id.to_string()),
        ];
        self.held.clear();
        self.sending = None;
        Ok(())
    }

    async fn more(&mut self, lines: &[u8]) -> Result<(), DeliverError> {
        self.held.extend_from_slice(lines);
        if self.held.len() >= HELD {
            let piece = std::mem::take(&mut self.held);
            let mut sending = match self.sending.take() {
                Some(sending) => sending,
                None => self.start(),
            };
            sending.push(Some(piece)).await;
            self.sending = Some(sending);
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<Answer, DeliverError> {
        let rest = std::mem::take(&mut self.held);
        let posted = match self.sending.take() {
            None => {
                let headers = std::mem::take(&mut self.headers);
                self.client.post(&self.url, headers, Body::Whole(rest)).await
            }
            Some(mut sending) => {
                sending.push(Some(rest)).await;
                sending.end().await
            }
        };
        let reply = posted.map_err(|source| DeliverError::NoAnswer {
            url: shown(&self.url),
            source,
        })?;
        Ok(match reply.status {
            200..300 => Answer::Done(reply.body),
            429 | 503 => Answer::Later(reply.retry_after.map(Duration::from_secs)),
            status => {
                let body: String = String::from_utf8_lossy(&reply.body).chars().take(SHOWN).collect();
                Answer::Failed(format!("status {status}: {}", body.trim()))
            }
        })
    }
}

/// A URL without what may be secret in it.
pub(super) fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests;
