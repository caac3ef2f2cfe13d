//! What `ostler serve` does besides.

use super::{Key, key};

pub(super) const KEYS: &[Key] = &[
    key(
        "outgoing",
        "allow",
        "[]",
        "The only hosts that are called for users, such as by webhooks, `schedule --push` and `result_url`: names, \".domain\" for all below, addresses; all but this machine itself when empty",
    ),
    key(
        "metrics",
        "refresh",
        "\"5m\"",
        "How often vaults and databases are looked at for metrics; those who ask for metrics wait for no store",
    ),
];
