//! What is asked of a database's queues, and what it answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{
    ConsumerList, DeadLetterList, EventList, QueueChanges, QueueDetail, QueueList, QueueStatus,
};

/// Which database is meant. Neither: the only one that is configured, or the one of the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseChoice {
    /// Its name in the configuration.
    pub name: Option<String>,
    /// A connection string without a password.
    pub dsn: Option<String>,
}

/// Everything about queues that is done at once rather than as an operation. Names may be patterns with `*` and `?`
/// where the field is called so; a pattern that matches nothing is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum QueueCall {
    /// `queue list`
    List {
        /// Which queues; all when not given.
        pattern: Option<String>,
    },
    /// `queue show`
    Show {
        /// The queue.
        queue: String,
    },
    /// `queue status`
    Status,
    /// `queue create`
    Create {
        /// Their names.
        queues: Vec<String>,
        /// Settings, as for `Configure`.
        settings: BTreeMap<String, String>,
    },
    /// `queue config`, `pause`, `resume`
    Configure {
        /// Which queues.
        pattern: String,
        /// Names and values of settings, as `pgq.set_queue_config` takes them.
        settings: BTreeMap<String, String>,
    },
    /// `queue tick`
    Tick {
        /// Which queues.
        pattern: String,
    },
    /// `queue consumer list`
    Consumers {
        /// Of which queues; all when not given.
        queue_pattern: Option<String>,
        /// Which consumers; all when not given.
        pattern: Option<String>,
    },
    /// `queue consumer register`
    Register {
        /// The queue.
        queue: String,
        /// The consumer.
        consumer: String,
        /// The tick it starts after; the last one when not given. One that is registered is moved there.
        at: Option<i64>,
    },
    /// `queue consumer unregister`
    Unregister {
        /// The queue.
        queue: String,
        /// Which consumers.
        pattern: String,
    },
    /// `queue peek`
    Peek {
        /// The queue.
        queue: String,
        /// Events that this consumer has not got yet, oldest first; else the newest of the queue.
        consumer: Option<String>,
        /// At most so many.
        limit: i64,
    },
    /// `queue insert`
    Insert(InsertEvent),
    /// `queue retry`
    Retries {
        /// The queue.
        queue: String,
        /// Of which consumers; all when not given.
        consumer_pattern: Option<String>,
        /// Whether their time comes now.
        now: bool,
        /// Show at most so many.
        limit: i64,
    },
    /// `queue dead-letter list`
    DeadLetters {
        /// The queue.
        queue: String,
        /// Of this consumer; of all when not given.
        consumer: Option<String>,
        /// At most so many.
        limit: i64,
    },
    /// `queue dead-letter retry` and `drop`
    Settle {
        /// The queue.
        queue: String,
        /// Which dead letters; empty means all of the queue, or of the consumer.
        ids: Vec<i64>,
        /// Of this consumer.
        consumer: Option<String>,
        /// Whether they are given back to their consumers rather than dropped.
        retry: bool,
    },
    /// `queue install-trigger`
    InstallTrigger(InstallTrigger),
}

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InsertEvent {
    /// The queue.
    pub queue: String,
    /// `ev_type`
    pub kind: Option<String>,
    /// `ev_data`
    pub data: Option<String>,
    /// `ev_extra1` to `ev_extra4`
    pub extra: Vec<String>,
    /// When it may be seen, as PostgreSQL reads times; at once when not given.
    pub at: Option<String>,
}

/// A trigger that puts changes of a table into a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InstallTrigger {
    /// The table, with its schema.
    pub table: String,
    /// The queue.
    pub queue: String,
    /// The trigger's name.
    pub trigger: String,
    /// `logutriga`, `jsontriga` or `sqltriga`.
    pub kind: String,
    /// PgQ's arguments besides the queue.
    pub arguments: Vec<String>,
    /// `each`, `bulk`, or the faster one that is possible.
    pub style: Option<String>,
    /// TRUNCATE of the table is no event.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_truncate: bool,
    /// Only tell the statements.
    pub dry_run: bool,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum QueueAnswer {
    /// Queues.
    Queues(QueueList),
    /// One queue.
    Queue(Box<QueueDetail>),
    /// The database.
    Status(Box<QueueStatus>),
    /// Consumers.
    Consumers(ConsumerList),
    /// Events.
    Events(EventList),
    /// Dead letters.
    DeadLetters(DeadLetterList),
    /// What was changed.
    Changes(QueueChanges),
}

/// Changes what queues a database can have, or has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueSchema {
    /// The database.
    #[serde(default)]
    pub database: DatabaseChoice,
    /// What is to be done.
    pub action: QueueAction,
}

/// What is done to a database's queue schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum QueueAction {
    /// Brings the schema to this version, from nothing, from an earlier one, or from the extension.
    Install {
        /// Whether to make the roles that are missing.
        roles: bool,
        /// Whether there must be a schema already.
        upgrade: bool,
    },
    /// Removes the schema.
    Uninstall {
        /// Also with queues and their events.
        force: bool,
    },
    /// Removes queues with their events.
    Drop {
        /// Which.
        patterns: Vec<String>,
        /// Also with consumers.
        force: bool,
    },
}

/// What would be done to a queue schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueSchemaWork {
    /// The database.
    pub database: String,
    /// What for, in the order it is done.
    pub steps: Vec<String>,
    /// Queues that would be dropped, by name.
    pub drops: Vec<String>,
    /// What somebody should know that is no step.
    pub notes: Vec<String>,
}
