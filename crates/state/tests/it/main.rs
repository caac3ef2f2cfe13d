//! One toolbox over both databases, and what becomes of writes when a server or the way to it goes away.

#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

mod cut;
mod losing;
mod opening;
mod transactions;

use ostler_state::conformance::shared as server;
use ostler_state::{Database, Error, Kind, Place, Transaction, conformance, values};
use ostler_testkit::servers::new_databases;

/// A store with numbers in it.
const NUMBERS: Kind = Kind {
    file_name: "numbers.db",
    schema: "numbers",
    what: "numbers",
    application: 0x4F53_5454,
    sqlite: &[include_str!("sql/numbers.sqlite.sql")],
    postgres: &[include_str!("sql/numbers.postgres.sql")],
    program: "0.0.0",
};

const ADD: &str = "-- A number. ?1 value, ?2 word.\nINSERT INTO number (value, word) VALUES (?1, ?2);";
const ALL: &str = "-- All numbers.\nSELECT value FROM number ORDER BY value;";

/// Calls it with a place in a directory, and one in each release of PostgreSQL.
fn everywhere(check: impl Fn(&Place)) {
    let directory = tempfile::tempdir().unwrap();
    conformance::everywhere(directory.path(), new_databases(), check);
}

fn add(db: &Transaction<'_>, value: i64) -> Result<usize, Error> {
    db.execute(ADD, &values![value, "w"])
}

fn all(db: &Database) -> Vec<i64> {
    db.read(|db| -> Result<Vec<i64>, Error> { db.query(ALL, &[])?.iter().map(|row| row.get(0)).collect() })
        .unwrap()
}
