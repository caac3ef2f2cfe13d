//! What a database wrote since the backup that is the parent: all that the parent has stays in the list, and what is found
//! is added to it.

use ostler_api::node::Increments;
use ostler_vault::Upload;
use ostler_vault::list::{Entry, EntryKind};
use rustix::fs::AtFlags;

use super::parent::are_there;
use crate::Error;
use crate::path::shown;
use crate::stat::Stat;
use crate::walk::{Found, in_its_directory, with_slash};

/// What was found so far that the parent has already. It is stored in a backup that is committed, so it need not stay where
/// the database has put it.
#[derive(Debug)]
pub(crate) struct Added {
    known_by: Vec<u8>,
    stored: Vec<Found>,
}

impl Added {
    pub(crate) fn new(asked: &Increments) -> Self {
        Self {
            known_by: asked.known_by.as_bytes().to_vec(),
            stored: Vec::new(),
        }
    }

    /// The parent has what was found.
    pub(crate) fn is_stored(&mut self, found: &Found) {
        self.stored.push(found.without_handle());
    }

    /// The parent has another file of the name, which is of the same set: files beside the data change with time. What it has
    /// is the newer one then, for it was read where the database works.
    ///
    /// # Errors
    /// [`Error::Another`] for a file that never changes: the name was given a second time.
    pub(crate) fn is_of_same_set(&mut self, found: &Found) -> Result<(), Error> {
        if found.name().ends_with(&self.known_by) {
            return Err(Error::Another {
                path: shown(&with_slash(&found.path)),
            });
        }
        self.is_stored(found);
        Ok(())
    }

    /// Removes what the parent has. What cannot be removed is found again the next time.
    pub(crate) fn remove_stored(self) {
        for found in self.stored {
            let removed = in_its_directory(&found, |directory, name| {
                match Stat::at(directory, name)?.same_file(&found.stat) {
                    true => Ok(rustix::fs::unlinkat(directory, name, AtFlags::empty())?),
                    false => Ok(()),
                }
            });
            if let Err(error) = removed {
                let path = shown(&with_slash(&found.path));
                tracing::warn!(path, %error, "an increment that is stored could not be removed");
            }
        }
    }
}

/// The entry of a parent as it stays in the list, and the size of its file.
///
/// # Errors
/// [`Error::Lost`] when the vault does not have all of it any more.
pub(crate) fn kept(mut entry: Entry, upload: &Upload) -> Result<(Entry, u64), Error> {
    let EntryKind::File { content, size, .. } = &entry.kind else {
        return Ok((entry, 0));
    };
    let size = *size;
    if !are_there(content, upload)? {
        return Err(Error::Lost {
            path: shown(&with_slash(&entry.path)),
        });
    }
    // Its inode may be another file's by now, and that no other name of this one.
    entry.metadata.links = 1;
    Ok((entry, size))
}
