//! The parent's list, beside the walk: which files are as they were then.

use std::iter::Peekable;

use ostler_vault::Upload;
use ostler_vault::list::{Entry, EntryKind, Extent, ListReader, path_order};

use crate::Error;
use crate::walk::Found;

/// What is attempted with the parent's list.
pub(crate) const READ: &str = "read the last backup's file list";

type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, ostler_vault::Error>> + Send + 'a>;

/// Reads the parent's list once, as far as it is asked for.
pub(crate) struct Parent<'a>(Option<Peekable<Entries<'a>>>);

impl<'a> Parent<'a> {
    pub(crate) fn of(list: Option<&'a ListReader>) -> Self {
        let entries = |list: &'a ListReader| -> Entries<'a> { list.entries() };
        Self(list.map(|list| entries(list).peekable()))
    }

    /// The next entry of the parent that comes before this path, or any that is left. Paths come in order.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub(crate) fn earlier(&mut self, path: Option<&[u8]>) -> Result<Option<Entry>, Error> {
        let Some(entries) = &mut self.0 else {
            return Ok(None);
        };
        let comes_before = |entry: &Entry| path.is_none_or(|path| path_order(&entry.path, path).is_lt());
        let entry = entries.next_if(|entry| entry.as_ref().map_or(true, comes_before));
        entry.transpose().map_err(Error::vault(READ))
    }

    /// The entry of the parent at this path. Paths come in order.
    pub(crate) fn at(&mut self, path: &[u8]) -> Option<Entry> {
        let entries = self.0.as_mut()?;
        loop {
            match entries.peek()? {
                Err(error) => {
                    // What cannot be compared is read: slower, never wrong.
                    tracing::warn!(%error, "the parent's file list cannot be read; reading every file");
                    self.0 = None;
                    return None;
                }
                Ok(entry) => match path_order(&entry.path, path) {
                    std::cmp::Ordering::Less => {
                        entries.next();
                    }
                    std::cmp::Ordering::Equal => return entries.next()?.ok(),
                    std::cmp::Ordering::Greater => return None,
                },
            }
        }
    }
}

/// Whether a file is as it was, by what can be seen without opening it. Its change time vouches for all of it; that of a file
/// of a class need not: it changes with every name the file gets or loses.
pub(crate) fn is_unchanged(found: &Found, before: &Entry) -> bool {
    let EntryKind::File {
        size, racy: false, ..
    } = &before.kind
    else {
        return false;
    };
    let (stat, then) = (&found.stat, &before.metadata);
    *size == stat.size
        && then.inode == stat.inode
        && then.modified == stat.modified
        && (then.changed == stat.changed || !found.class.goes_by_change_time())
}

/// Whether the vault has all that a file of the parent is made of.
pub(crate) fn are_there(content: &[Extent], upload: &Upload) -> Result<bool, Error> {
    // Every chunk is asked for, also after the first that is missing: each answer marks one as needed.
    let mut all = true;
    for extent in content {
        if let Extent::Chunk { id, .. } = extent {
            all &= upload.reuse(id).map_err(Error::vault("look a chunk up"))?;
        }
    }
    Ok(all)
}
