//! Queues, their consumers and events as documents.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One row of `queue list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueSummary {
    /// Its name.
    pub queue: String,
    /// Whether its ticker is paused.
    pub paused: bool,
    /// Whether its ticks come from elsewhere.
    pub external: bool,
    /// Whether it takes no events.
    pub disabled: bool,
    /// Events so far, by its sequence.
    pub events: i64,
    /// Events since the last tick, by its sequence.
    pub events_unticked: i64,
    /// Over the last minute or so.
    pub events_per_second: f64,
    /// The last tick.
    pub last_tick: Option<i64>,
    /// How old that is.
    pub ticker_lag_ms: Option<i64>,
    /// How many consumers it has.
    pub consumers: i64,
    /// The one that is furthest behind.
    pub slowest_consumer: Option<String>,
    /// How far, in time.
    pub slowest_lag_ms: Option<i64>,
    /// How far, in events.
    pub slowest_pending: Option<i64>,
    /// Events that consumers gave up.
    pub dead_letters: i64,
    /// Why its tables are not rotated.
    pub rotation_note: Option<String>,
}

/// `queue list`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueList {
    /// The database.
    pub database: String,
    /// By name.
    pub queues: Vec<QueueSummary>,
}

/// `queue show`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: QueueSummary,
    /// The database.
    pub database: String,
    /// Settings by the names that `queue config` takes.
    pub settings: BTreeMap<String, Option<String>>,
    /// Its consumers.
    pub subscriptions: Vec<ConsumerSummary>,
}

/// `queue status`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueStatus {
    /// The database.
    pub database: String,
    /// The server's version.
    pub server: String,
    /// The version of the schema; 0 when it is not ours.
    pub schema_version: i64,
    /// Queues.
    pub queues: i64,
    /// Subscriptions.
    pub consumers: i64,
    /// Events that wait for their time: put off, or to be tried again.
    pub waiting: i64,
    /// Events that consumers gave up.
    pub dead_letters: i64,
    /// Who leads the ticker, as `program (address)`; `None` when nobody does.
    pub ticker: Option<String>,
    /// Since when.
    pub ticker_since: Option<Timestamp>,
    /// What needs somebody's attention.
    pub warnings: Vec<String>,
}

/// One row of `queue consumer list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerSummary {
    /// The queue.
    pub queue: String,
    /// The consumer.
    pub consumer: String,
    /// How old the last tick is that it finished.
    pub lag_ms: Option<i64>,
    /// How long ago it was seen.
    pub last_seen_ms: Option<i64>,
    /// That tick.
    pub last_tick: Option<i64>,
    /// The batch it works on.
    pub batch: Option<i64>,
    /// Events it has not got yet, by the ticks.
    pub pending: Option<i64>,
}

/// `queue consumer list`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerList {
    /// The database.
    pub database: String,
    /// By queue and name.
    pub consumers: Vec<ConsumerSummary>,
}

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventEntry {
    /// `ev_id`
    pub id: i64,
    /// `ev_time`
    pub time: Option<Timestamp>,
    /// How often it was tried before.
    pub retry: Option<i64>,
    /// `ev_type`
    pub kind: Option<String>,
    /// `ev_data`
    pub data: Option<String>,
    /// `ev_extra1` to `ev_extra4`
    pub extra: Vec<Option<String>>,
    /// Whose it is, for events to be tried again.
    #[serde(default)]
    pub consumer: Option<String>,
    /// When its time comes, for the same.
    #[serde(default)]
    pub due: Option<Timestamp>,
}

/// `queue peek` and `queue retry`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventList {
    /// The queue.
    pub queue: String,
    /// Events.
    pub events: Vec<EventEntry>,
}

/// An event that a consumer gave up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// Its number.
    pub dead_letter: i64,
    /// When it was given up.
    pub died: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// The event.
    #[serde(flatten)]
    pub event: EventEntry,
}

/// `queue dead-letter list`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetterList {
    /// The queue.
    pub queue: String,
    /// Oldest first.
    pub dead_letters: Vec<DeadLetter>,
}

/// One thing that was done, or was so already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueChange {
    /// What it was done to.
    pub item: String,
    /// What was done, such as `created`.
    pub action: String,
    /// Whether anything is different now.
    pub changed: bool,
    /// A number that came of it: a tick, an event's id, how many.
    pub number: Option<i64>,
}

/// What verbs print that change something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueChanges {
    /// The database.
    pub database: String,
    /// In the order they were made.
    pub changes: Vec<QueueChange>,
}

/// `queue install`, `upgrade`, `uninstall` and `drop`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueSchemaReport {
    /// The database.
    pub database: String,
    /// What was done.
    pub done: Vec<String>,
    /// The version of the schema that was read back; `None` when there is none any more.
    pub version: Option<u32>,
    /// How many queues there are now.
    pub queues: i64,
    /// What somebody should know.
    pub notes: Vec<String>,
}
