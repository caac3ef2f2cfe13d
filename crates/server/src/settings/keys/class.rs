//! Classes of storage.

use super::{Key, optional};

pub(super) const KEYS: &[Key] = &[
    optional(
        "class.NAME",
        "location",
        "\"s3://archives/prefix\"",
        "A directory, or an object store's address as a vault has it; required",
    ),
    optional(
        "class.NAME",
        "as",
        "\"NAME\"",
        "The vault whose store is reached in the same way: service, credentials, limits, retries",
    ),
];
