//! Versions of objects, and locks on them: what some services have beside the contract of [`Store`](crate::Store).
//!
//! A service that keeps versions replaces nothing: whoever writes a name again adds a version, whoever deletes a name
//! adds a *delete marker*, and what was there before can still be read. A lock keeps a version from being deleted until
//! a time, also by its owner. So whoever stole a key that may write can hide objects and cannot destroy any.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::Timestamp;

use crate::{Error, Key};

/// Names a version, in the service's own words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionId(pub String);

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its name.
    pub id: VersionId,
    /// Its size in bytes; 0 for a delete marker.
    pub size: u64,
    /// When it was made, by the service's clock.
    pub modified: Option<Timestamp>,
    /// Whether it only says that the object was deleted.
    pub is_marker: bool,
}

/// A part of a listing of versions.
#[derive(Debug, Clone, Default)]
pub struct VersionPage {
    /// Keys in ascending byte order, each with all its versions and delete markers, oldest first.
    pub keys: Vec<(Key, Vec<Version>)>,
    /// Where the next page starts, to be given as `after`; `None` after the last.
    pub next: Option<Key>,
}

/// What a service is set to keep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Whether versions are kept.
    pub versions: bool,
    /// Whether versions can be locked.
    pub locks: bool,
}

/// The versions of a store's objects. The contract, which `conformance::check_versions` checks:
///
/// - **Nothing is replaced.** Versions are in the order in which they were made, oldest first; none changes.
/// - **Consistent.** As [`Store`](crate::Store): what returned is seen by every later request.
/// - **Locked is locked.** Until the time of its lock nobody deletes a version; a lock is made longer, never shorter.
///   Delete markers and further versions can be added to a locked one all the same.
/// - **Repeatable.** Every request may be made again.
#[async_trait]
pub trait Versions: fmt::Debug + Send + Sync + 'static {
    /// What the service is set to keep.
    ///
    /// # Errors
    /// [`Error::Denied`] where the credentials may not ask.
    async fn kept(&self) -> Result<Kept, Error>;

    /// All versions and delete markers of one object, oldest first; none when there never was one.
    ///
    /// # Errors
    /// [`Error::Denied`] where the credentials may not ask.
    async fn of(&self, key: &Key) -> Result<Vec<Version>, Error>;

    /// One page of the keys that start with `prefix` and come after `after`, with all their versions.
    ///
    /// # Errors
    /// As [`Versions::of`].
    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<VersionPage, Error>;

    /// A version, or a part of it, exactly as long as asked for.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not there or a delete marker; [`Error::Short`] when it ends before the range.
    async fn get(&self, key: &Key, id: &VersionId, range: Option<Range<u64>>) -> Result<Bytes, Error>;

    /// Removes a version or a delete marker for good; not an error when it is not there.
    ///
    /// # Errors
    /// [`Error::Denied`] when it is locked, or the credentials may not.
    async fn delete_version(&self, key: &Key, id: &VersionId) -> Result<(), Error>;

    /// Creates an object as [`Store::create`](crate::Store::create) does, locked until then.
    ///
    /// # Errors
    /// As there; [`Error::Lock`] where locks are not kept.
    async fn create_locked(&self, key: &Key, body: Bytes, until: Timestamp) -> Result<(), Error>;

    /// Until when a version is locked; `None` when it is not.
    ///
    /// # Errors
    /// [`Error::Lock`].
    async fn locked_until(&self, key: &Key, id: &VersionId) -> Result<Option<Timestamp>, Error>;

    /// Locks a version until then. A lock that lasts longer stays as it is, which may be an error or not.
    ///
    /// # Errors
    /// [`Error::Lock`].
    async fn lock(&self, key: &Key, id: &VersionId, until: Timestamp) -> Result<(), Error>;
}
