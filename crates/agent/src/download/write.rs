//! The workers of a restore: read a stretch of a pack, decode, write, and give a complete file its name.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

use ostler_api::request::Overwrite;
use ostler_vault::list::Extent;
use ostler_vault::{OpenBlock, PackId, Reader};
use ostler_vocabulary::{Classified, ErrorKind, Progress};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Advice, AtFlags, FallocateFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::confine::{Base, LastDirectory};
use super::task::{Job, Piece, Task, Window};
use super::verify::same_content;
use crate::Error;
use crate::metadata::{self, Subject};
use crate::problems::Problems;
use crate::stat::Stat;
use crate::stop::Stop;
use crate::upload::content::is_zero;

/// Files from this size on are written to the disk as soon as they are complete, in bytes.
const WRITE_BEHIND: u64 = 1 << 20;
/// Files that may be open between two of their chunks.
const OPEN: usize = 300;

/// What all workers share.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) bases: &'a [Base],
    pub(crate) reader: &'a Reader,
    pub(crate) overwrite: Overwrite,
    pub(crate) prefix: &'a str,
    pub(crate) problems: &'a Problems,
    pub(crate) progress: &'a Progress,
    pub(crate) stop: &'a Stop,
    pub(crate) damaged: &'a AtomicBool,
    pub(crate) files: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) open: AtomicUsize,
    pub(crate) next: AtomicU64,
}

/// One worker's buffers.
#[derive(Debug, Default)]
pub(crate) struct Hands {
    plain: Vec<u8>,
    block: OpenBlock,
    directory: LastDirectory,
}

