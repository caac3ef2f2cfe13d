//! The journal's file: its name, its mark, its schema's versions.

use crate::database::Database;

/// The journal's file in the state directory.
pub const FILE_NAME: &str = DATABASE.file_name;

/// The schema that this program writes: the number of its newest migration.
pub const SCHEMA_VERSION: u32 = DATABASE.version();

/// The file.
pub(super) const DATABASE: Database = Database {
    file_name: "operations.db",
    what: "operations journal",
    // `OSTJ`
    application: 0x4F53_544A,
    migrations: &[
        include_str!("../migrations/0001_journal.sql"),
        include_str!("../migrations/0002_messages.sql"),
        include_str!("../migrations/0003_changes.sql"),
    ],
    program: env!("CARGO_PKG_VERSION"),
};
