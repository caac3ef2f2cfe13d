//! Plain files need no settings.

use super::NAME;
use crate::{Error, Wanted, only};

pub(super) fn check(wanted: &Wanted) -> Result<(), Error> {
    only(NAME, wanted, &[])
}