impl Target<'_> {
    pub(crate) fn work(&self, hands: &mut Hands, job: Job) -> Result<(), Error> {
        match job {
            Job::Check(window, index, file, answer) => {
                let task = &window.tasks[index as usize];
                let (size, content) = (task.size(), task.content());
                let same = same_content(
                    self.reader,
                    file.as_fd(),
                    size,
                    content,
                    &mut hands.plain,
                    self.stop,
                )?;
                // The planner waits for every answer, or has gone away because everybody stops.
                let _ = answer.send((index, same.unwrap_or(false)));
                Ok(())
            }
            Job::Plain(window, tasks) => {
                for index in tasks {
                    self.stop.check()?;
                    let task = &window.tasks[index as usize];
                    self.try_on(task, || {
                        let mut file = task.file.lock().unwrap_or_else(PoisonError::into_inner);
                        self.opened(task, &mut file, &mut hands.directory).map(drop)
                    });
                    self.finish(task, &mut hands.directory);
                }
                Ok(())
            }
            Job::Span { window, pack, pieces } => self.span(hands, &window, &pack, &pieces),
        }
    }

    fn span(&self, hands: &mut Hands, window: &Window, pack: &PackId, pieces: &[Piece]) -> Result<(), Error> {
        let end = |piece: &Piece| {
            piece
                .location
                .offset
                .saturating_add(u64::from(piece.location.stored))
        };
        let (Some(first), Some(last)) = (pieces.first(), pieces.iter().map(end).max()) else {
            return Ok(());
        };
        let start = first.location.offset;
        let bytes = match self.reader.span(pack, start..last) {
            Ok(bytes) => Some(bytes),
            Err(error) if is_damage(&error) => None,
            Err(error) => return Err(Error::vault("read a pack")(error)),
        };
        let Hands { block, directory, .. } = hands;
        for piece in pieces {
            self.stop.check()?;
            let task = &window.tasks[piece.task as usize];
            let from = usize::try_from(piece.location.offset - start).unwrap_or(usize::MAX);
            let stored = bytes
                .as_ref()
                .and_then(|bytes| bytes.get(from..from.saturating_add(piece.location.stored as usize)));
            let read = match stored {
                Some(stored) => self.reader.decode(&piece.id, &piece.location, stored, block),
                None => Err(ostler_vault::Error::ChunkUnknown(piece.id)),
            };
            // Where this copy is bad or cannot be read in one go with its neighbours, maybe it can alone, or another
            // copy can.
            let alone;
            let read = match read {
                Err(error) if is_damage(&error) => match self.reader.chunk(&piece.id) {
                    Ok(plain) => {
                        alone = plain;
                        Ok(&alone[..])
                    }
                    Err(error) => Err(error),
                },
                read => read,
            };
            match read {
                Ok(plain) => self.try_on(task, || self.write(task, piece.at, plain, directory)),
                Err(error) if is_damage(&error) => self.broken(task, &error),
                Err(error) => return Err(Error::vault("read a chunk")(error)),
            }
            if task.left.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.finish(task, directory);
            }
        }
        Ok(())
    }

    fn broken(&self, task: &Task, error: &ostler_vault::Error) {
        self.damaged.store(true, Ordering::Relaxed);
        self.fail(task, &format!("its content in the vault is damaged: {error}"));
    }

    /// Tells what is wrong with a file, once.
    pub(crate) fn fail(&self, task: &Task, reason: &str) {
        if !task.failed.swap(true, Ordering::Relaxed) {
            self.problems.add(&task.entry.path, reason);
        }
    }

    fn try_on(&self, task: &Task, act: impl FnOnce() -> io::Result<()>) {
        if task.failed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = act() {
            self.fail(task, &format!("cannot write it: {error}"));
        }
    }

    /// The open temporary file of a task, made when there is none yet.
    fn opened(
        &self,
        task: &Task,
        file: &mut super::task::Temporary,
        directory: &mut LastDirectory,
    ) -> io::Result<Arc<OwnedFd>> {
        if let Some(fd) = &file.fd {
            return Ok(Arc::clone(fd));
        }
        let parent = directory.get(self.bases, task.place.base, task.parent())?;
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match &file.name {
            Some(name) => rustix::fs::openat(parent, &name[..], flags, Mode::empty())?,
            None => {
                let (name, fd) = self.temporary(|name| {
                    let mode = Mode::RUSR | Mode::WUSR;
                    rustix::fs::openat(parent, name, flags | OFlags::CREATE | OFlags::EXCL, mode)
                })?;
                file.name = Some(name);
                let one_write = task.content().len() == 1 && task.left.load(Ordering::Relaxed) == 1;
                if !one_write || task.is_sparse() {
                    rustix::fs::ftruncate(&fd, task.size())?;
                }
                fd
            }
        };
        let fd = Arc::new(fd);
        self.open.fetch_add(1, Ordering::Relaxed);
        file.fd = Some(Arc::clone(&fd));
        Ok(fd)
    }

    /// Makes something under a name that nothing has.
    pub(crate) fn temporary<T>(
        &self,
        make: impl Fn(&[u8]) -> rustix::io::Result<T>,
    ) -> io::Result<(Vec<u8>, T)> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}{number}", self.prefix).into_bytes();
            match make(&name) {
                Ok(made) => return Ok((name, made)),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn write(&self, task: &Task, at: u64, data: &[u8], directory: &mut LastDirectory) -> io::Result<()> {
        let fd = {
            let mut file = task.file.lock().unwrap_or_else(PoisonError::into_inner);
            self.opened(task, &mut file, directory)?
        };
        if task.is_sparse() {
            write_data(fd.as_fd(), data, at)?;
        } else {
            write_all(fd.as_fd(), data, at)?;
        }
        self.progress.add_done(data.len() as u64);
        drop(fd);
        if self.open.load(Ordering::Relaxed) > OPEN && task.left.load(Ordering::Relaxed) > 1 {
            self.close(&mut task.file.lock().unwrap_or_else(PoisonError::into_inner));
        }
        Ok(())
    }

    fn close(&self, file: &mut super::task::Temporary) {
        if file.fd.take().is_some() {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// All chunks are written, or one could not be.
    fn finish(&self, task: &Task, directory: &mut LastDirectory) {
        self.try_on(task, || self.complete(task, directory));
        let mut file = task.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.close(&mut file);
        if task.failed.load(Ordering::Relaxed)
            && let Some(name) = file.name.take()
            && let Ok(parent) = directory.get(self.bases, task.place.base, task.parent())
        {
            let _ = rustix::fs::unlinkat(parent, &name[..], AtFlags::empty());
        }
    }

    fn complete(&self, task: &Task, directory: &mut LastDirectory) -> io::Result<()> {
        let mut file = task.file.lock().unwrap_or_else(PoisonError::into_inner);
        let fd = self.opened(task, &mut file, directory)?;
        if !task.is_sparse() {
            fill(fd.as_fd(), task)?;
        }
        if task.size() >= WRITE_BEHIND {
            // The disk begins to write now, so that the sync at the end has little left to wait for. Nobody reads these
            // pages soon. That it is only advice does not matter.
            let _ = rustix::fs::fadvise(&fd, 0, None, Advice::DontNeed);
        }
        // Looking is cheaper than setting what is right already.
        let now = Stat::of(fd.as_fd()).ok();
        if let Err(reason) = metadata::restore(Subject::Open(fd.as_fd()), &task.entry.metadata, now.as_ref())
        {
            self.problems.add(&task.entry.path, reason);
        }
        drop(fd);
        self.close(&mut file);
        if let Some(name) = &file.name {
            let parent = directory.get(self.bases, task.place.base, task.parent())?;
            self.rename(parent, name, task.name())?;
            file.name = None;
        }
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(task.size(), Ordering::Relaxed);
        self.progress.add_item();
        Ok(())
    }

    /// Gives something complete its final name.
    pub(crate) fn rename(&self, parent: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> io::Result<()> {
        if self.overwrite == Overwrite::Never {
            // What was not there when we looked must not be replaced either.
            match rustix::fs::renameat_with(parent, from, parent, to, RenameFlags::NOREPLACE) {
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
                other => return Ok(other?),
            }
        }
        match rustix::fs::renameat(parent, from, parent, to) {
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                rustix::fs::unlinkat(parent, to, AtFlags::REMOVEDIR)?;
                Ok(rustix::fs::renameat(parent, from, parent, to)?)
            }
            other => Ok(other?),
        }
    }
}

/// Whether the vault's data is wrong or gone, rather than out of reach.
fn is_damage(error: &ostler_vault::Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound)
}

fn write_all(fd: BorrowedFd<'_>, mut data: &[u8], mut at: u64) -> io::Result<()> {
    while !data.is_empty() {
        match rustix::io::pwrite(fd, data, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                data = &data[written..];
                at += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes all but pages of zeros, which stay holes.
fn write_data(fd: BorrowedFd<'_>, data: &[u8], at: u64) -> io::Result<()> {
    const PAGE: usize = 4096;
    let mut start = 0;
    while start < data.len() {
        let page = |from: usize| &data[from..data.len().min(from + PAGE)];
        if is_zero(page(start)) {
            start += PAGE;
            continue;
        }
        let mut end = start + PAGE;
        while end < data.len() && !is_zero(page(end)) {
            end += PAGE;
        }
        write_all(fd, &data[start..end.min(data.len())], at + start as u64)?;
        start = end;
    }
    Ok(())
}

/// Allocates what is zeros in a file that had no holes.
fn fill(fd: BorrowedFd<'_>, task: &Task) -> io::Result<()> {
    let mut at = 0;
    for extent in task.content() {
        match *extent {
            Extent::Chunk { length, .. } => at += u64::from(length),
            Extent::Zeros { length } => {
                match rustix::fs::fallocate(fd, FallocateFlags::empty(), at, length) {
                    // Where it cannot be allocated it stays a hole: the content is the same.
                    Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
                    Err(error) => return Err(error.into()),
                }
                at += length;
            }
        }
    }
    Ok(())
}
