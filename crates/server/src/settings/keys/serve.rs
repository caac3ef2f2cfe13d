//! What `ostler serve` does besides.

use super::{Key, key, optional};

pub(super) const KEYS: &[Key] = &[
    key(
        "audit",
        "keep",
        "\"365d\"",
        "How long it stays in the audit log who changed what",
    ),
    optional(
        "serve",
        "certificate",
        "\"/etc/ostler/tls/server.pem\"",
        "The certificate by which `ostler serve` encrypts, followed by what leads to its authority, in PEM; read again when it changes",
    ),
    optional(
        "serve",
        "key",
        "\"/etc/ostler/tls/server.key\"",
        "The file with its key, in PEM",
    ),
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
