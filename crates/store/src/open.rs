//! From an address to a store.

use std::sync::Arc;

use ostler_vocabulary::Span;
use serde::Deserialize;

use crate::{
    AzureOptions, Bucket, Counters, Counting, Error, Gcs, GcsOptions, Limits, Local, Location, Memory, Retry,
    RetryPolicy, S3Options, Service, Sftp, SftpOptions, Store, Throttle,
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

impl Options {
    /// The same with this as the longest time of a request, where one is given.
    #[must_use]
    pub fn within(mut self, timeout: Option<Span>) -> Self {
        for limit in [
            &mut self.s3.timeout,
            &mut self.azure.timeout,
            &mut self.gcs.timeout,
            &mut self.sftp.timeout,
        ] {
            *limit = timeout.or(*limit);
        }
        self
    }
}

/// What looks after the requests of a store while it is used. The default limits nothing.
#[derive(Debug, Clone, Default)]
pub struct Meters {
    /// Counts what is sent, each try of a request on its own.
    pub counters: Counters,
    /// What bytes and requests wait for.
    pub limits: Limits,
}

/// Opens the store at an address. Remote stores come with [`Retry`] around them, and each try is throttled and counted.
/// Does not send a request; a local store looks at its directory. A `memory:` store is a new, empty one each time.
///
/// # Errors
/// [`Error::Open`] and [`Error::Settings`].
pub fn open(location: &Location, options: &Options) -> Result<Arc<dyn Store>, Error> {
    open_metered(location, options, &Meters::default())
}

/// As [`open`], with the meters that others read and set.
///
/// # Errors
/// As [`open`].
pub fn open_metered(
    location: &Location,
    options: &Options,
    meters: &Meters,
) -> Result<Arc<dyn Store>, Error> {
    let metered = |store: Arc<dyn Store>| -> Arc<dyn Store> {
        let counted = Counting::with(meters.counters.clone(), store);
        Arc::new(Throttle::new(Arc::new(counted), meters.limits.clone()))
    };
    let remote: Arc<dyn Store> = match location {
        Location::Local(directory) => return Ok(metered(Arc::new(Local::open(directory)?))),
        Location::Memory => return Ok(metered(Arc::new(Memory::new()))),
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
    Ok(Arc::new(Retry::new(metered(remote), options.retry.clone())))
}
