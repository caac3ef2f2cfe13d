//! Events to programs that know nothing of PgQ: a command or a URL, for each event or each batch.
//!
//! What they get is JSON: an event as an object with PgQ's field names, a batch as one object a line.

mod command;
mod handler;
mod sent;
mod sql;
mod url;

use std::time::Duration;

use async_trait::async_trait;
use ostler_vocabulary::{Classified, ErrorKind};
use serde::Deserialize;
use serde_json::Value;

use super::{BatchInfo, Event};

pub use command::Command;
pub use handler::{Deliver, OnFailure, Per};
pub use sql::DeliverSql;
pub use url::{Body, GivenUp, Http, Pieces, Reply, Url};

/// What a receiver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done. What it printed, or the body of its answer.
    Done(Vec<u8>),
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
    /// The target refused the SQL that it answered.
    #[error("the target refuses the SQL of {receiver}{}", of_event(*.ev_id))]
    Sql {
        /// Who.
        receiver: String,
        /// The event, when it was for one.
        ev_id: Option<i64>,
        /// Why.
        source: ostler_postgres::Error,
    },
    /// A line that asks for a retry and does not say which.
    #[error(
        "{receiver} asks for a retry by `{line}`, which is not {{\"retry\": EV_ID, \"seconds\": WHOLE_SECONDS}}"
    )]
    Tag {
        /// Who.
        receiver: String,
        /// The line, cut.
        line: String,
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
            Self::Sql { source, .. } => source.kind(),
            Self::NoAnswer { .. } => ErrorKind::Unavailable,
            Self::NotInBatch { .. } | Self::Tag { .. } => ErrorKind::Invalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { .. } => Some(
                "the batch stays open and is given again; `--on-failure retry` tags what failed and continues"
                    .to_owned(),
            ),
            // Of PL/pgSQL for COMMIT and the like, of the server for those within DO and CALL.
            Self::Sql { source, .. } if matches!(source.sqlstate(), Some("0A000" | "2D000")) => Some(
                "the transaction is not the command's: leave out BEGIN, COMMIT, ROLLBACK and SAVEPOINT. Nothing of the batch \
                 was committed"
                    .to_owned(),
            ),
            Self::Sql { source, .. } => source.hint(),
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

/// Characters of a wrong line that an error shows.
const LINE: usize = 200;

/// The tags among lines of text, or the first line that asks for a retry in another way. Other lines mean nothing.
fn tags(said: &[u8]) -> Result<Vec<Tag>, String> {
    let mut tags = Vec::new();
    for line in String::from_utf8_lossy(said).lines().map(str::trim) {
        let asks = match serde_json::from_str(line) {
            Ok(Value::Object(fields)) => fields.contains_key("retry"),
            Ok(_) => false,
            // Cut off, perhaps.
            Err(_) => line.starts_with('{') && line.contains("\"retry\""),
        };
        if asks {
            let tag = serde_json::from_str(line).map_err(|_| line.chars().take(LINE).collect::<String>())?;
            tags.push(tag);
        }
    }
    Ok(tags)
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
        let text = "done 3\n{\"retry\": 17, \"seconds\": 60}\n {\"retry\":18}\n{\"other\":1}\n{broken\n[\"retry\"]\n";
        let tag = |retry, seconds| Tag { retry, seconds };
        assert_eq!(tags(text.as_bytes()), Ok(vec![tag(17, Some(60)), tag(18, None)]));
    }

    #[test]
    fn a_line_that_asks_for_a_retry_in_another_way_is_named() {
        for line in [
            "{\"retry\":17,\"seconds\":1.5}",
            "{\"retry\":17,\"seconds\":-5}",
            "{\"retry\":\"17\"}",
            "{\"retry\":17.0}",
            "{\"retry\":null}",
            "{\"retry\":17,\"seconds\":\"60\"}",
            "{\"retry\":17,\"seconds\":99999999999}",
            "{\"retry\":17,\"retry\":18}",
            "{\"retry\":17,\"seconds\":6",
        ] {
            let text = format!("{{\"retry\":16}}\n  {line}\nmore\n");
            assert_eq!(tags(text.as_bytes()), Err(line.to_owned()));
        }
    }
}
