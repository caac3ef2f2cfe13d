//! Which versions of the protocol there are, and which one two sides speak.

use serde::{Deserialize, Serialize};

use crate::Error;

/// The oldest version that this program speaks.
pub const OLDEST: u32 = 1;
/// The newest version that this program speaks.
pub const NEWEST: u32 = 5;

/// What an agent answers to `GET /versions`, the only address that never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The version of Ostler it runs.
    pub program: String,
    /// The oldest version of the protocol it speaks.
    pub oldest: u32,
    /// The newest version of the protocol it speaks.
    pub newest: u32,
}

impl Versions {
    /// What this program speaks.
    #[must_use]
    pub fn own() -> Self {
        Self {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            oldest: OLDEST,
            newest: NEWEST,
        }
    }

    /// The newest version that both speak.
    ///
    /// # Errors
    /// [`Error::Versions`] when there is none; it says which side is to be upgraded.
    pub fn common(&self, theirs: &Self, node: &str) -> Result<u32, Error> {
        let newest = self.newest.min(theirs.newest);
        if newest >= self.oldest.max(theirs.oldest) {
            return Ok(newest);
        }
        Err(Error::Versions {
            node: node.to_owned(),
            theirs: theirs.clone(),
            ours: self.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Versions;

    fn speaking(oldest: u32, newest: u32) -> Versions {
        Versions {
            program: "0".to_owned(),
            oldest,
            newest,
        }
    }

    #[test]
    fn the_newest_common_version_is_spoken() {
        for (ours, theirs, common) in [
            ((1, 1), (1, 1), Some(1)),
            ((1, 1), (1, 2), Some(1)),
            ((1, 2), (1, 1), Some(1)),
            ((1, 3), (2, 4), Some(3)),
            ((1, 1), (2, 3), None),
            ((3, 4), (1, 2), None),
        ] {
            let (ours, theirs) = (speaking(ours.0, ours.1), speaking(theirs.0, theirs.1));
            assert_eq!(ours.common(&theirs, "a").ok(), common, "{ours:?} {theirs:?}");
        }
    }
}
