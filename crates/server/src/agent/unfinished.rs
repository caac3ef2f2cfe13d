//! Uploads that were begun on this node and not ended: whether packs may be left that no index names.
//!
//! Looking for such packs lists every pack of the vault, which costs the more the larger it is. After uploads that
//! ended well there are none of ours, so it is done only when one did not: cut off, or its process killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_vocabulary::OperationId;

use crate::Error;
use crate::runtime::make_private;

/// A directory with a file for each upload that was begun and not ended.
#[derive(Debug)]
pub(crate) struct Unfinished {
    directory: PathBuf,
    /// Those of this process that go on.
    going: Mutex<BTreeSet<String>>,
}

/// An upload that goes on. Dropped without being ended, it is unfinished.
#[derive(Debug)]
pub(crate) struct Begun {
    all: Arc<Unfinished>,
    name: String,
    left: Vec<String>,
}

impl Unfinished {
    /// What is kept in this directory, which is made.
    pub(crate) fn open(directory: &Path) -> Result<Arc<Self>, Error> {
        make_private(directory)?;
        Ok(Arc::new(Self {
            directory: directory.to_owned(),
            going: Mutex::default(),
        }))
    }

    /// Writes down that an upload begins. Blocks, for one small file.
    pub(crate) fn begin(self: &Arc<Self>) -> Result<Begun, Error> {
        let mut going = self.going.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |source| Error::Write {
            what: "what is being stored in",
            path: self.directory.clone(),
            source,
        };
        let mut left = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            if !going.contains(&name) {
                left.push(name);
            }
        }
        let name = OperationId::random().to_string();
        fs::write(self.directory.join(&name), "").map_err(failed)?;
        going.insert(name.clone());
        Ok(Begun {
            all: Arc::clone(self),
            name,
            left,
        })
    }
}

impl Begun {
    /// Whether an earlier one was not ended.
    pub(crate) fn has_left(&self) -> bool {
        !self.left.is_empty()
    }

    /// Everything is in an index now, also what the earlier ones left.
    pub(crate) fn end(self) {
        for name in self.left.iter().chain([&self.name]) {
            // One that stays costs a look, no more.
            let _ = fs::remove_file(self.all.directory.join(name));
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut going = self.all.going.lock().unwrap_or_else(PoisonError::into_inner);
        going.remove(&self.name);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use super::Unfinished;

    #[test]
    fn only_what_was_not_ended_is_looked_for() {
        let home = tempfile::tempdir().unwrap();
        let open = || Unfinished::open(home.path()).unwrap();
        let all = open();
        let (one, two) = (all.begin().unwrap(), all.begin().unwrap());
        assert!(
            !one.has_left() && !two.has_left(),
            "what goes on has left nothing"
        );
        one.end();
        drop(two);
        let three = all.begin().unwrap();
        assert!(three.has_left(), "one was cut off");
        std::mem::forget(three);
        // Another process, after a kill.
        let four = open().begin().unwrap();
        assert!(four.has_left());
        four.end();
        assert!(!open().begin().unwrap().has_left(), "it made up for all of them");
    }
}
