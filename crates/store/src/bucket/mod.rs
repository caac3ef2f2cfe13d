//! Stores in a bucket of an object service: S3, Azure Blob Storage, Google Cloud Storage.
//!
//! One file a service says how it is reached; what is here works on S3 and Azure, and `gcs` has its own. An object is
//! created by one PUT with the service's condition that there must be none (`If-None-Match: *`). A service that ignores
//! the condition breaks the contract; [`probe`](crate::probe) finds that out.

mod answer;
mod azure;
mod connection;
mod fault;
mod gcs;
mod s3;
mod starts;
mod tls;
mod wire;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use ostler_vocabulary::Timestamp;

pub use azure::AzureOptions;
pub use gcs::{Gcs, GcsOptions};
use s3::SignedBucket;
pub use s3::{S3Options, Style};
pub use tls::provide as provide_tls;

use crate::key::check_prefix;
use crate::{Attempt, Error, Key, Object, PAGE, Page, Store, Verb, Versions};
use fault::Explain;
use starts::Starts;

/// What the client library has for every service.
trait Client: ObjectStore + PaginatedListStore {}
impl<T: ObjectStore + PaginatedListStore> Client for T {}

/// A service's client and what its errors need to know.
struct Connected {
    client: Arc<dyn Client>,
    explain: Arc<Explain>,
    /// Whether the service can begin a listing after any name. Else it goes on by its own tokens only.
    starts_anywhere: bool,
    /// For what the client library cannot ask an S3 service for.
    signed: Option<SignedBucket>,
}

/// Objects in a bucket, below a prefix.
///
/// Opening one sends no request, and each call sends one only once: put [`Retry`](crate::Retry) around it.
pub struct Bucket {
    client: Arc<dyn Client>,
    location: String,
    /// Empty, or with a `/` at its end.
    prefix: String,
    explain: Arc<Explain>,
    starts: Option<Starts>,
    signed: Option<SignedBucket>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.location)
    }
}

impl Bucket {
    /// A bucket of an S3 service; `prefix` is the start of all keys in it, without `/` at its end, or empty.
    ///
    /// # Errors
    /// [`Error::Settings`] when the settings contradict each other.
    pub fn s3(bucket: &str, prefix: &str, options: &S3Options) -> Result<Self, Error> {
        Self::open("s3", bucket, prefix, |prefix, location| {
            options.connect(bucket, prefix, location)
        })
    }

    /// A container of an Azure storage account; `prefix` as with [`Bucket::s3`].
    ///
    /// # Errors
    /// [`Error::Settings`] when the settings contradict each other.
    pub fn azure(container: &str, prefix: &str, options: &AzureOptions) -> Result<Self, Error> {
        Self::open("azure", container, prefix, |_, location| {
            options.connect(container, location)
        })
    }

    fn open(
        scheme: &str,
        bucket: &str,
        prefix: &str,
        connect: impl FnOnce(&str, &str) -> Result<Connected, Error>,
    ) -> Result<Self, Error> {
        let (location, prefix) = if prefix.is_empty() {
            (format!("{scheme}://{bucket}"), String::new())
        } else {
            (format!("{scheme}://{bucket}/{prefix}"), format!("{prefix}/"))
        };
        let connected = connect(&prefix, &location)?;
        Ok(Self {
            client: connected.client,
            location,
            prefix,
            explain: connected.explain,
            starts: (!connected.starts_anywhere).then(Starts::default),
            signed: connected.signed,
        })
    }

    /// The prefix that the service is asked for. The client library leaves an object out whose whole name is the
    /// prefix where services go on by tokens (Azure), so that one letter less is asked for.
    fn asked_for<'a>(&self, prefix: &'a str) -> &'a str {
        match prefix.char_indices().next_back() {
            Some((last, letter)) if self.starts.is_some() && letter != '/' => &prefix[..last],
            _ => prefix,
        }
    }

    fn path(&self, key: &Key) -> Path {
        Path::from(format!("{}{key}", self.prefix))
    }

    fn attempt(&self, verb: Verb, subject: &str) -> Attempt {
        Attempt::new(verb, subject, self.location.as_str())
    }

    fn error(&self, verb: Verb, subject: &str, error: object_store::Error) -> Error {
        self.explain.error(self.attempt(verb, subject), error)
    }

    async fn read(&self, verb: Verb, key: &Key, options: GetOptions) -> Result<(ObjectMeta, Bytes), Error> {
        let failed = |error| self.error(verb, key.as_str(), error);
        let answer = self
            .client
            .get_opts(&self.path(key), options)
            .await
            .map_err(failed)?;
        let meta = answer.meta.clone();
        // Every service names what it gives. Something else, with a status of success, is rather an error's text.
        if meta.e_tag.is_none() {
            return Err(self.explain.no_object(self.attempt(verb, key.as_str())));
        }
        let body = answer.bytes().await.map_err(failed)?;
        Ok((meta, body))
    }

    fn object(&self, meta: &ObjectMeta) -> Option<Object> {
        let name = meta.location.as_ref().strip_prefix(&self.prefix)?;
        Some(Object {
            key: Key::new(name).ok()?,
            size: meta.size,
            modified: Timestamp::from_millisecond(meta.last_modified.timestamp_millis()).ok(),
        })
    }
}

