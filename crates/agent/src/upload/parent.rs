//! The parent's list, beside the walk: which files are as they were then.

use std::iter::Peekable;

use ostler_vault::list::{Entry, EntryKind, ListReader, path_order};

use crate::walk::Found;

type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, ostler_vault::Error>> + Send + 'a>;

/// Reads the parent's list once, as far as it is asked for.
pub(crate) struct Parent<'a>(Option<Peekable<Entries<'a>>>);

impl<'a> Parent<'a> {
    pub(crate) fn of(list: Option<&'a ListReader>) -> Self {
        let entries = |list: &'a ListReader| -> Entries<'a> { list.entries() };
        Self(list.map(|list| entries(list).peekable()))
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
