//! Rows kept in Parquet files of an object store, with a manifest that says what they are. The format is written down in
//! `docs/design/archive-format.md`. Knows no database: rows come as cells.

mod cell;
mod file;
pub(crate) mod keep;
mod kind;
mod line;
mod manifest;
mod names;
mod packer;
mod read;
mod tally;
mod write;

pub use cell::{Cell, Column, hash};
pub use kind::Kind;
pub use line::{Lines, write_line};
pub use manifest::{ColumnEntry, FileEntry, MANIFEST_VERSION, Manifest, PartitionEntry, TimeEntry};
pub use names::Names;
pub use packer::{Packed, Packer};
pub use read::{Rows, list, rows_of, time_of, verify};
pub use tally::Tally;
pub use write::{Decode, Written, write};

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ostler_store::Store;
use ostler_vocabulary::Failure;

use crate::class::Class;

/// Where data are kept, by what policies call it: an address of archives, or a class of storage that the configuration names.
#[async_trait]
pub trait Shelves: fmt::Debug + Send + Sync {
    /// The store that is meant. Sends no request.
    ///
    /// # Errors
    /// `NotFound` for a class that is not configured; what is wrong with an address.
    async fn shelf(&self, name: &str) -> Result<Arc<dyn Store>, Failure>;

    /// What a class of storage is to databases; `None` when there is none of that name.
    fn class(&self, name: &str) -> Option<Class>;
}
