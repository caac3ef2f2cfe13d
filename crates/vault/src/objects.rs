//! The store's objects by prefix, page after page, and reading those that may be gone by now.

use std::sync::Arc;

use bytes::Bytes;
use ostler_store::{Key, Object, Store};
use ostler_vocabulary::{Classified, ErrorKind};

use crate::{Error, Vault};

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
        match self.store().create(key, body.into()).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(Error::store("create", key)(error)),
        }
    }

    /// Deletes an object.
    pub(crate) async fn remove(&self, key: &Key) -> Result<(), Error> {
        self.store()
            .delete(key)
            .await
            .map_err(Error::store("delete", key))
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
