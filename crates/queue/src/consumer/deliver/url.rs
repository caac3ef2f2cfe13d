//! A URL, asked for each delivery.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;

use super::{Answer, DeliverError, Receiver};
use crate::consumer::{BatchInfo, Event};

/// Bytes of a failure's body that an error shows.
const SHOWN: usize = 500;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Seconds of `Retry-After`, when it is a number.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: String,
}

/// Sends one request. This crate has no HTTP client of its own: whoever runs the consumer brings one.
///
/// The contract: one POST of this body with these headers, no redirects followed, no request repeated; an error only when
/// there was no answer.
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
        body: Vec<u8>,
    ) -> Result<Reply, Box<dyn Error + Send + Sync>>;
}

/// Posts events to a URL: an event as `application/json`, a batch as `application/x-ndjson`.
///
/// `Idempotency-Key` is the same whenever the same event or batch is sent again, so that a receiver can tell. A status of 2xx
/// means done, 429 and 503 not now (with `Retry-After` in seconds, if the receiver knows), any other failed.
pub struct Url<C> {
    client: C,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
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
            client,
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

#[async_trait]
impl<C: Http> Receiver for Url<C> {
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
        self.body.clear();
        Ok(())
    }

    async fn more(&mut self, lines: &[u8]) -> Result<(), DeliverError> {
        self.body.extend_from_slice(lines);
        Ok(())
    }

    async fn end(&mut self) -> Result<Answer, DeliverError> {
        let (headers, body) = (std::mem::take(&mut self.headers), std::mem::take(&mut self.body));
        let reply = self
            .client
            .post(&self.url, headers, body)
            .await
            .map_err(|source| DeliverError::NoAnswer {
                url: shown(&self.url),
                source,
            })?;
        Ok(match reply.status {
            200..300 => Answer::Done(reply.body),
            429 | 503 => Answer::Later(reply.retry_after.map(Duration::from_secs)),
            status => {
                let body: String = reply.body.chars().take(SHOWN).collect();
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
mod tests {
    use super::shown;

    #[test]
    fn passwords_and_tokens_are_not_shown() {
        assert_eq!(
            shown("https://me:secret@host:8/p/a@b?token=x#y"),
            "https://host:8/p/a@b"
        );
        assert_eq!(shown("http://host"), "http://host");
    }
}
