//! What every store's suite runs on: a directory, and databases.

use std::path::Path;
use std::sync::Arc;

use crate::{Place, Server};

/// Calls a suite with a place in this directory, and with one in each of these databases, which are empty: what a store promises
/// it promises everywhere.
///
/// # Panics
/// When an address is none of PostgreSQL, or the suite does.
pub fn everywhere(directory: &Path, databases: impl IntoIterator<Item = String>, check: impl Fn(&Place)) {
    check(&Place::from(directory));
    for dsn in databases {
        check(&shared(&dsn));
    }
}

/// The place in a database.
///
/// # Panics
/// When the address is none of PostgreSQL.
#[must_use]
#[expect(clippy::panic, reason = "a suite's way to fail")]
pub fn shared(dsn: &str) -> Place {
    match Server::new(dsn, None, "ostler", &|_| None) {
        Ok(server) => Place::Shared(Arc::new(server)),
        Err(error) => panic!("{error}"),
    }
}
