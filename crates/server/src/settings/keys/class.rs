//! Classes of storage.

use super::{Key, optional};

pub(super) const KEYS: &[Key] = &[
    optional(
        "class.NAME",
        "location",
        "\"s3://archives/prefix\"",
        "A directory, or an object store's address as a vault has it: for `archive:NAME`",
    ),
    optional(
        "class.NAME",
        "as",
        "\"NAME\"",
        "The vault whose store is reached in the same way: service, credentials, limits, retries",
    ),
    optional(
        "class.NAME",
        "tablespace",
        "\"NAME\"",
        "The tablespace of PostgreSQL that `reallocate:NAME` moves partitions to",
    ),
    optional(
        "class.NAME",
        "attribute",
        "\"storage=warm\"",
        "What nodes of CrateDB have that `reallocate:NAME` moves partitions to",
    ),
    optional(
        "class.NAME",
        "repository",
        "\"NAME\"",
        "The repository of CrateDB in which `snapshot:NAME` keeps partitions",
    ),
];
