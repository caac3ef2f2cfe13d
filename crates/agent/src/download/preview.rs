//! What a restore would change: every entry against what is in the target.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ostler_api::document::Estimate;
use ostler_api::node::Download as Request;
use ostler_api::request::{Overwrite, RestoreWork};
use ostler_vault::list::{EntryKind, Extent};
use ostler_vault::{Index, PackId};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::Mode;

use super::confine::Base;
use super::source::{Source, Wanted};
use super::task::SPAN;
use super::verify::same_content;
use super::{Context, extras};
use crate::Error;
use crate::path::{absolute, listed, push, split};
use crate::pool;
use crate::stat::{Kind, Stat};
use crate::walk::handle::FILE;

/// How many conflicts are named.
const NAMED: usize = 20;

/// What was found, before it is told.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    create: AtomicU64,
    keep: AtomicU64,
    bytes: AtomicU64,
    /// How many exist and differ.
    pub(crate) differ: AtomicU64,
    conflicts: Mutex<Vec<PathBuf>>,
    /// Bytes that have to be read of each pack.
    reads: Mutex<HashMap<PackId, u64>>,
}

impl Changes {
    fn differs(&self, path: PathBuf, size: u64) {
        self.differ.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size, Ordering::Relaxed);
        self.conflicts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(path);
    }

    /// Notes what has to be read for a file. A chunk that several files have counts for each.
    fn reads(&self, index: &Index, kind: &EntryKind) {
        let EntryKind::File { content, .. } = kind else {
            return;
        };
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        for extent in content {
            if let Extent::Chunk { id, .. } = extent
                // An estimate leaves out what cannot be looked up; the restore will say why.
                && let Ok(Some(location)) = index.get(id)
            {
                *reads.entry(location.pack).or_default() += location.share();
            }
        }
    }

    /// What that comes to: no pack is read more than once, and in stretches.
    fn estimate(&self, index: &Index) -> Estimate {
        let reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let mut estimate = Estimate::default();
        for (pack, bytes) in reads.iter() {
            let bytes = index
                .pack_size(pack)
                .ok()
                .flatten()
                .map_or(*bytes, |size| size.min(*bytes));
            estimate.bytes += bytes;
            estimate.requests += bytes.div_ceil(SPAN).max(1);
        }
        estimate
    }

    /// The first that differ, by path.
    pub(crate) fn conflicts(&self) -> Vec<PathBuf> {
        let mut conflicts = self
            .conflicts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        conflicts.sort();
        conflicts.truncate(NAMED);
        conflicts
    }
}

/// A regular file whose content has to be compared.
struct Check {
    wanted: Wanted,
    file: OwnedFd,
    path: PathBuf,
}

/// Compares all that is wanted with what is there.
pub(crate) fn changes(
    source: &Source,
    bases: &[Option<Base>],
    overwrite: Overwrite,
    context: &Context<'_>,
) -> Result<Changes, Error> {
    let changes = Changes::default();
    let produce = |feed: &pool::Feed<'_, Check>| {
        source.each(|wanted| {
            context.stop.check()?;
            // What has no place is told by the restore itself.
            let Ok(wanted) = wanted else { return Ok(()) };
            let size = match &wanted.entry.kind {
                EntryKind::File { size, .. } => *size,
                _ => 0,
            };
            let path = target_path(bases, source, &wanted);
            let there = bases[wanted.place.base]
                .as_ref()
                .and_then(|base| existing(base, &wanted));
            let Some((parent, name, stat)) = there else {
                if !wanted.implied {
                    changes.create.fetch_add(1, Ordering::Relaxed);
                    changes.bytes.fetch_add(size, Ordering::Relaxed);
                    changes.reads(context.reader.index(), &wanted.entry.kind);
                }
                return Ok(());
            };
            match &wanted.entry.kind {
                EntryKind::Directory if stat.kind == Kind::Directory => Ok(()),
                EntryKind::File { size, .. }
                    if stat.kind == Kind::File && stat.size == *size && overwrite != Overwrite::Always =>
                {
                    match rustix::fs::openat(&parent, &name[..], FILE, Mode::empty()) {
                        Ok(file) => feed.give(Check { wanted, file, path }),
                        Err(_) => {
                            changes.reads(context.reader.index(), &wanted.entry.kind);
                            changes.differs(path, *size);
                            Ok(())
                        }
                    }
                }
                kind if same_special(kind, &stat, parent.as_fd(), &name) => {
                    changes.keep.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }
                kind => {
                    changes.reads(context.reader.index(), kind);
                    changes.differs(path, size);
                    Ok(())
                }
            }
        })
    };
    let compare = |buffer: &mut Vec<u8>, check: Check| {
        let EntryKind::File { size, content, .. } = &check.wanted.entry.kind else {
            return Ok(());
        };
        let same = same_content(
            context.reader,
            check.file.as_fd(),
            *size,
            content,
            buffer,
            context.stop,
        )?;
        context.progress.add_done(*size);
        if same.unwrap_or(false) {
            changes.keep.fetch_add(1, Ordering::Relaxed);
        } else {
            changes.reads(context.reader.index(), &check.wanted.entry.kind);
            changes.differs(check.path, *size);
        }
        Ok(())
    };
    pool::run(context.options, context.stop, Vec::new, compare, produce)?;
    Ok(changes)
}

