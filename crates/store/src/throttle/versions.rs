//! The same for versions.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::Timestamp;

use super::{Throttle, length};
use crate::{Error, Kept, Key, Version, VersionId, VersionPage, Versions};

/// Waits for versions as [`Throttle`] waits for objects.
#[derive(Debug)]
pub(super) struct ThrottledVersions {
    pub(super) inner: Arc<dyn Versions>,
    pub(super) throttle: Throttle,
}

#[async_trait]
impl Versions for ThrottledVersions {
    async fn kept(&self) -> Result<Kept, Error> {
        self.throttle.request().await;
        self.inner.kept().await
    }

    async fn of(&self, key: &Key) -> Result<Vec<Version>, Error> {
        self.throttle.request().await;
        self.inner.of(key).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<VersionPage, Error> {
        self.throttle.request().await;
        self.inner.list(prefix, after).await
    }

    async fn get(&self, key: &Key, id: &VersionId, range: Option<Range<u64>>) -> Result<Bytes, Error> {
        self.throttle.download(range.as_ref().map_or(0, length)).await;
        self.throttle.request().await;
        let is_whole = range.is_none();
        let got = self.inner.get(key, id, range).await?;
        if is_whole {
            self.throttle.received(&got);
        }
        Ok(got)
    }

    async fn delete_version(&self, key: &Key, id: &VersionId) -> Result<(), Error> {
        self.throttle.request().await;
        self.inner.delete_version(key, id).await
    }

    async fn create_locked(&self, key: &Key, body: Bytes, until: Timestamp) -> Result<(), Error> {
        self.throttle.upload(body.len() as u64).await;
        self.throttle.request().await;
        self.inner.create_locked(key, body, until).await
    }

    async fn locked_until(&self, key: &Key, id: &VersionId) -> Result<Option<Timestamp>, Error> {
        self.throttle.request().await;
        self.inner.locked_until(key, id).await
    }

    async fn lock(&self, key: &Key, id: &VersionId, until: Timestamp) -> Result<(), Error> {
        self.throttle.request().await;
        self.inner.lock(key, id, until).await
    }
}
