//! The journal's database: its name, its mark, its schema's versions.

use ostler_state::Kind;

/// The journal's file in the state directory.
pub const FILE_NAME: &str = KIND.file_name;

/// The schema that this program writes into files: the number of its newest migration.
pub const SCHEMA_VERSION: u32 = KIND.version();

/// The journal.
pub(super) const KIND: Kind = Kind {
    file_name: "operations.db",
    schema: "operations",
    what: "operations journal",
    // `OSTJ`
    application: 0x4F53_544A,
    sqlite: &[
        include_str!("../migrations/0001_journal.sql"),
        include_str!("../migrations/0002_messages.sql"),
        include_str!("../migrations/0003_changes.sql"),
    ],
    postgres: &[include_str!("../migrations/postgres/0001_journal.sql")],
    program: env!("CARGO_PKG_VERSION"),
};
