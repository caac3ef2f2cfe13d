//! Object stores: one narrow trait, its back ends, its decorators and its conformance suite.
//!
//! Who uses it: `vault`, and whoever else keeps objects; it knows nothing of backups.
//!
//! The types to know: [`Store`] (the contract), [`Key`] (an object's name) and [`Error`].
//!
//! Invariants: an object is created whole or not at all and is never replaced; a `create` that returned `Ok` has
//! its bytes on stable storage. What is not here: encryption, packing, any meaning of a key.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::{Classified, ErrorKind, Timestamp};

/// An object's name: `/`-separated parts of letters, digits, `-`, `_`, `.` and `=`, none empty, `.` or `..`, none
/// longer than 255 bytes, 900 bytes in all. Every store we know takes these unchanged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`Error::Key`] when it breaks a rule above.
    pub fn new(name: impl Into<String>) -> Result<Self, Error> {
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
    /// Where the next page starts; `None` after the last.
    pub next: Option<Key>,
}

/// What went wrong, with which store and key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name no store should be asked for.
    #[error("`{0}` is not a valid object key")]
    Key(String),
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn hint(&self) -> Option<String> {
        None
    }
}

/// A place that keeps immutable objects by name.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Where it is, for messages; never with a secret.
    fn location(&self) -> &str;
    /// Creates an object, durable when this returns; [`ErrorKind::AlreadyExists`] when the name is taken.
    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error>;
    /// The whole object.
    async fn get(&self, key: &Key) -> Result<Bytes, Error>;
    /// A part of it; an error when the object is shorter.
    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error>;
    /// Size and time.
    async fn head(&self, key: &Key) -> Result<Object, Error>;
    /// One page of the objects whose keys start with `prefix` and come after `after`.
    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error>;
    /// Removes it; not an error when it is not there.
    async fn delete(&self, key: &Key) -> Result<(), Error>;
}
