//! Snapshots that a database made beside its files: which of what is found belongs to one, and how it is listed.

use ostler_api::node;

use crate::Error;
use crate::path::{joined, shown};

/// What becomes of something below a path that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is taken.
    Taken,
    /// It leads to what is taken.
    Way,
    /// It is none of the snapshot.
    Beside,
}

/// [`node::Frozen`], as the walker needs it.
#[derive(Debug)]
pub(crate) struct Frozen {
    depth: usize,
    within: Vec<Vec<u8>>,
    /// Whether a database goes on putting files there.
    grows: bool,
}

impl Frozen {
    pub(crate) fn new(asked: &node::Frozen) -> Result<Self, Error> {
        use std::os::unix::ffi::OsStrExt as _;
        let within = joined(&asked.within).filter(|path| !path.is_empty() && asked.within.is_relative());
        let within = within.ok_or_else(|| Error::Path {
            path: shown(asked.within.as_os_str().as_bytes()),
            reason: "a snapshot has to be in a directory below: relative, without `..`",
        })?;
        Ok(Self {
            depth: usize::try_from(asked.depth).unwrap_or(usize::MAX),
            within: within.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect(),
            grows: asked.increments.is_some(),
        })
    }

    /// Whether a database may be putting files into this directory, which is by its path below the one that was asked for.
    pub(crate) fn grows(&self, below: &[u8]) -> bool {
        self.grows && below.split(|byte| *byte == b'/').count() >= self.depth + self.within.len()
    }

    /// Where something is, by its path below the one that was asked for.
    pub(crate) fn place(&self, below: &[u8], is_directory: bool) -> Place {
        for (level, part) in below.split(|byte| *byte == b'/').enumerate() {
            let Some(deeper) = level.checked_sub(self.depth) else {
                continue;
            };
            match self.within.get(deeper) {
                None => return Place::Taken,
                Some(name) if name != part => return Place::Beside,
                Some(_) => {}
            }
        }
        let levels = below.split(|byte| *byte == b'/').count();
        match is_directory {
            false => Place::Beside,
            true if levels <= self.depth => Place::Taken,
            true => Place::Way,
        }
    }

    /// The path without what leads to the snapshot; `root` is the length of the path that was asked for.
    pub(crate) fn listed(&self, path: &[u8], root: usize) -> Vec<u8> {
        let below = path.get(root..).unwrap_or_default();
        let parts = below.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
        let mut listed = path.get(..root).unwrap_or(path).to_vec();
        let way = self.depth..self.depth.saturating_add(self.within.len());
        for (_, part) in parts.enumerate().filter(|(level, _)| !way.contains(level)) {
            crate::path::push(&mut listed, part);
        }
        listed
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use super::{Frozen, Place};
    use ostler_api::node;

    fn frozen(depth: u32, within: &str) -> Option<Frozen> {
        Frozen::new(&node::Frozen {
            depth,
            within: within.into(),
            immutable: true,
            increments: None,
        })
        .ok()
    }

    #[test]
    fn only_the_snapshot_is_taken_and_listed_as_what_it_was_made_of() {
        let frozen = frozen(2, "snapshots/x").unwrap();
        for (below, is_directory, place) in [
            ("ks", true, Place::Taken),
            ("ks/t", true, Place::Taken),
            ("ks/t/snapshots", true, Place::Way),
            ("ks/t/snapshots/x", true, Place::Way),
            ("ks/t/snapshots/x/1.db", false, Place::Taken),
            ("ks/t/snapshots/x/.index", true, Place::Taken),
            ("ks/t/snapshots/x/.index/snapshots", true, Place::Taken),
            ("ks/t/snapshots/y", true, Place::Beside),
            ("ks/t/snapshots/x", false, Place::Beside),
            ("ks/t/backups", true, Place::Beside),
            ("ks/t/1.db", false, Place::Beside),
            ("ks/file", false, Place::Beside),
        ] {
            assert_eq!(frozen.place(below.as_bytes(), is_directory), place, "{below}");
        }
        let listed =
            |path: &str| String::from_utf8(frozen.listed(path.as_bytes(), "srv/data".len())).unwrap();
        assert_eq!(listed("srv/data"), "srv/data");
        assert_eq!(listed("srv/data/ks/t"), "srv/data/ks/t");
        assert_eq!(listed("srv/data/ks/t/snapshots/x/1.db"), "srv/data/ks/t/1.db");
        assert_eq!(
            listed("srv/data/ks/t/snapshots/x/.i/1.db"),
            "srv/data/ks/t/.i/1.db"
        );
    }

    #[test]
    fn a_snapshot_that_leads_elsewhere_is_refused() {
        for within in ["", ".", "..", "a/../../b", "/etc"] {
            assert!(frozen(1, within).is_none(), "{within}");
        }
    }
}
