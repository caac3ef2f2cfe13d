//! From an address to a store.

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    AzureOptions, Bucket, Error, Gcs, GcsOptions, Local, Location, Memory, Retry, RetryPolicy, S3Options,
    Service, Sftp, SftpOptions, Store,
};

/// What an address does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// For `s3://` addresses.
    pub s3: S3Options,
    /// For `azure://` addresses.
    pub azure: AzureOptions,
    /// For `gs://` addresses.
    pub gcs: GcsOptions,
    /// For `sftp://` addresses.
    pub sftp: SftpOptions,
    /// How remote stores are asked again.
    pub retry: RetryPolicy,
}

/// Opens the store at an address. Remote stores come with [`Retry`] around them. Does not send a request; a local
/// store looks at its directory. A `memory:` store is a new, empty one each time.
///
/// # Errors
/// [`Error::Open`] and [`Error::Settings`].
pub fn open(location: &Location, options: &Options) -> Result<Arc<dyn Store>, Error> {
    let remote: Arc<dyn Store> = match location {
        Location::Local(directory) => return Ok(Arc::new(Local::open(directory)?)),
        Location::Memory => return Ok(Arc::new(Memory::new())),
        Location::Bucket {
            service,
            bucket,
            prefix,
        } => match service {
            Service::S3 => Arc::new(Bucket::s3(bucket, prefix, &options.s3)?),
            Service::Azure => Arc::new(Bucket::azure(bucket, prefix, &options.azure)?),
            Service::Gcs => Arc::new(Gcs::open(bucket, prefix, &options.gcs)?),
        },
        Location::Sftp(remote) => Arc::new(Sftp::open(remote, &options.sftp)),
    };
    Ok(Arc::new(Retry::new(remote, options.retry.clone())))
}
