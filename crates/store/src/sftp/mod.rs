//! A store in a directory of a host that OpenSSH reaches.
//!
//! The system's `ssh` makes the connection, so that its configuration, agent, known hosts and jump hosts work here too;
//! this process speaks SFTP (version 3, <https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02>) with the
//! extensions of OpenSSH (<https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL>).
//!
//! An object is written to `<directory>/tmp/`, synced, and given its name by a hard link, which is refused where the
//! name is taken. A directory cannot be synced by SFTP; the file is synced once more after the link instead, which
//! makes its new name durable too on the file systems that servers use (ext4, XFS, Btrfs).

mod fault;
mod listing;
mod options;
mod session;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use ostler_vocabulary::Timestamp;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::FileAttributes;
use tokio::sync::{Mutex, Semaphore};

pub use options::SftpOptions;

use crate::key::check_prefix;
use crate::{Attempt, Error, Key, Object, Page, Remote, Store, Verb};
use session::Session;

/// Where unfinished objects are. No key starts with it.
const UNFINISHED: &str = "tmp";
/// So many files are open at the same time: servers limit them, and the handles of OpenSSH's are text up to 127.
const AT_ONCE: usize = 32;
/// How often a directory may vanish between being made and being used, because another process removed its last object.
const PATIENCE: usize = 8;

/// Objects as files of one directory of another host.
///
/// Opening it makes no connection; the first request does, and the one after a connection was lost. Each request is
/// sent only once: put [`Retry`](crate::Retry) around it.
pub struct Sftp {
    location: String,
    /// What the server knows the directory by: absolute, or relative to the user's home.
    root: String,
    remote: Remote,
    options: SftpOptions,
    session: Mutex<Option<Arc<Session>>>,
    open_files: Semaphore,
    /// Whether the directory has been there: it cannot be missing later unless a disk was unmounted.
    seen: AtomicBool,
    next: AtomicU64,
}

impl fmt::Debug for Sftp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sftp({})", self.location)
    }
}

impl Sftp {
    /// A store in this directory, which is made by the first `create`.
    #[must_use]
    pub fn open(remote: &Remote, options: &SftpOptions) -> Self {
        let directory = &remote.directory;
        Self {
            location: remote.to_string(),
            root: directory.strip_prefix("/~/").unwrap_or(directory).to_owned(),
            remote: remote.clone(),
            options: options.clone(),
            session: Mutex::new(None),
            open_files: Semaphore::new(AT_ONCE),
            seen: AtomicBool::new(false),
            next: AtomicU64::new(0),
        }
    }

    fn path(&self, key: &str) -> String {
        format!("{}/{key}", self.root)
    }

    fn attempt(&self, verb: Verb, subject: &str) -> Attempt {
        Attempt::new(verb, subject, self.location.as_str())
    }

