//! Large files: read in pieces by several workers, put together by whoever reads the last one.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use ostler_vault::list::Extent;
use rustix::fd::AsFd;

use super::Worker;
use super::file::{Content, is_torn, is_unsure, version};
use crate::Error;
use crate::stat::{Kind, Stat};
use crate::upload::content::{self, ReadError};
use crate::upload::work::{LargeFile, Opened, Outcome};
use crate::walk::open_found;

impl Worker<'_> {
    /// One piece of a large file. Whoever reads the last one puts the file together.
    pub(crate) fn piece(&mut self, file: &Arc<LargeFile>, index: usize) -> Result<(), Error> {
        let opened = file.opened.get_or_init(|| {
            let at = self.shared.clock.now();
            match open_found(&file.found).and_then(|fd| Ok((version(&file.found, fd.as_fd())?, fd))) {
                Ok((before, fd)) => {
                    self.shared.opened.fetch_add(1, Ordering::Relaxed);
                    let _ = rustix::fs::fadvise(&fd, 0, None, rustix::fs::Advice::Sequential);
                    Some(Opened {
                        fd,
                        before,
                        at: file.found.held.as_ref().map_or(at, |held| held.at),
                    })
                }
                Err(error) => {
                    self.cannot_open(&file.found, &error);
                    None
                }
            }
        });
        let mut extents = Vec::new();
        let mut failed = None;
        if let Some(opened) = opened {
            let start = file.piece * index as u64;
            // The last piece also takes what was added between the walker and the opening.
            let end = if index + 1 == file.pieces {
                opened.before.size
            } else {
                opened.before.size.min(start + file.piece)
            };
            if start < end && opened.before.kind == Kind::File {
                let sparse = opened.before.is_sparse();
                match self
                    .chunker
                    .range(opened.fd.as_fd(), start, end, sparse, &mut extents)
                {
                    Ok(_) => {}
                    Err(ReadError::Request(error)) => return Err(error),
                    Err(ReadError::File(error)) => failed = Some(error),
                }
            }
        }
        if let Some(error) = &failed {
            self.shared
                .problems
                .add(&file.found.path, format!("cannot read it: {error}"));
        }
        let mut parts = file.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts[index] = extents;
        // Under the lock, so that the last one sees every part and every failure before it.
        if failed.is_some() {
            parts.clear();
            parts.resize(file.pieces, Vec::new());
            file.failed.store(true, Ordering::Relaxed);
        }
        let last = file.left.fetch_sub(1, Ordering::AcqRel) == 1;
        let parts = if last {
            std::mem::take(&mut *parts)
        } else {
            Vec::new()
        };
        if last
            && let Some(opened) = opened
            && !file.failed.load(Ordering::Relaxed)
        {
            let outcome = self.joined(file, opened, parts)?;
            *file.outcome.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
        }
        Ok(())
    }

    fn joined(
        &mut self,
        file: &LargeFile,
        opened: &Opened,
        parts: Vec<Vec<Extent>>,
    ) -> Result<Option<Outcome>, Error> {
        let found = file.found.without_handle();
        let before = file.before.as_deref();
        let mut extents: Vec<Extent> = Vec::with_capacity(parts.iter().map(Vec::len).sum());
        let mut size = 0;
        for extent in parts.into_iter().flatten() {
            match extent {
                Extent::Zeros { length } => {
                    size += length;
                    content::zeros(&mut extents, length);
                }
                Extent::Chunk { length, .. } => {
                    size += u64::from(length);
                    extents.push(extent);
                }
            }
        }
        let fd = opened.fd.as_fd();
        match Stat::of(fd) {
            Ok(after)
                if !is_torn(&file.found, &opened.before, &after, size)
                    && !is_unsure(&file.found, &opened.before, opened.at)
                    && opened.before.kind == Kind::File =>
            {
                let content = Content {
                    stat: opened.before,
                    extents,
                    size,
                    torn: false,
                    opened: opened.at,
                };
                Ok(self.entry(found, fd, content, before))
            }
            _ => self.settled(found, fd, before),
        }
    }
}
