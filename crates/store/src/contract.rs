//! The contract every store keeps.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::Timestamp;

use crate::{Error, Key, Versions};

/// How many objects a service gives in one page of a listing.
pub const PAGE: usize = 1000;

/// The most objects in one page of any listing: of a directory, of which all names are read for every page anew.
pub const LONGEST_PAGE: usize = 50 * PAGE;

/// What a store says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub key: Key,
    /// Its size in bytes.
    pub size: u64,
    /// When the store says it was made, by the store's clock.
    pub modified: Option<Timestamp>,
}

/// A part of a listing.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In ascending byte order of their keys.
    pub objects: Vec<Object>,
    /// Where the next page starts, to be given as `after`; `None` after the last.
    pub next: Option<Key>,
}

/// What a store can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// [`Store::create`]
    Create,
    /// [`Store::get`]
    Get,
    /// [`Store::get_range`]
    GetRange,
    /// [`Store::head`]
    Head,
    /// [`Store::list`]
    List,
    /// [`Store::delete`]
    Delete,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Create,
        Self::Get,
        Self::GetRange,
        Self::Head,
        Self::List,
        Self::Delete,
    ];
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::GetRange => "get_range",
            Self::Head => "head",
            Self::List => "list",
            Self::Delete => "delete",
        })
    }
}

/// A place that keeps immutable objects by name.
///
/// The contract, which the suite in `conformance` checks for every implementation and every decorator:
///
/// - **Atomic.** An object is there whole or not at all, for every reader at every moment, also after a crash of the
///   writer, the server or the machine. No object is ever replaced or changed.
/// - **One winner.** Of any number of `create`s of one key, at the same time and from anywhere, at most one returns
///   `Ok`; after one did, every other is told [`Error::AlreadyExists`] until the object is deleted.
/// - **Durable.** When `create` returned `Ok` the object outlives a power failure. The same holds for the object that
///   an [`Error::AlreadyExists`] speaks of, and for the absence of an object after `delete` returned `Ok`.
/// - **Consistent.** What a returned `create` or `delete` did is seen by every later request, listings included. What
///   is made or deleted while a listing is read page by page may or may not appear in it; all else appears exactly once.
/// - **Ordered.** Listings are in ascending byte order of the whole key, over all pages. A page of a service has at
///   most [`PAGE`] objects, that of a directory at most [`LONGEST_PAGE`], and costs a constant number of requests
///   (normally one).
/// - **Repeatable.** Every request may be made again. A repeated `delete` is `Ok`. A `create` that failed with a
///   transient error may have happened; repeated, it may say [`Error::AlreadyExists`] of its own first try
///   ([`Retry`](crate::Retry) sorts that out by comparing the bytes). Hence bytes that are to prove who created an
///   object (a lease) must differ between writers.
/// - **Concurrent.** All methods may be called at the same time from any number of tasks; bounding that is the caller's
///   business.
/// - **Cancelled.** Dropping a future abandons the answer and perhaps not the request: a dropped `create` or `delete`
///   happens wholly, later, or not at all.
/// - **Honest about absence.** [`Error::NotFound`] is said only by a store that was reached and does not have the object.
///   A missing bucket, an unmounted directory or an unreachable server is [`Error::Gone`], [`Error::Unreachable`] or
///   [`Error::Unavailable`]:
///   nobody may conclude from those that something is damaged.
/// - **Silent about secrets.** No error, location or `Debug` output shows one.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Where it is, for messages; never with a secret.
    fn location(&self) -> &str;

    /// Creates an object, durable when this returns.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the name is taken; [`Error::NoSpace`] when it does not fit.
    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error>;

    /// The whole object.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not there.
    async fn get(&self, key: &Key) -> Result<Bytes, Error>;

    /// A part of it, exactly as long as asked for. An empty range within the object is allowed.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Short`] when the object ends before the range does; [`Error::Range`] when the
    /// range ends before it starts. Memory is never taken for more than the object has.
    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error>;

    /// Size and time, without reading the object.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not there.
    async fn head(&self, key: &Key) -> Result<Object, Error>;

    /// One page of the objects whose keys start with `prefix` (any string a key can start with, not only whole parts)
    /// and come after `after` in byte order.
    ///
    /// # Errors
    /// [`Error::Key`] when no key can start with `prefix`. An empty listing is not an error.
    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error>;

    /// Removes it; not an error when it is not there.
    ///
    /// # Errors
    /// [`Error::Denied`] where the credentials may not.
    async fn delete(&self, key: &Key) -> Result<(), Error>;

    /// The versions of its objects, where the store can be asked for them. Whether any are kept is another question:
    /// [`Versions::kept`]. Decorators hand on what the store behind them has.
    fn versions(&self) -> Option<Arc<dyn Versions>> {
        None
    }

    /// Bytes that can still be stored, where the store can tell: in a file system. Decorators hand on what the store behind
    /// them says.
    ///
    /// # Errors
    /// When it cannot be asked.
    async fn room(&self) -> Result<Option<u64>, Error> {
        Ok(None)
    }

    /// Sends an upload of this name whose checksum does not fit, and says whether it was refused; `None` where uploads
    /// have no checksum of their own. An object may be there afterwards.
    ///
    /// # Errors
    /// As [`Store::create`].
    async fn refuses_damage(&self, _key: &Key) -> Result<Option<bool>, Error> {
        Ok(None)
    }
}

/// All objects under a prefix, page by page.
///
/// # Errors
/// What [`Store::list`] says.
pub async fn list_all(store: &dyn Store, prefix: &str) -> Result<Vec<Object>, Error> {
    let mut objects = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(prefix, after.as_ref()).await?;
        objects.extend(page.objects);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(objects),
        }
    }
}
