//! What can go wrong while consuming.

use std::error::Error;

use ostler_vocabulary::{Classified, ErrorKind};

use super::Unreadable;

/// An error of a consumer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// A database refused it or is not there.
    #[error(transparent)]
    Database(#[from] ostler_postgres::Error),

    /// The batch was finished or taken over while it was read.
    #[error("batch {batch_id} is not open any more")]
    NotOpen {
        /// The batch.
        batch_id: i64,
    },

    /// An event is no text.
    #[error("event {} has bytes in {} that are not UTF-8", .0.ev_id, .0.field)]
    Unreadable(Unreadable),

    /// Another process has the consumer's place.
    #[error("another process works as consumer `{consumer}` of queue `{queue}`")]
    Busy {
        /// The queue.
        queue: String,
        /// The consumer.
        consumer: String,
    },

    /// The handler did not accept a batch.
    #[error("consumer `{consumer}` of queue `{queue}` could not handle batch {batch_id}")]
    Handler {
        /// The queue.
        queue: String,
        /// The consumer.
        consumer: String,
        /// The batch.
        batch_id: i64,
        /// What the handler's error means.
        kind: ErrorKind,
        /// What can be done about it.
        hint: Option<String>,
        /// What the handler said.
        source: Box<dyn Error + Send + Sync>,
    },

    /// The position in the target does not fit the one at the source: events would be lost or handled twice.
    #[error(
        "consumer `{consumer}` lost its position: the target has applied tick {applied}, \
         the batch goes from tick {prev_tick_id} to {tick_id}"
    )]
    LostPosition {
        /// The queue.
        queue: String,
        /// The consumer.
        consumer: String,
        /// The last tick that the target has.
        applied: i64,
        /// The tick before the batch.
        prev_tick_id: i64,
        /// The tick that ends the batch.
        tick_id: i64,
    },

    /// The source has a tick of the same number as the one that the target has applied, and it is another one.
    #[error(
        "consumer `{consumer}` lost its position: tick {tick_id} of the source is not the one that the target has applied"
    )]
    OtherTick {
        /// The queue.
        queue: String,
        /// The consumer.
        consumer: String,
        /// The number of both.
        tick_id: i64,
    },
}

impl ConsumeError {
    /// Whether it was the handler's, and not the source's.
    #[must_use]
    pub fn is_the_handlers(&self) -> bool {
        matches!(self, Self::Handler { .. })
    }
}

impl Classified for ConsumeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Database(source) => source.kind(),
            Self::Handler { kind, .. } => *kind,
            // The next question gives another batch.
            Self::NotOpen { .. } => ErrorKind::Unavailable,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Unreadable(_) => ErrorKind::Invalid,
            Self::LostPosition { .. } | Self::OtherTick { .. } => ErrorKind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Database(source) => match source.message() {
                Some(said) if said.starts_with("Not subscriber to queue") => {
                    Some("register it first: `ostler queue consumer register`, or `--register`".to_owned())
                }
                _ => source.hint(),
            },
            Self::LostPosition {
                queue,
                consumer,
                applied,
                ..
            } => Some(format!(
                "the target keeps positions by the names of consumers: where a consumer of another queue has this name, or \
                 the queue was made again, choose another name. Where the target was restored or the consumer moved, `ostler \
                 queue consumer register {queue} {consumer} --at {applied}` in the source puts it where the target is: \
                 nothing is applied twice, and events before that tick are skipped"
            )),
            Self::OtherTick {
                queue,
                consumer,
                tick_id,
            } => Some(format!(
                "did the source fail over to a standby that lacked its last events, or was the queue made again? What the \
                 target applied last is not at the source any more, so compare: `ostler queue peek {queue} --consumer \
                 {consumer}`. To go on, put source and target at the same tick after {tick_id} (`ostler queue show {queue}`): \
                 `ostler queue consumer register {queue} {consumer} --at TICK` in the source, and `select \
                 pgq_ext.set_last_tick('{consumer}', TICK)` in the target. Events before that tick are skipped, none is \
                 applied twice"
            )),
            Self::Busy { .. } => Some("wait for it to end, or give this process a name of its own".to_owned()),
            Self::Unreadable(_) => Some(
                "the database is in SQL_ASCII, which checks no text; `ostler queue consume --on-failure retry` puts such \
                 events aside and continues"
                    .to_owned(),
            ),
            Self::Handler { hint, .. } => hint.clone(),
            Self::NotOpen { .. } => None,
        }
    }
}
