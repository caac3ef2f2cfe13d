//! The same for versions.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use ostler_vocabulary::Timestamp;

use super::Retry;
use crate::{Error, Kept, Key, Version, VersionId, VersionPage, Versions};

/// Asks for versions again as [`Retry`] asks for objects.
#[derive(Debug)]
pub(super) struct RetryVersions {
    pub(super) inner: Arc<dyn Versions>,
    pub(super) retry: Retry,
}

impl RetryVersions {
    async fn again<'a, T>(
        &'a self,
        ask: impl Fn() -> BoxFuture<'a, Result<T, Error>> + Send + Sync,
    ) -> Result<T, Error>
    where
        T: Send,
    {
        let mut tried = 0;
        loop {
            match ask().await {
                Ok(given) => return self.retry.answered(given),
                Err(error) => {
                    tried += 1;
                    self.retry.wait_or(tried, error).await?;
                }
            }
        }
    }
}

#[async_trait]
impl Versions for RetryVersions {
    async fn kept(&self) -> Result<Kept, Error> {
        self.again(|| self.inner.kept()).await
    }

    async fn of(&self, key: &Key) -> Result<Vec<Version>, Error> {
        self.again(|| self.inner.of(key)).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<VersionPage, Error> {
        self.again(|| self.inner.list(prefix, after)).await
    }

    async fn get(&self, key: &Key, id: &VersionId, range: Option<Range<u64>>) -> Result<Bytes, Error> {
        self.again(|| self.inner.get(key, id, range.clone())).await
    }

    async fn delete_version(&self, key: &Key, id: &VersionId) -> Result<(), Error> {
        self.again(|| self.inner.delete_version(key, id)).await
    }

    async fn create_locked(&self, key: &Key, body: Bytes, until: Timestamp) -> Result<(), Error> {
        let mut tried = 0;
        loop {
            let error = match self.inner.create_locked(key, body.clone(), until).await {
                Ok(()) => return self.retry.answered(()),
                Err(error) => error,
            };
            tried += 1;
            // As with `create`: after a first try of which nothing is known, the object may be our own.
            if tried > 1 && matches!(error, Error::AlreadyExists(_)) {
                return match self.retry.is_ours(key, &body).await? {
                    true => Ok(()),
                    false => Err(error),
                };
            }
            self.retry.wait_or(tried, error).await?;
        }
    }

    async fn locked_until(&self, key: &Key, id: &VersionId) -> Result<Option<Timestamp>, Error> {
        self.again(|| self.inner.locked_until(key, id)).await
    }

    async fn lock(&self, key: &Key, id: &VersionId, until: Timestamp) -> Result<(), Error> {
        self.again(|| self.inner.lock(key, id, until)).await
    }
}