/// Whether something that is neither file nor directory is there already.
pub(crate) fn same_special(
    kind: &EntryKind,
    stat: &Stat,
    parent: rustix::fd::BorrowedFd<'_>,
    name: &[u8],
) -> bool {
    if stat.kind != Kind::of(kind) {
        return false;
    }
    match kind {
        EntryKind::Symlink { target } => rustix::fs::readlinkat(parent, name, Vec::new())
            .is_ok_and(|there| there.as_bytes() == target.as_slice()),
        EntryKind::Fifo | EntryKind::Socket => true,
        EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } => {
            stat.major == *major && stat.minor == *minor
        }
        EntryKind::Directory | EntryKind::File { .. } => false,
    }
}

fn existing(base: &Base, wanted: &Wanted) -> Option<(OwnedFd, Vec<u8>, Stat)> {
    let (parent, name) = split(&wanted.place.path);
    if name.is_empty() {
        let fd = base.directory(b"").ok()?;
        let stat = Stat::of(&fd).ok()?;
        return Some((fd, Vec::new(), stat));
    }
    let parent = base.directory(parent).ok()?;
    let stat = Stat::at(&parent, name).ok()?;
    Some((parent, name.to_vec(), stat))
}

fn target_path(bases: &[Option<Base>], source: &Source, wanted: &Wanted) -> PathBuf {
    let base = match &bases[wanted.place.base] {
        Some(base) => base.path.clone(),
        None => source.layout.bases().swap_remove(wanted.place.base),
    };
    joined(&base, &wanted.place.path)
}

/// A place as an absolute path.
pub(crate) fn joined(base: &std::path::Path, relative: &[u8]) -> PathBuf {
    let mut path = listed(base).unwrap_or_default();
    push(&mut path, relative);
    absolute(&path)
}

/// Works out the whole plan.
pub(crate) fn run(request: &Request, context: &Context<'_>) -> Result<RestoreWork, Error> {
    let source = context.source(request)?;
    let bases = existing_bases(&source)?;
    let changes = changes(&source, &bases, request.overwrite, context)?;
    let delete = if request.delete_extra {
        let there: Vec<Option<&Base>> = bases.iter().map(Option::as_ref).collect();
        extras::find(&source, &there, request, context)?
    } else {
        Vec::new()
    };
    let differ = changes.differ.load(Ordering::Relaxed);
    let never = request.overwrite == Overwrite::Never;
    Ok(RestoreWork {
        to: request.to.clone(),
        create: changes.create.load(Ordering::Relaxed),
        replace: if never { 0 } else { differ },
        keep: changes.keep.load(Ordering::Relaxed),
        bytes: changes.bytes.load(Ordering::Relaxed),
        delete,
        conflicts: if never { changes.conflicts() } else { Vec::new() },
        estimate: Some(changes.estimate(context.reader.index())),
        ..RestoreWork::default()
    })
}

/// The bases that are there.
pub(crate) fn existing_bases(source: &Source) -> Result<Vec<Option<Base>>, Error> {
    source
        .layout
        .bases()
        .iter()
        .map(|path| Base::open(path).map_err(|error| Error::io("open", path, error)))
        .collect()
}
