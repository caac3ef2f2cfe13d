//! Object stores: one narrow trait, its back ends, its decorators and its conformance suite.
//!
//! Who uses it: `vault`, and whoever else keeps objects; it knows nothing of backups.
//!
//! The types to know: [`Store`] (the contract), [`Key`] (an object's name) and [`Error`]. [`open`] makes a store from
//! a [`Location`]. Back ends: [`Local`], [`Bucket`] (S3,
//! Azure Blob, Google Cloud Storage), [`Sftp`], [`Memory`]. Decorators: [`Retry`], [`Throttle`], [`Counting`], [`Cache`],
//! [`ReadOnly`], and for tests [`Faults`] (by a script) and [`Weather`] (by a seed).
//!
//! Invariants: an object is created whole or not at all and is never replaced; a `create` that returned `Ok` has
//! its bytes on stable storage. What is not here: encryption, packing, any meaning of a key.

mod bucket;
mod cache;
mod contract;
mod counting;
mod error;
mod faults;
mod key;
mod local;
mod location;
mod memory;
mod open;
mod price;
mod read_only;
mod retry;
mod sftp;
mod throttle;
mod weather;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use bucket::{AzureOptions, Bucket, GcsOptions, S3Options, Style, provide_tls};
pub use cache::{Cache, CacheOptions};
pub use contract::{Object, PAGE, Page, Store, Verb, list_all};
pub use counting::{Count, Counters, Counting};
pub use error::{Attempt, Cause, Error};
pub use faults::{Faults, Gate, Misfortune};
pub use key::Key;
pub use local::Local;
pub use location::{Location, Remote, Service};
pub use memory::Memory;
pub use open::{Meters, Options, open, open_metered};
pub use price::Prices;
pub use read_only::ReadOnly;
pub use retry::{Pause, Retry, RetryPolicy, TimerPause};
pub use sftp::{Sftp, SftpOptions};
pub use throttle::{Limits, Rates, Throttle};
pub use weather::{Climate, Weather};
