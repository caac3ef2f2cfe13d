//! A store in a directory.
//!
//! An object is a file at `<root>/<key>`. It is written to `<root>/tmp/`, synced, linked to its name without
//! replacing, then the directory is synced, and then the first name is removed. Directories of objects are made when needed and removed when empty.

mod buffers;
mod fault;
mod place;
mod unfinished;
mod walk;

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::Timestamp;
use rustix::buffer::spare_capacity;

use crate::key::check_prefix;
use crate::{Attempt, Error, Key, Object, Page, Store, Verb};

/// Objects as files of one directory. Cloning gives another handle to the same store.
#[derive(Debug, Clone)]
pub struct Local {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    location: String,
    /// Device and inode of the root since it was first seen: another one there means that a disk was unmounted.
    identity: Mutex<Option<(u64, u64)>>,
    /// Directories whose own entries are known to be synced.
    durable: Mutex<HashMap<PathBuf, place::Incarnation>>,
    buffers: buffers::Buffers,
}

impl Local {
    /// Opens the store in this directory, which is made by the first `create`. Removes unfinished objects of
    /// processes that are known to be dead. Blocks on the file system for a moment.
    ///
    /// # Errors
    /// [`Error::Open`] when there is something else than a directory, or it cannot be looked at.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, Error> {
        let given = directory.as_ref();
        let failed = |source| Error::Open {
            store: given.display().to_string(),
            source,
        };
        let root = std::path::absolute(given).map_err(failed)?;
        let identity = match std::fs::metadata(&root) {
            Ok(found) if !found.is_dir() => {
                return Err(failed(std::io::Error::from(std::io::ErrorKind::NotADirectory)));
            }
            Ok(found) => Some((found.dev(), found.ino())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        if identity.is_some() {
            unfinished::sweep(&root).map_err(failed)?;
        }
        Ok(Self {
            inner: Arc::new(Inner {
                location: root.display().to_string(),
                root,
                identity: Mutex::new(identity),
                durable: Mutex::default(),
                buffers: buffers::Buffers::default(),
            }),
        })
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    async fn blocking<T, F>(&self, verb: Verb, subject: &str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Inner, &Attempt) -> Result<T, Error> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let attempt = Attempt::new(verb, subject, inner.location.as_str());
        let tried = attempt.clone();
        tokio::task::spawn_blocking(move || work(&inner, &tried))
            .await
            .unwrap_or_else(|error| {
                Err(Error::Io {
                    attempt,
                    source: Box::new(error),
                })
            })
    }
}

impl Inner {
    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// Turns what the file system said into what it means here.
    fn explain(&self, attempt: &Attempt, error: std::io::Error) -> Error {
        if error.kind() == std::io::ErrorKind::NotFound && self.is_gone() {
            return Error::Gone {
                attempt: attempt.clone(),
                hint: format!("look whether the disk of {} is still mounted", self.location),
            };
        }
        fault::explain(attempt, error)
    }

    /// Whether the directory that this store was opened in, or made, is not there any more.
    fn is_gone(&self) -> bool {
        let known = *self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        known.is_some_and(|known| {
            std::fs::metadata(&self.root).map_or(true, |found| (found.dev(), found.ino()) != known)
        })
    }

    fn read(&self, attempt: &Attempt, key: &str, range: Option<Range<u64>>) -> Result<Bytes, Error> {
        let explain = |error| self.explain(attempt, error);
        let file = open_object(&self.path(key)).map_err(explain)?;
        let size = file.metadata().map_err(explain)?.len();
        let Range { start, end } = range.unwrap_or(0..size);
        let short = |size| Error::Short {
            attempt: attempt.clone(),
            needed: end,
            size: Some(size),
        };
        if start > end {
            let attempt = attempt.clone();
            return Err(Error::Range { attempt, start, end });
        }
        let Some(length) = usize::try_from(end - start).ok().filter(|_| end <= size) else {
            return Err(short(size));
        };
        let mut bytes = self.buffers.take(length);
        while bytes.len() < length {
            let at = start + bytes.len() as u64;
            match rustix::io::pread(&file, spare_capacity(&mut bytes), at) {
                Ok(0) => return Err(short(at)),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(explain(error.into())),
            }
        }
        // The vector may have got more room than asked for, and the file may be longer than the range.
        bytes.truncate(length);
        Ok(self.buffers.lend(bytes))
    }
}

/// Opens an object. What is not a regular file is not an object.
fn open_object(path: &Path) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    // Not blocking, so that a pipe that somebody put there is refused and not waited for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

fn modified(found: &std::fs::Metadata) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(found.mtime_nsec()).ok()?;
    Timestamp::new(found.mtime(), nanoseconds).ok()
}

#[async_trait]
impl Store for Local {
    fn location(&self) -> &str {
        &self.inner.location
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        let name = key.clone();
        self.blocking(Verb::Create, key.as_str(), move |inner, attempt| {
            inner.place(attempt, &name, &body)
        })
        .await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let name = key.clone();
        self.blocking(Verb::Get, key.as_str(), move |inner, attempt| {
            inner.read(attempt, name.as_str(), None)
        })
        .await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        let name = key.clone();
        self.blocking(Verb::GetRange, key.as_str(), move |inner, attempt| {
            inner.read(attempt, name.as_str(), Some(range))
        })
        .await
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let key = key.clone();
        let subject = key.clone();
        self.blocking(Verb::Head, subject.as_str(), move |inner, attempt| {
            let found =
                std::fs::metadata(inner.path(key.as_str())).map_err(|error| inner.explain(attempt, error))?;
            if !found.is_file() {
                return Err(Error::NotFound(attempt.clone()));
            }
            Ok(Object {
                key,
                size: found.len(),
                modified: modified(&found),
            })
        })
        .await
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        self.blocking(Verb::Head, "", move |inner, attempt| {
            let found = rustix::fs::statvfs(&inner.root);
            let found = found.map_err(|error| inner.explain(attempt, error.into()))?;
            Ok(Some(found.f_bavail.saturating_mul(found.f_frsize)))
        })
        .await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        check_prefix(prefix)?;
        let (wanted, after) = (prefix.to_owned(), after.cloned());
        self.blocking(Verb::List, prefix, move |inner, attempt| {
            let page = walk::page(&inner.root, &wanted, after.as_ref())
                .map_err(|error| inner.explain(attempt, error))?;
            if page.objects.is_empty() && inner.is_gone() {
                return Err(inner.explain(attempt, std::io::ErrorKind::NotFound.into()));
            }
            Ok(page)
        })
        .await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let name = key.clone();
        self.blocking(Verb::Delete, key.as_str(), move |inner, attempt| {
            inner.remove(attempt, &name)
        })
        .await
    }
}
