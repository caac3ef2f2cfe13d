//! What the configuration says of plain files.

use ostler_api::node::Hold;

use super::NAME;
use crate::options::Options;
use crate::{Error, Wanted};

/// Whether files are cloned where the file system can.
const REFLINK: &str = "reflink";
/// Files that nobody writes to any more.
const IMMUTABLE: &str = "immutable";
/// Files that only grow.
const APPEND_ONLY: &str = "append_only";

/// How agents hold files still.
pub(super) fn hold(wanted: &Wanted) -> Result<Option<Hold>, Error> {
    let options = Options::of(NAME, wanted, &[REFLINK, IMMUTABLE, APPEND_ONLY])?;
    let hold = Hold {
        reflink: options.switch(REFLINK)?.unwrap_or(true),
        immutable: options.globs(IMMUTABLE)?,
        append_only: options.globs(APPEND_ONLY)?,
    };
    Ok((hold != Hold::default()).then_some(hold))
}