#[async_trait]
impl Store for Bucket {
    fn location(&self) -> &str {
        &self.location
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        let options = PutOptions::from(PutMode::Create);
        let payload = PutPayload::from(body);
        match self.client.put_opts(&self.path(key), payload, options).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.error(Verb::Create, key.as_str(), error)),
        }
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let (meta, body) = self.read(Verb::Get, key, GetOptions::default()).await?;
        if body.len() as u64 == meta.size {
            return Ok(body);
        }
        Err(self.explain.cut_off(self.attempt(Verb::Get, key.as_str())))
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        let Range { start, end } = range;
        let attempt = || self.attempt(Verb::GetRange, key.as_str());
        if start > end {
            let attempt = attempt();
            return Err(Error::Range { attempt, start, end });
        }
        let short = |size| Error::Short {
            attempt: attempt(),
            needed: end,
            size,
        };
        // The protocol has no empty range.
        if start == end {
            let size = self.head(key).await?.size;
            return if end <= size {
                Ok(Bytes::new())
            } else {
                Err(short(Some(size)))
            };
        }
        // Services that read numbers of 64 bits with a sign take a larger one for no range at all.
        let last = end.min(i64::MAX.unsigned_abs()).max(start + 1);
        let options = GetOptions {
            range: Some(GetRange::Bounded(start..last)),
            ..GetOptions::default()
        };
        let answer = self.client.get_opts(&self.path(key), options).await;
        let answer = match answer {
            Err(error) if fault::is_outside_of_object(&error) => return Err(short(None)),
            answer => answer.map_err(|error| self.error(Verb::GetRange, key.as_str(), error))?,
        };
        let size = answer.meta.size;
        if size < end {
            return Err(short(Some(size)));
        }
        let body = answer
            .bytes()
            .await
            .map_err(|error| self.error(Verb::GetRange, key.as_str(), error))?;
        if body.len() as u64 == end - start {
            return Ok(body);
        }
        Err(self.explain.cut_off(attempt()))
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let meta = match self.client.head(&self.path(key)).await {
            Ok(meta) => meta,
            Err(object_store::Error::NotFound { .. }) => {
                // The answer to HEAD has no body that tells a missing object from a missing bucket; a listing's has.
                self.list(key.as_str(), None).await.map_err(|error| match error {
                    Error::Gone { hint, .. } => Error::Gone {
                        attempt: self.attempt(Verb::Head, key.as_str()),
                        hint,
                    },
                    other => other,
                })?;
                return Err(Error::NotFound(self.attempt(Verb::Head, key.as_str())));
            }
            Err(error) => return Err(self.error(Verb::Head, key.as_str(), error)),
        };
        Ok(Object {
            key: key.clone(),
            size: meta.size,
            modified: Timestamp::from_millisecond(meta.last_modified.timestamp_millis()).ok(),
        })
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        check_prefix(prefix)?;
        let full = format!("{}{}", self.prefix, self.asked_for(prefix));
        let mut token = self
            .starts
            .as_ref()
            .and_then(|starts| starts.token(prefix, after));
        loop {
            let options = PaginatedListOptions {
                offset: after
                    .filter(|_| self.starts.is_none())
                    .map(|after| format!("{}{after}", self.prefix)),
                max_keys: Some(PAGE),
                page_token: token,
                ..PaginatedListOptions::default()
            };
            let listed = self.client.list_paginated(Some(&full), options).await;
            let listed = listed.map_err(|error| self.error(Verb::List, prefix, error))?;
            let mut objects: Vec<Object> = Vec::with_capacity(listed.result.objects.len());
            for meta in &listed.result.objects {
                // What is not named by our rules is not ours.
                let Some(object) = self.object(meta) else { continue };
                // What was told before, by a listing that had to begin at the beginning; what was not asked for.
                let is_before = self.starts.is_some() && after.is_some_and(|after| *after >= object.key);
                if is_before || !object.key.as_str().starts_with(prefix) {
                    continue;
                }
                let before = objects.last().map(|last| &last.key).or(after);
                if before.is_some_and(|before| *before >= object.key) {
                    return Err(Error::Unsupported {
                        attempt: self.attempt(Verb::List, prefix),
                        reason: format!(
                            "the service lists `{}` out of order, so that a listing in pages would miss objects",
                            object.key
                        ),
                    });
                }
                objects.push(object);
            }
            token = listed.page_token;
            match (&token, objects.last()) {
                (None, _) => return Ok(Page { objects, next: None }),
                (Some(token), Some(last)) => {
                    let next = last.key.clone();
                    if let Some(starts) = &self.starts {
                        starts.remember(prefix, &next, token);
                    }
                    return Ok(Page {
                        objects,
                        next: Some(next),
                    });
                }
                // A page of nothing but strange names, or of what was asked for before.
                (Some(_), None) => {}
            }
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        match self.client.delete(&self.path(key)).await {
            Ok(()) => Ok(()),
            Err(error) => match self.error(Verb::Delete, key.as_str(), error) {
                Error::NotFound(_) => Ok(()),
                error => Err(error),
            },
        }
    }

    fn versions(&self) -> Option<Arc<dyn Versions>> {
        self.signed
            .as_ref()
            .map(|signed| Arc::new(signed.clone()) as Arc<dyn Versions>)
    }

    async fn refuses_damage(&self, key: &Key) -> Result<Option<bool>, Error> {
        match &self.signed {
            Some(signed) => signed.refuses_damage(key).await.map(Some),
            None => Ok(None),
        }
    }
}