    /// The connection, made anew when there is none or the last one broke.
    async fn session(&self, attempt: &Attempt) -> Result<Arc<Session>, Error> {
        let mut known = self.session.lock().await;
        if let Some(session) = known.as_ref().filter(|session| session.is_alive()) {
            return Ok(Arc::clone(session));
        }
        let session = Session::connect(&self.remote, &self.options, attempt).await?;
        let session = Arc::new(session);
        *known = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Turns what the server said into what it means here.
    async fn explain(&self, session: &Session, attempt: Attempt, error: SftpError) -> Error {
        let explained = fault::explain(attempt, error, &self.remote);
        if let Error::NotFound(attempt) = explained {
            if self.seen.load(Ordering::Relaxed) && session.attributes(&self.root).await.is_err() {
                return Error::Gone {
                    attempt,
                    hint: format!("look whether the disk of {} is still mounted", self.location),
                };
            }
            return Error::NotFound(attempt);
        }
        explained
    }

    /// Makes the directories that a path lies in.
    async fn make_parents(&self, session: &Session, path: &str) -> Result<(), SftpError> {
        let Some((parent, _)) = path.rsplit_once('/') else {
            return Ok(());
        };
        let mut missing = Vec::new();
        let mut directory = parent;
        while !directory.is_empty() && session.attributes(directory).await.is_err() {
            missing.push(directory);
            directory = directory.rsplit_once('/').map_or("", |(above, _)| above);
        }
        while let Some(directory) = missing.pop() {
            if let Err(error) = session.make_directory(directory).await {
                // Another one may have been faster.
                if session.attributes(directory).await.is_err() {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Writes the object under a name of its own and links it to its final one.
    async fn place(&self, session: &Session, key: &Key, body: &Bytes) -> Result<(), SftpError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.path(&format!("{UNFINISHED}/{}-{number}", session.name()));
        self.make_parents(session, &unfinished).await?;
        let handle = session.create_file(&unfinished).await?;
        let placed = self
            .write_and_link(session, &handle, &unfinished, key, body)
            .await;
        let closed = session.close(&handle).await;
        let removed = session.remove(&unfinished).await;
        placed?;
        closed?;
        removed
    }

    async fn write_and_link(
        &self,
        session: &Session,
        handle: &str,
        unfinished: &str,
        key: &Key,
        body: &Bytes,
    ) -> Result<(), SftpError> {
        session.write(handle, body).await?;
        session.sync(handle).await?;
        let path = self.path(key.as_str());
        let mut tried = 0;
        loop {
            match session.link(unfinished, &path).await {
                Err(error) if fault::is_not_found(&error) && tried < PATIENCE => {
                    tried += 1;
                    self.make_parents(session, &path).await?;
                }
                done => {
                    done?;
                    return session.sync(handle).await;
                }
            }
        }
    }

    /// Reads a part of an object, or all of it.
    async fn read(&self, verb: Verb, key: &Key, range: Option<Range<u64>>) -> Result<Bytes, Error> {
        let attempt = self.attempt(verb, key.as_str());
        if let Some(Range { start, end }) = range
            && start > end
        {
            return Err(Error::Range { attempt, start, end });
        }
        let session = self.session(&attempt).await?;
        let _permit = self.open_files.acquire().await;
        let opened = session.open_file(&self.path(key.as_str())).await;
        let (handle, size) = match opened {
            Ok(opened) => opened,
            Err(error) => return Err(self.explain(&session, attempt, error).await),
        };
        let Range { start, end } = range.unwrap_or(0..size);
        let read = if end <= size {
            session.read(&handle, start..end).await
        } else {
            Ok(None)
        };
        // What was only read is closed at the latest with the connection.
        let _ = session.close(&handle).await;
        match read {
            Ok(Some(bytes)) => {
                self.seen.store(true, Ordering::Relaxed);
                Ok(bytes)
            }
            Ok(None) => Err(Error::Short {
                attempt,
                needed: end,
                size: Some(size),
            }),
            Err(error) => Err(self.explain(&session, attempt, error).await),
        }
    }
}

fn object(key: Key, found: &FileAttributes) -> Object {
    Object {
        key,
        size: found.size.unwrap_or(0),
        modified: found
            .mtime
            .and_then(|seconds| Timestamp::new(i64::from(seconds), 0).ok()),
    }
}

#[async_trait]
impl Store for Sftp {
    fn location(&self) -> &str {
        &self.location
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        let attempt = self.attempt(Verb::Create, key.as_str());
        let session = self.session(&attempt).await?;
        let _permit = self.open_files.acquire().await;
        match self.place(&session, key, &body).await {
            Ok(()) => {
                self.seen.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) if fault::is_failure(&error) => {
                // The protocol has no word for a name that is taken, nor for a full disk.
                if session.attributes(&self.path(key.as_str())).await.is_ok() {
                    return Err(Error::AlreadyExists(attempt));
                }
                if session.is_full(&self.root).await {
                    return Err(Error::NoSpace {
                        attempt,
                        source: Box::new(error),
                    });
                }
                Err(fault::explain(attempt, error, &self.remote))
            }
            Err(error) => Err(fault::explain(attempt, error, &self.remote)),
        }
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        self.read(Verb::Get, key, None).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        self.read(Verb::GetRange, key, Some(range)).await
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let attempt = self.attempt(Verb::Head, key.as_str());
        let session = self.session(&attempt).await?;
        match session.attributes(&self.path(key.as_str())).await {
            Ok(found) if found.file_type().is_file() => {
                self.seen.store(true, Ordering::Relaxed);
                Ok(object(key.clone(), &found))
            }
            Ok(_) => Err(Error::NotFound(attempt)),
            Err(error) => Err(self.explain(&session, attempt, error).await),
        }
    }

    async fn room(&self) -> Result<Option<u64>, Error> {
        let session = self.session(&self.attempt(Verb::Head, "")).await?;
        Ok(session.room(&self.root).await)
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        check_prefix(prefix)?;
        let attempt = self.attempt(Verb::List, prefix);
        let session = self.session(&attempt).await?;
        let _permit = self.open_files.acquire().await;
        match listing::page(&session, &self.root, prefix, after).await {
            Ok(page) if page.objects.is_empty() && after.is_none() => {
                match session.attributes(&self.root).await {
                    Ok(_) => self.seen.store(true, Ordering::Relaxed),
                    Err(error) => match self.explain(&session, attempt, error).await {
                        // Never written to.
                        Error::NotFound(_) => {}
                        other => return Err(other),
                    },
                }
                Ok(page)
            }
            Ok(page) => {
                self.seen.store(true, Ordering::Relaxed);
                Ok(page)
            }
            Err(error) => Err(self.explain(&session, attempt, error).await),
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let attempt = self.attempt(Verb::Delete, key.as_str());
        let session = self.session(&attempt).await?;
        let path = self.path(key.as_str());
        if let Err(error) = session.remove(&path).await {
            return match self.explain(&session, attempt, error).await {
                Error::NotFound(_) => Ok(()),
                other => Err(other),
            };
        }
        let mut directory = path.as_str();
        while let Some((above, _)) = directory.rsplit_once('/') {
            // Refused where something is left in it.
            if above == self.root || session.remove_directory(above).await.is_err() {
                break;
            }
            directory = above;
        }
        Ok(())
    }
}
