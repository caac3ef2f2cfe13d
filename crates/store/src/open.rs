//! From an address to a store.

use std::sync::Arc;

use serde::Deserialize;

use crate::{Error, Local, Location, Memory, Retry, RetryPolicy, S3, S3Options, Store};

/// What an address does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// For `s3://` addresses.
    pub s3: S3Options,
    /// How remote stores are asked again.
    pub retry: RetryPolicy,
}

/// Opens the store at an address. Remote stores come with [`Retry`] around them. Does not send a request; a local
/// store looks at its directory. A `memory:` store is a new, empty one each time.
///
/// # Errors
/// [`Error::Open`] and [`Error::Settings`].
pub fn open(location: &Location, options: &Options) -> Result<Arc<dyn Store>, Error> {
    Ok(match location {
        Location::Local(directory) => Arc::new(Local::open(directory)?),
        Location::Memory => Arc::new(Memory::new()),
        Location::S3 { bucket, prefix } => {
            let store = Arc::new(S3::open(bucket, prefix, &options.s3)?);
            Arc::new(Retry::new(store, options.retry.clone()))
        }
    })
}
