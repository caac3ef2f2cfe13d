//! The same for versions.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::Timestamp;

use super::Counters;
use crate::{Error, Kept, Key, Verb, Version, VersionId, VersionPage, Versions};

/// Counts requests for versions by the verb that services charge for: what an object's lock is, as a look at its size;
/// another lock, as an object that is created.
#[derive(Debug)]
pub(super) struct CountedVersions {
    pub(super) inner: Arc<dyn Versions>,
    pub(super) counters: Counters,
}

impl CountedVersions {
    /// Counts a request that sends and receives no body.
    async fn plain<T>(
        &self,
        verb: Verb,
        name: &str,
        request: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let begun = Instant::now();
        let done = request.await;
        self.counters.add(verb, name, begun, &done, 0);
        done
    }
}

#[async_trait]
impl Versions for CountedVersions {
    async fn kept(&self) -> Result<Kept, Error> {
        self.plain(Verb::Head, "", self.inner.kept()).await
    }

    async fn of(&self, key: &Key) -> Result<Vec<Version>, Error> {
        self.plain(Verb::List, key.as_str(), self.inner.of(key)).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<VersionPage, Error> {
        self.plain(Verb::List, prefix, self.inner.list(prefix, after))
            .await
    }

    async fn get(&self, key: &Key, id: &VersionId, range: Option<Range<u64>>) -> Result<Bytes, Error> {
        let verb = if range.is_some() {
            Verb::GetRange
        } else {
            Verb::Get
        };
        let begun = Instant::now();
        let got = self.inner.get(key, id, range).await;
        let size = got.as_ref().map_or(0, Bytes::len);
        self.counters.add(verb, key.as_str(), begun, &got, size);
        got
    }

    async fn delete_version(&self, key: &Key, id: &VersionId) -> Result<(), Error> {
        let deleted = self.inner.delete_version(key, id);
        self.plain(Verb::Delete, key.as_str(), deleted).await
    }

    async fn create_locked(&self, key: &Key, body: Bytes, until: Timestamp) -> Result<(), Error> {
        let (begun, size) = (Instant::now(), body.len());
        let done = self.inner.create_locked(key, body, until).await;
        let sent = if done.is_ok() { size } else { 0 };
        self.counters.add(Verb::Create, key.as_str(), begun, &done, sent);
        done
    }

    async fn locked_until(&self, key: &Key, id: &VersionId) -> Result<Option<Timestamp>, Error> {
        let asked = self.inner.locked_until(key, id);
        self.plain(Verb::Head, key.as_str(), asked).await
    }

    async fn lock(&self, key: &Key, id: &VersionId, until: Timestamp) -> Result<(), Error> {
        let locked = self.inner.lock(key, id, until);
        self.plain(Verb::Create, key.as_str(), locked).await
    }
}
