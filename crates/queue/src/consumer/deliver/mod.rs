//! Events to programs that know nothing of PgQ: a command or a URL, for each event or each batch.
//!
//! What they get is JSON: an event as an object with PgQ's field names, a batch as one object a line.

mod command;
mod handler;
mod sent;
mod url;

use std::time::Duration;

use async_trait::async_trait;
use ostler_vocabulary::{Classified, ErrorKind};
use serde::Deserialize;

use super::{BatchInfo, Event};

pub use command::Command;
pub use handler::{Deliver, DeliverSql, OnFailure, Per};
pub use url::{Body, GivenUp, Http, Pieces, Reply, Url};

/// What a receiver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done. What it printed, or the body of its answer.
    Done(String),
    /// Not now: try again after this time, or when the consumer thinks so.
    Later(Option<Duration>),
    /// It failed, and how.
    Failed(String),
}

/// A receiver of events.
///
/// The contract: what is sent may be sent again; [`Receiver::end`] is only called after [`Receiver::begin`], with any number
/// of [`Receiver::more`] between; an error means that nobody knows whether it was received.
#[async_trait]
pub trait Receiver: Send {
    /// A new delivery. `event` is the only event it will have, or `None` for a whole batch.
    ///
    /// # Errors
    /// When the receiver is not there.
    async fn begin(&mut self, batch: &BatchInfo, event: Option<&Event>) -> Result<(), DeliverError>;

    /// JSON, a line for each event.
    ///
    /// # Errors
    /// When it cannot be sent. A receiver that does not want the rest is no error: its answer counts.
    async fn more(&mut self, lines: &[u8]) -> Result<(), DeliverError>;

    /// The end of the delivery.
    ///
    /// # Errors
    /// When there is no answer.
    async fn end(&mut self) -> Result<Answer, DeliverError>;
}

/// Why events could not be brought to a receiver.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliverError {
    /// The command cannot be run.
    #[error("cannot run `{command}`")]
    Run {
        /// Its first word.
        command: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The URL does not answer.
    #[error("no answer from {url}")]
    NoAnswer {
        /// Where, without user and query.
        url: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It said more than can be kept.
    #[error("{receiver} answered with more than {limit} bytes")]
    TooMuch {
        /// Who.
        receiver: String,
        /// How much is too much.
        limit: usize,
    },
    /// It failed, and the consumer is to stop then.
    #[error("{receiver} failed{}: {how}", of_event(*.ev_id))]
    Failed {
        /// Who.
        receiver: String,
        /// The event, when it was for one.
        ev_id: Option<i64>,
        /// How.
        how: String,
    },
    /// It asked for a retry of an event that it was not given.
    #[error("{receiver} asks to retry event {ev_id}, which is not in the batch")]
    NotInBatch {
        /// Who.
        receiver: String,
        /// The event.
        ev_id: i64,
    },
}

fn of_event(ev_id: Option<i64>) -> String {
    ev_id.map(|id| format!(" for event {id}")).unwrap_or_default()
}

impl Classified for DeliverError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Run { source, .. } if source.kind() == std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Run { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                ErrorKind::Denied
            }
            Self::Run { .. } | Self::Failed { .. } | Self::TooMuch { .. } => ErrorKind::Internal,
            Self::NoAnswer { .. } => ErrorKind::Unavailable,
            Self::NotInBatch { .. } => ErrorKind::Invalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { .. } => Some(
                "the batch stays open and is given again; `--on-failure retry` tags what failed and goes on"
                    .to_owned(),
            ),
            Self::TooMuch { .. } => Some("send what it says somewhere else".to_owned()),
            _ => None,
        }
    }
}

/// A line by which a receiver asks for a retry: `{"retry": 17, "seconds": 60}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Tag {
    retry: i64,
    seconds: Option<u32>,
}

/// The tags among lines of text. Other lines mean nothing.
fn tags(text: &str) -> impl Iterator<Item = Tag> {
    text.lines()
        .filter(|line| line.trim_start().starts_with('{'))
        .filter_map(|line| serde_json::from_str(line).ok())
}

/// Events as lines of JSON.
fn lines(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        // Numbers, texts and a time: nothing of it can fail to be JSON, and a vector takes all.
        if serde_json::to_writer(&mut bytes, event).is_ok() {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Tag, tags};

    #[test]
    fn only_lines_that_ask_for_a_retry_are_tags() {
        let text = "done 3\n{\"retry\": 17, \"seconds\": 60}\n {\"retry\":18}\n{\"other\":1}\n{broken\n";
        let found: Vec<Tag> = tags(text).collect();
        assert_eq!(
            found,
            [
                Tag {
                    retry: 17,
                    seconds: Some(60)
                },
                Tag {
                    retry: 18,
                    seconds: None
                }
            ]
        );
    }
}
