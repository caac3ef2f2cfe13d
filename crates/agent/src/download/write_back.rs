//! Makes the disk begin early: what lies in the page cache at the end of a restore has to be waited for, with nothing
//! else to do.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::Sender;

use super::confine::Base;
use crate::Error;

/// Bytes that may lie in the cache before somebody writes them out.
const ENOUGH: u64 = 64 << 20;
/// What a file costs beside its content, in bytes: its inode, its name and the journal.
const FILE: u64 = 1024;

/// Counts what was written through the cache.
#[derive(Debug)]
pub(crate) struct WriteBack<'a> {
    waiting: &'a AtomicU64,
    wake: Sender<()>,
}

impl WriteBack<'_> {
    /// A file of so many bytes is complete, and nobody wrote it out.
    pub(super) fn file(&self, bytes: u64) {
        let bytes = bytes.saturating_add(FILE);
        let waiting = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        if waiting.saturating_add(bytes) >= ENOUGH && waiting < ENOUGH {
            // When one is still going on it finds out itself.
            let _ = self.wake.try_send(());
        }
    }
}

/// Does the work, with one thread beside it that writes out what it leaves in the cache. In the end everything is on
/// the disk.
pub(super) fn beside<T>(
    bases: &[Base],
    work: impl FnOnce(&WriteBack<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let waiting = &AtomicU64::new(0);
    let (wake, woken) = crossbeam_channel::bounded(1);
    thread::scope(|scope| {
        let early = scope.spawn(move || {
            for () in woken {
                waiting.store(0, Ordering::Relaxed);
                // What fails here is told here only, and must not be lost.
                sync(bases)?;
            }
            Ok(())
        });
        let done = work(&WriteBack { waiting, wake });
        let early = early.join().unwrap_or(Err(Error::Worker));
        let done = done?;
        early?;
        sync(bases)?;
        Ok(done)
    })
}

fn sync(bases: &[Base]) -> Result<(), Error> {
    for base in bases {
        let synced = base
            .readable(b"")
            .and_then(|fd| rustix::fs::syncfs(&fd).map_err(io::Error::from));
        synced.map_err(|error| Error::io("sync the file system of", &base.path, error))?;
    }
    Ok(())
}
