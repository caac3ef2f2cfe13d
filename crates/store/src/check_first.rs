//! Looks before it creates, for stores whose own condition cannot be trusted.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Attempt, Error, Key, Object, Page, Store, Verb, Versions};

/// Refuses a `create` where an object is there already, which costs a `head` before each. So nothing that is seen is
/// replaced; of two who look at the same time both may go on, which is why such a store may have one writer at a time.
#[derive(Debug, Clone)]
pub struct CheckFirst {
    inner: Arc<dyn Store>,
}

impl CheckFirst {
    /// Wraps a store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl Store for CheckFirst {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.inner.room().await
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        match self.inner.head(key).await {
            Ok(_) => Err(Error::AlreadyExists(Attempt::new(
                Verb::Create,
                key.as_str(),
                self.location(),
            ))),
            Err(Error::NotFound(_)) => self.inner.create(key, body).await,
            Err(error) => Err(error),
        }
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
        self.inner.delete(key).await
    }

    fn versions(&self) -> Option<Arc<dyn Versions>> {
        self.inner.versions()
    }

    async fn refuses_damage(&self, key: &Key) -> Result<Option<bool>, Error> {
        self.inner.refuses_damage(key).await
    }
}
