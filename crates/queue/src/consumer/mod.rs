//! Consumers: batches of a queue, given to a handler.
//!
//! An application implements [`BatchHandler`] (at least once) or [`TransactionHandler`] (exactly once, with a target
//! database), makes a [`Subscription`] for its place in the queue, and lets a [`Consumer`] bring them together. In tests
//! a [`MemoryQueue`] takes the place of the database.
//!
//! **Invariants:** a batch is finished only after its handler said so; tags and the end of the batch are one transaction;
//! one piece of a batch is in memory at a time; a lost connection is made again for ever.

mod batch;
pub mod conformance;
mod copied;
pub mod deliver;
pub mod dispatch;
mod error;
mod event;
mod handler;
mod member;
mod memory;
mod once;
mod retries;
mod row;
mod run;
mod source;
mod subscription;

pub use batch::{Batch, BatchInfo};
pub use error::ConsumeError;
pub use event::{Event, Unreadable};
pub use handler::{BatchHandler, HandlerError};
pub use member::{Member, SubscriptionOptions};
pub use memory::{MemoryQueue, MemorySource};
pub use once::{ExactlyOnce, TransactionHandler};
pub use retries::Retries;
pub use row::{Change, Row, RowError};
pub use run::{Consumer, Notice, RunOptions, Step, Totals};
pub use source::BatchSource;
pub use subscription::{Subscription, channel};
