//! A store that cannot be changed.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Attempt, Error, Key, Object, Page, Store, Verb};

/// Refuses `create` and `delete` with [`Error::ReadOnly`], without asking the store behind it.
#[derive(Debug, Clone)]
pub struct ReadOnly {
    inner: Arc<dyn Store>,
}

impl ReadOnly {
    /// Wraps a store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner }
    }

    fn refuse(&self, verb: Verb, key: &Key) -> Result<(), Error> {
        Err(Error::ReadOnly(Attempt::new(verb, key.as_str(), self.location())))
    }
}

#[async_trait]
impl Store for ReadOnly {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.inner.room().await
    }

    async fn create(&self, key: &Key, _: Bytes) -> Result<(), Error> {
        self.refuse(Verb::Create, key)
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        self.inner.get_range(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        self.inner.head(key).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        self.inner.list(prefix, after).await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.refuse(Verb::Delete, key)
    }
}
