//! The store's objects by prefix, page after page, and reading those that may be gone by now.

use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use ostler_store::{Key, Object, Store};
use ostler_vocabulary::{Classified, ErrorKind};
use tokio_util::sync::CancellationToken;

use crate::collect::stop_if;
use crate::{Error, Vault};

/// Requests in flight.
const AT_ONCE: usize = 16;

/// What follows when an object was created that its own bytes name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The store is believed: whoever commits looks up everything that is needed.
    Believe,
    /// It is looked up: what it replaces is going to be deleted.
    Find,
}

impl Vault {
    /// All objects whose keys start with `prefix`, in order of their keys.
    pub(crate) async fn objects(&self, prefix: &str) -> Result<Vec<Object>, Error> {
        list(self.store(), prefix).await
    }

    /// The object's bytes; `None` when there is no such object. When it names a key epoch that is not known yet, that is
    /// known afterwards.
    pub(crate) async fn read_if_there(&self, key: &Key) -> Result<Option<Bytes>, Error> {
        match self.store().get(key).await {
            Ok(bytes) => {
                self.learn_from(&bytes).await?;
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::store("read", key)(error)),
        }
    }

    /// Creates an object. `false` when there is one of this name.
    pub(crate) async fn create_if_free(&self, key: &Key, body: impl Into<Bytes>) -> Result<bool, Error> {
        if self.uses_reserve(key) {
            return crate::reserve::create(self.store(), key, body.into()).await;
        }
        match self.store().create(key, body.into()).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(Error::store("create", key)(error)),
        }
    }

    /// Creates an object that its own bytes name: a name that is taken is taken by the same bytes.
    pub(crate) async fn create_named(&self, key: &Key, body: Bytes, then: Then) -> Result<(), Error> {
        let size = body.len() as u64;
        self.create_if_free(key, body).await?;
        if then == Then::Believe {
            return Ok(());
        }
        match self.store().head(key).await {
            Ok(object) if object.size == size => Ok(()),
            Ok(_) => Err(Error::damaged(
                key,
                "it has not the size with which it was stored",
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::Conflict(format!(
                "`{key}` was stored and is not there, so nothing is freed now"
            ))),
            Err(error) => Err(Error::store("look up", key)(error)),
        }
    }

    /// Deletes objects, several at a time; gives what belongs to each that is gone.
    pub(crate) fn remove_each<'a, T: Send + 'a>(
        &'a self,
        objects: Vec<(Key, T)>,
        cancel: &'a CancellationToken,
    ) -> impl Stream<Item = Result<T, Error>> + Send + 'a {
        stream::iter(objects)
            .map(move |(key, of)| async move {
                stop_if(cancel)?;
                self.remove(&key).await?;
                Ok(of)
            })
            .buffer_unordered(AT_ONCE)
    }

    /// Deletes an object.
    pub(crate) async fn remove(&self, key: &Key) -> Result<(), Error> {
        self.store()
            .delete(key)
            .await
            .map_err(Error::store("delete", key))
    }

    /// Deletes these objects side by side, and waits for each, whatever becomes of the others.
    pub(crate) async fn remove_all(&self, keys: Vec<Key>) -> Result<(), Error> {
        let removed = stream::iter(keys)
            .map(|key| async move { self.remove(&key).await })
            .buffer_unordered(AT_ONCE);
        removed.collect::<Vec<_>>().await.into_iter().collect()
    }

    /// As [`Vault::remove_all`], of objects that are in nobody's way.
    pub(crate) async fn remove_all_if_allowed(&self, keys: Vec<Key>) -> Result<(), Error> {
        let removed = stream::iter(keys)
            .map(|key| async move { self.remove_if_allowed(&key).await })
            .buffer_unordered(AT_ONCE);
        removed.collect::<Vec<_>>().await.into_iter().collect()
    }

    /// Deletes an object that is in nobody's way. Who may write and not delete leaves it to a collector.
    pub(crate) async fn remove_if_allowed(&self, key: &Key) -> Result<(), Error> {
        match self.remove(key).await {
            Err(error) if error.kind() == ErrorKind::Denied => Ok(()),
            done => done,
        }
    }
}

/// A name made of parts that are known to be good.
pub(crate) fn object_key(name: String) -> Result<Key, Error> {
    Key::new(name.clone()).map_err(Error::store("name", name))
}

/// All objects whose keys start with `prefix`, in order of their keys.
pub(crate) async fn list(store: &Arc<dyn Store>, prefix: &str) -> Result<Vec<Object>, Error> {
    let mut objects = Vec::new();
    let mut after: Option<Key> = None;
    loop {
        let page = store
            .list(prefix, after.as_ref())
            .await
            .map_err(Error::store("list", prefix))?;
        objects.extend(page.objects);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(objects),
        }
    }
}
