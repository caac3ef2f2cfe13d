//! The entries of a backup that a request means, each with its place.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use ostler_vault::list::{Entry, EntryKind, ListReader};
use ostler_vault::{ChunkId, Reader};

use crate::Error;
use crate::layout::{Layout, Place, Root};
use crate::path::{listed, shown, shown_absolute};

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) list: ListReader,
    pub(crate) layout: Layout,
    /// Empty means everything.
    pub(crate) include: Vec<Vec<u8>>,
}

/// An entry on its way into the target.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) entry: Entry,
    pub(crate) place: Place,
    /// A directory that only leads to what was asked for.
    pub(crate) implied: bool,
}

/// The address of a file list as records have it.
pub(crate) fn address(text: &str) -> Result<ChunkId, Error> {
    let wrong = || Error::Address(shown(text.as_bytes()));
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return Err(wrong());
    }
    let mut id = [0; 32];
    for (byte, pair) in id.iter_mut().zip(digits.chunks(2)) {
        let digit = |at: u8| {
            char::from(at)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        *byte = digit(pair[0])
            .zip(digit(pair[1]))
            .map(|(high, low)| high << 4 | low)
            .ok_or_else(wrong)?;
    }
    Ok(ChunkId(id))
}

/// The same, the other way.
pub(crate) fn address_text(id: &ChunkId) -> String {
    use std::fmt::Write;
    id.0.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Source {
    pub(crate) fn open(
        reader: &Arc<Reader>,
        list: &str,
        roots: &[PathBuf],
        to: Option<&PathBuf>,
        include: &[PathBuf],
    ) -> Result<Self, Error> {
        let list = ListReader::open(Arc::clone(reader), address(list)?)
            .map_err(Error::vault("read the file list of the backup"))?;
        let mut known = Vec::new();
        for path in roots {
            let path = listed(path).ok_or_else(|| Error::Path {
                path: path.to_string_lossy().into_owned(),
                reason: "a path that was backed up has to be absolute",
            })?;
            let entry = at(&list, &path)?;
            known.push(Root {
                directory: entry.is_none_or(|entry| entry.kind == EntryKind::Directory),
                path,
            });
        }
        let to = match to {
            Some(to) => {
                let path = std::path::absolute(to).map_err(|error| Error::io("find", to, error))?;
                let clean = listed(&path).ok_or_else(|| Error::Path {
                    path: to.to_string_lossy().into_owned(),
                    reason: "a target has to be without `..`",
                })?;
                Some(crate::path::absolute(&clean))
            }
            None => None,
        };
        let layout = Layout::new(known, to.as_deref());
        let include = layout.included(include)?;
        for path in &include {
            if at(&list, path)?.is_none() {
                return Err(Error::NotIncluded {
                    path: shown_absolute(path),
                });
            }
        }
        Ok(Self {
            list,
            layout,
            include,
        })
    }

    /// Gives every entry that is meant, in path order. What has no place is given as an error of its own.
    pub(crate) fn each(
        &self,
        mut take: impl FnMut(Result<Wanted, (Vec<u8>, Error)>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut give = |entry: Entry, implied: bool| match self.layout.place(&entry.path) {
            Ok(place) => take(Ok(Wanted {
                entry,
                place,
                implied,
            })),
            Err(error) => take(Err((entry.path, error))),
        };
        let read = Error::vault;
        if self.include.is_empty() {
            for entry in self.list.entries() {
                give(entry.map_err(read("read the file list of the backup"))?, false)?;
            }
            return Ok(());
        }
        let mut led = HashSet::new();
        for path in &self.include {
            for ancestor in self.layout.ancestors(path) {
                if led.insert(ancestor.to_vec())
                    && let Some(entry) = at(&self.list, ancestor)?
                {
                    give(entry, true)?;
                }
            }
            for entry in self.list.below(path) {
                give(entry.map_err(read("read the file list of the backup"))?, false)?;
            }
        }
        Ok(())
    }

    /// Where `--delete-extra` looks: the directories that are restored whole.
    pub(crate) fn scopes(&self) -> Result<Vec<Vec<u8>>, Error> {
        let mut scopes = Vec::new();
        let wanted: Vec<Vec<u8>> = if self.include.is_empty() {
            self.layout.roots().iter().map(|root| root.path.clone()).collect()
        } else {
            self.include.clone()
        };
        for path in wanted {
            if at(&self.list, &path)?.is_some_and(|entry| entry.kind == EntryKind::Directory) {
                scopes.push(path);
            }
        }
        Ok(scopes)
    }
}

/// The entry at exactly this path.
pub(crate) fn at(list: &ListReader, path: &[u8]) -> Result<Option<Entry>, Error> {
    match list.below(path).next() {
        Some(Ok(entry)) if entry.path == path => Ok(Some(entry)),
        Some(Ok(_)) | None => Ok(None),
        Some(Err(error)) => Err(Error::vault("read the file list of the backup")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::{address, address_text};

    #[test]
    fn addresses_read_back_and_nonsense_is_refused() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(address_text(&address(&text).unwrap()), text);
        for wrong in ["", "00", &"g".repeat(64), &"\u{e4}".repeat(32)] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
