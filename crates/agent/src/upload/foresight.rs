//! How much there will be to read: what a bar needs to tell the time that is left.

use ostler_vocabulary::Progress;

use crate::Error;
use crate::stat::Kind;
use crate::walk::{Found, Visit, Walker};

/// Raises what there is to do by the size of every file it is shown.
struct Total<'a>(&'a Progress);

impl Visit for Total<'_> {
    fn found(&mut self, found: Found) -> Result<(), Error> {
        if found.stat.kind == Kind::File {
            self.0.add_total(found.stat.size);
        }
        Ok(())
    }

    // The walk that reads reports it.
    fn problem(&mut self, _: &[u8], _: String) {}
}

/// Walks ahead of the walk that reads. A failure ends the counting only.
pub(super) fn count(roots: &[Vec<u8>], mut walker: Walker<'_>, progress: &Progress) {
    for root in roots {
        if walker.walk(root, &mut Total(progress)).is_err() {
            return;
        }
    }
}
