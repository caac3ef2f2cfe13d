//! Object stores: one narrow trait, its back ends, its decorators and its conformance suite.
//!
//! Who uses it: `vault`, and whoever else keeps objects; it knows nothing of backups.
//!
//! The types to know: [`Store`] (the contract), [`Key`] (an object's name) and [`Error`]. [`open`] makes a store from
//! a [`Location`]. [`probe`] finds out what a store can do; [`Versions`] are what some have beside the contract. Back
//! ends: [`Local`], [`Bucket`] (S3, Azure Blob), [`Gcs`], [`Sftp`], [`Memory`]. Decorators: [`Retry`], [`Throttle`],
//! [`Counting`], [`Cache`], [`ReadOnly`], [`CheckFirst`], [`Locking`], [`Earliest`], and for tests [`Faults`] (by a
//! script) and [`Weather`] (by a seed).
//!
//! Invariants: an object is created whole or not at all and is never replaced; a `create` that returned `Ok` has
//! its bytes on stable storage. What is not here: encryption, packing, any meaning of a key.

mod bucket;
mod cache;
mod check_first;
mod contract;
mod counting;
mod earliest;
mod error;
mod faults;
mod key;
mod local;
mod location;
mod locking;
mod memory;
mod open;
mod price;
pub mod probe;
mod read_only;
mod retry;
mod sftp;
mod throttle;
mod versions;
mod weather;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use bucket::{AzureOptions, Bucket, Gcs, GcsOptions, S3Options, Style, provide_tls};
pub use cache::{Cache, CacheOptions};
pub use check_first::CheckFirst;
pub use contract::{LONGEST_PAGE, Object, PAGE, Page, Store, Verb, list_all};
pub use counting::{Count, Counters, Counting};
pub use earliest::{Earliest, Judge, Tampering, Worth};
pub use error::{Attempt, Cause, Error};
pub use faults::{Faults, Gate, Misfortune};
pub use key::Key;
pub use local::Local;
pub use location::{Location, Remote, Service};
pub use locking::Locking;
pub use memory::{Memory, VersionedMemory};
pub use open::{Meters, Options, open, open_metered};
pub use price::Prices;
pub use read_only::ReadOnly;
pub use retry::{Pause, Retry, RetryPolicy, TimerPause};
pub use sftp::{Sftp, SftpOptions};
pub use throttle::{Limits, Rates, Throttle};
pub use versions::{Kept, Version, VersionId, VersionPage, Versions};
pub use weather::{Climate, Weather};
