//! What a store of state is.

/// A kind of database that Ostler keeps: one SQLite file, or one schema of a PostgreSQL database.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The file in the state directory.
    pub file_name: &'static str,
    /// What its schema in PostgreSQL is called behind the common beginning: `journal` of `ostler_journal`.
    pub schema: &'static str,
    /// What it is called in messages, such as `operations journal`.
    pub what: &'static str,
    /// The application's number in the file's header, so that another program's database is not taken for this one; 0 for a
    /// kind whose first files had none.
    pub application: i32,
    /// SQL that brings a file from each version to the next; one of them makes the table `schema_history`. In order; what is
    /// released is never changed.
    pub sqlite: &'static [&'static str],
    /// The same for PostgreSQL, with versions of its own; run with the schema first in the search path.
    pub postgres: &'static [&'static str],
    /// The version of the program, recorded with each migration.
    pub program: &'static str,
}

impl Kind {
    /// The version of a file's schema that this program writes: the number of its newest migration.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.sqlite.len() as u32
    }
}
