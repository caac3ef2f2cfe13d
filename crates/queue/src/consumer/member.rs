//! Which batches a consumer wants, and with whom it shares them.

use std::time::Duration;

/// One of several processes that share a consumer's batches. Order between them is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name, unique within the consumer.
    pub name: String,
    /// After how long a silence another member counts as dead: its batch is then taken over. Longer than any batch takes;
    /// `None` leaves its batch to it.
    pub dead_after: Option<Duration>,
}

/// Which batches are wanted, and in what pieces.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionOptions {
    /// Stays that far behind the newest tick.
    pub min_lag: Option<Duration>,
    /// Puts ticks together until there are about so many events.
    pub min_count: Option<i32>,
    /// Puts ticks together until the batch covers that much time.
    pub min_interval: Option<Duration>,
    /// Events in a piece.
    pub piece_events: usize,
    /// Bytes after which a piece is full.
    pub piece_bytes: usize,
}

impl Default for SubscriptionOptions {
    fn default() -> Self {
        Self {
            min_lag: None,
            min_count: None,
            min_interval: None,
            piece_events: 1_000,
            piece_bytes: 4 << 20,
        }
    }
}
