//! Locks what it creates against deletion.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::Clock;

use crate::{Error, Judge, Key, Object, Page, Store, Versions, Worth};

/// Creates what is worth keeping with a lock for so long. All else is the business of the store behind it.
#[derive(Debug, Clone)]
pub struct Locking {
    inner: Arc<dyn Store>,
    versions: Arc<dyn Versions>,
    judge: Arc<dyn Judge>,
    span: Duration,
    clock: Arc<dyn Clock>,
}

impl Locking {
    /// Wraps a store with its versions. Locks end by the service's clock; `clock` says when that is to be, so it has to
    /// be right to the hour or so.
    #[must_use]
    pub fn new(
        inner: Arc<dyn Store>,
        versions: Arc<dyn Versions>,
        judge: Arc<dyn Judge>,
        span: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            inner,
            versions,
            judge,
            span,
            clock,
        }
    }
}

#[async_trait]
impl Store for Locking {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.inner.room().await
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        if matches!(self.judge.worth(key), Worth::Passing | Worth::Said) {
            return self.inner.create(key, body).await;
        }
        let until = self.clock.now() + self.span;
        self.versions.create_locked(key, body, until).await
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
