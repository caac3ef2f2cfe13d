//! Compares a restored tree with its backup, entry by entry, and with the live source where that has not changed.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ostler_api::node::{Compare as Request, Compared};
use ostler_vault::list::{Entry, EntryKind};
use rustix::fd::AsFd;
use rustix::fs::{CWD, Mode, OFlags};

use crate::Error;
use crate::download::Context;
use crate::download::confine::Base;
use crate::download::preview::same_special;
use crate::download::source::{Source, Wanted};
use crate::download::verify::same_content;
use crate::metadata::is_root;
use crate::metadata::xattr::{self, Place};
use crate::path::{shown, split};
use crate::pool;
use crate::stat::{Kind, Stat};
use crate::walk::handle::{FILE, open_directory};
use crate::walk::with_slash;

#[derive(Debug, Default)]
struct Sums {
    files: AtomicU64,
    bytes: AtomicU64,
    live: AtomicU64,
    changed_live: AtomicU64,
}

pub(crate) fn run(request: &Request, context: &Context<'_>) -> Result<Compared, Error> {
    let reader: &Arc<_> = context.reader;
    let source = Source::open(
        reader,
        &request.list,
        &request.roots,
        Some(&request.restored),
        &[],
    )?;
    let path: &Path = &request.restored;
    let base = Base::open(path)
        .and_then(|base| base.ok_or_else(|| io::ErrorKind::NotFound.into()))
        .map_err(|error| Error::io("open", path, error))?;
    let sums = Sums::default();
    pool::run(
        context.options,
        context.stop,
        Vec::new,
        |buffer: &mut Vec<u8>, wanted: Vec<Wanted>| {
            for wanted in wanted {
                one(&base, &wanted, buffer, context, &sums)?;
            }
            Ok(())
        },
        |feed| {
            let mut batch = Vec::new();
            let mut bytes = 0;
            source.each(|wanted| {
                match wanted {
                    Ok(wanted) => {
                        if let EntryKind::File { size, .. } = wanted.entry.kind {
                            bytes += size;
                        }
                        batch.push(wanted);
                    }
                    Err((path, error)) => context.problems.add(&path, error.to_string()),
                }
                if batch.len() >= 128 || bytes >= 4 << 20 {
                    bytes = 0;
                    feed.give(std::mem::take(&mut batch))?;
                }
                Ok(())
            })?;
            feed.give(batch)
        },
    )?;
    Ok(Compared {
        files: sums.files.into_inner(),
        bytes: sums.bytes.into_inner(),
        live: sums.live.into_inner(),
        changed_live: sums.changed_live.into_inner(),
        problems: context.problems.list(),
    })
}

