//! What is in the target and not in the backup: found, and removed where that was approved.

use std::collections::HashSet;
use std::iter::Peekable;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use ostler_api::node::Download as Request;
use ostler_vault::list::{Entry, path_order};
use rustix::fs::AtFlags;

use super::confine::Base;
use super::preview::joined;
use super::source::Source;
use super::{Context, temporary_prefix};
use crate::Error;
use crate::path::{below, listed, split};
use crate::stat::Stat;
use crate::walk::globs::Globs;
use crate::walk::handle::Handle;
use crate::walk::{Found, Visit, Walker};

type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, ostler_vault::Error>> + Send + 'a>;

struct Join<'a> {
    /// The directory in the target, listed.
    target: Vec<u8>,
    /// The same in the backup.
    scope: &'a [u8],
    entries: Peekable<Entries<'a>>,
    ours: &'a [u8],
    protected: &'a [Vec<u8>],
    extras: Vec<Vec<u8>>,
    context: &'a Context<'a>,
}

impl Visit for Join<'_> {
    fn found(&mut self, found: Found) -> Result<(), Error> {
        let Some(relative) = below(&found.path, &self.target) else {
            return Ok(());
        };
        if relative.is_empty() || split(relative).1.starts_with(self.ours) {
            return Ok(());
        }
        loop {
            match self.entries.peek() {
                None => break,
                Some(Err(_)) => {
                    // Without the whole list nothing can be called extra.
                    if let Some(Err(error)) = self.entries.next() {
                        return Err(Error::vault("read the file list of the backup")(error));
                    }
                }
                Some(Ok(entry)) => {
                    let known = below(&entry.path, self.scope).unwrap_or_default();
                    match path_order(known, relative) {
                        std::cmp::Ordering::Less => {
                            self.entries.next();
                        }
                        std::cmp::Ordering::Equal => return Ok(()),
                        std::cmp::Ordering::Greater => break,
                    }
                }
            }
        }
        if !self
            .protected
            .iter()
            .any(|path| below(path, &found.path).is_some())
        {
            self.extras.push(found.path);
        }
        Ok(())
    }

    fn problem(&mut self, path: &[u8], reason: String) {
        self.context.problems.add(path, reason);
    }
}

/// Absolute paths in the target that the backup does not have, below the directories that are restored whole; in
/// path order, a directory before what is in it.
pub(crate) fn find(
    source: &Source,
    bases: &[Option<&Base>],
    request: &Request,
    context: &Context<'_>,
) -> Result<Vec<PathBuf>, Error> {
    let ours = temporary_prefix(&request.backup);
    let protected: Vec<Vec<u8>> = context
        .options
        .protected
        .iter()
        .filter_map(|path| listed(path))
        .collect();
    let exclude = Globs::default();
    let mut extras = Vec::new();
    for scope in source.scopes()? {
        let place = source.layout.place(&scope)?;
        let Some(base) = bases[place.base] else { continue };
        let Ok(fd) = base.readable(&place.path) else {
            continue;
        };
        let stat = Stat::of(&fd).map_err(|error| Error::io("look at", &base.path, error))?;
        let Some(target) = listed(&joined(&base.path, &place.path)) else {
            continue;
        };
        let mut join = Join {
            target: target.clone(),
            scope: &scope,
            entries: source.list.below(&scope).peekable(),
            ours: ours.as_bytes(),
            protected: &protected,
            extras: Vec::new(),
            context,
        };
        let handle = Handle::new(fd, &Arc::default());
        Walker::new(&exclude, &context.options.protected, false, context.stop)
            .tree(handle, stat, &target, &mut join)?;
        extras.extend(join.extras.iter().map(|path| crate::path::absolute(path)));
    }
    Ok(extras)
}

/// Removes what is extra and approved; never follows a link, never removes a directory that is not empty.
pub(crate) fn remove(
    source: &Source,
    bases: &[Base],
    request: &Request,
    context: &Context<'_>,
) -> Result<Vec<PathBuf>, Error> {
    let Some(approved) = &request.approved_deletes else {
        return Ok(Vec::new());
    };
    let there: Vec<Option<&Base>> = bases.iter().map(Some).collect();
    let approved: HashSet<&PathBuf> = approved.iter().collect();
    let mut removed = Vec::new();
    // What is in a directory goes before it.
    for path in find(source, &there, request, context)?.into_iter().rev() {
        context.stop.check()?;
        if !approved.contains(&path) {
            continue;
        }
        let told = listed(&path).unwrap_or_default();
        let place = bases.iter().find_map(|base| {
            let rest = path.strip_prefix(&base.path).ok()?;
            Some((base, rest.as_os_str().as_bytes().to_vec()))
        });
        let Some((base, relative)) = place else { continue };
        let (parent, name) = split(&relative);
        let gone = base.directory(parent).and_then(|parent| {
            let stat = Stat::at(&parent, name)?;
            let flags = if stat.kind == crate::stat::Kind::Directory {
                AtFlags::REMOVEDIR
            } else {
                AtFlags::empty()
            };
            Ok(rustix::fs::unlinkat(&parent, name, flags)?)
        });
        match gone {
            Ok(()) => removed.push(path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => context.problems.add(&told, format!("cannot remove it: {error}")),
        }
    }
    removed.reverse();
    Ok(removed)
}
