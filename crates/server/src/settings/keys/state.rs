//! Where Ostler keeps its own state.

use super::{Key, key, optional};

pub(super) const KEYS: &[Key] = &[
    optional(
        "state",
        "dsn",
        "\"postgresql://ostler@db.example.com/ostler\"",
        "The PostgreSQL database that several servers keep their state in, without a password; SQLite files of the state directory when left out. PG… variables and ~/.pgpass complete it",
    ),
    optional(
        "state",
        "password",
        "{ env = \"OSTLER_STATE_PASSWORD\" }",
        "Where its password comes from: { file = … }, { env = … } or { keyring = … }; ~/.pgpass when left out",
    ),
    key(
        "state",
        "schema",
        "\"ostler\"",
        "With what the names of its schemas begin: ostler_operations, ostler_schedules, …",
    ),
];