fn one(
    base: &Base,
    wanted: &Wanted,
    buffer: &mut Vec<u8>,
    context: &Context<'_>,
    sums: &Sums,
) -> Result<(), Error> {
    let entry = &wanted.entry;
    let (parent, name) = split(&wanted.place.path);
    let look = || -> io::Result<_> {
        let parent = base.directory(parent)?;
        let stat = if name.is_empty() {
            Stat::of(&parent)?
        } else {
            Stat::at(&parent, name)?
        };
        Ok((parent, stat))
    };
    let (parent, stat) = match look() {
        Ok(found) => found,
        Err(error) => {
            context
                .problems
                .add(&entry.path, format!("is not in the restored tree: {error}"));
            return Ok(());
        }
    };
    if let Err(reason) = same_metadata(entry, &stat, parent.as_fd(), name) {
        context.problems.add(&entry.path, reason);
    }
    let EntryKind::File {
        size, content, racy, ..
    } = &entry.kind
    else {
        return Ok(());
    };
    if stat.kind != Kind::File {
        return Ok(());
    }
    sums.files.fetch_add(1, Ordering::Relaxed);
    let same = match rustix::fs::openat(&parent, name, FILE, Mode::empty()) {
        Ok(file) => same_content(context.reader, file.as_fd(), *size, content, buffer, context.stop)?,
        Err(error) => Err(error.into()),
    };
    match same {
        Ok(true) => {
            sums.bytes.fetch_add(*size, Ordering::Relaxed);
        }
        Ok(false) => context
            .problems
            .add(&entry.path, "the restored content differs from the backup"),
        Err(error) => context
            .problems
            .add(&entry.path, format!("cannot read the restored file: {error}")),
    }
    context.progress.add_done(*size);
    context.progress.add_item();
    if *racy {
        sums.changed_live.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    }
    match live(entry, buffer, context)? {
        Some(true) => {
            sums.live.fetch_add(1, Ordering::Relaxed);
        }
        Some(false) => context.problems.add(
            &entry.path,
            "the live file has other content than the backup although it looks unchanged",
        ),
        None => {
            sums.changed_live.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Whether the live file equals the backup; `None` when it is not the version that was backed up.
fn live(entry: &Entry, buffer: &mut Vec<u8>, context: &Context<'_>) -> Result<Option<bool>, Error> {
    let EntryKind::File { size, content, .. } = &entry.kind else {
        return Ok(None);
    };
    let unchanged = |stat: &Stat| {
        let then = &entry.metadata;
        stat.kind == Kind::File
            && stat.size == *size
            && stat.inode == then.inode
            && stat.modified == then.modified
            && stat.changed == then.changed
    };
    let open = || -> io::Result<_> {
        let file = if entry.path.len() < 4000 {
            rustix::fs::openat(CWD, with_slash(&entry.path), FILE, Mode::empty())?
        } else {
            let (parent, name) = split(&entry.path);
            let parent = open_directory(parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC)?;
            rustix::fs::openat(&parent, name, FILE, Mode::empty())?
        };
        let stat = Stat::of(&file)?;
        Ok((file, stat))
    };
    let Ok((file, stat)) = open() else { return Ok(None) };
    if !unchanged(&stat) {
        return Ok(None);
    }
    let same = same_content(context.reader, file.as_fd(), *size, content, buffer, context.stop)?;
    // It may have changed while it was compared.
    match (same, Stat::of(&file)) {
        (Ok(same), Ok(after)) if unchanged(&after) => Ok(Some(same)),
        _ => Ok(None),
    }
}

fn same_metadata(
    entry: &Entry,
    stat: &Stat,
    parent: rustix::fd::BorrowedFd<'_>,
    name: &[u8],
) -> Result<(), String> {
    let wanted = &entry.metadata;
    if stat.kind != Kind::of(&entry.kind) {
        return Err("is of another kind in the restored tree".to_owned());
    }
    if let EntryKind::File { size, .. } = entry.kind
        && size != stat.size
    {
        return Err(format!(
            "has {} bytes in the restored tree and {size} in the backup",
            stat.size
        ));
    }
    let mut differ = Vec::new();
    match entry.kind {
        EntryKind::File { .. } | EntryKind::Directory => {}
        _ if same_special(&entry.kind, stat, parent, name) => {}
        EntryKind::Symlink { .. } => differ.push("target".to_owned()),
        _ => differ.push("device number".to_owned()),
    }
    if stat.kind != Kind::Symlink && stat.mode != wanted.mode & 0o7777 {
        differ.push("mode".to_owned());
    }
    if stat.modified != wanted.modified {
        differ.push("modification time".to_owned());
    }
    let root = is_root();
    if root && (stat.uid != wanted.uid || stat.gid != wanted.gid) {
        differ.push("owner".to_owned());
    }
    let place = Place::Entry(parent, if name.is_empty() { b"." } else { name });
    match xattr::read(place) {
        Ok(there) => {
            let counts = |xattrs: &xattr::Xattrs| -> xattr::Xattrs {
                let seen = xattrs
                    .iter()
                    .filter(|(name, _)| root || !xattr::needs_privilege(name));
                seen.cloned().collect()
            };
            if counts(&there) != counts(&wanted.xattrs) {
                differ.push("extended attributes".to_owned());
            }
        }
        Err(error) => differ.push(format!("extended attributes ({error})")),
    }
    if differ.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "differs from the backup in its {}",
            shown(differ.join(", ").as_bytes())
        ))
    }
}
