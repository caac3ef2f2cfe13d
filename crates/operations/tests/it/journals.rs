//! The journals' conformance, and opening the SQLite one.

use std::path::Path;

use ostler_operations::journal::{FILE_NAME, SCHEMA_VERSION, conformance};
use ostler_operations::{Engine, Error, Journal, MemoryJournal, StoredJournal};
use ostler_state::conformance::shared;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;
use ostler_vocabulary::{Classified, ErrorKind, SystemClock};

#[test]
fn the_memory_journal_keeps_the_contract() {
    conformance::check(&|| Box::new(MemoryJournal::default()));
}

#[test]
fn the_sqlite_journal_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    conformance::check(&|| {
        number.set(number.get() + 1);
        Box::new(open(&directory.path().join(number.get().to_string())).unwrap())
    });
}

#[test]
fn the_postgresql_journal_keeps_the_contract() {
    for release in Release::SUPPORTED {
        let Some(postgres) = shared_postgres(release) else {
            continue;
        };
        conformance::check(&|| -> Box<dyn Journal> {
            let place = shared(&postgres.url(&postgres.database()));
            Box::new(StoredJournal::open(&place).unwrap())
        });
    }
}

fn open(directory: &Path) -> Result<StoredJournal, Error> {
    StoredJournal::open(&directory.into())
}

fn database(directory: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(directory.join(FILE_NAME)).unwrap()
}

#[test]
fn a_newer_schema_is_refused_naming_what_wrote_it() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).unwrap());
    let newer = SCHEMA_VERSION + 1;
    database(directory.path())
        .execute_batch(&format!(
            "PRAGMA user_version = {newer}; INSERT INTO schema_history VALUES ({newer}, '7.8.9');"
        ))
        .unwrap();
    let refused = open(directory.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(
        refused.to_string().contains(&format!("schema version {newer}")),
        "{refused}"
    );
    assert!(refused.hint().unwrap().contains("7.8.9"));
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    database(directory.path())
        .execute_batch("CREATE TABLE theirs (x)")
        .unwrap();
    assert_eq!(open(directory.path()).unwrap_err().kind(), ErrorKind::Invalid);
    std::fs::write(directory.path().join(FILE_NAME), vec![7; 4096]).unwrap();
    assert_eq!(open(directory.path()).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_damaged_value_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path()).unwrap();
    let engine = Engine::in_memory(std::sync::Arc::new(SystemClock::default()));
    assert!(engine.list(1, None).unwrap().is_empty());
    database(directory.path())
        .execute_batch(
            "INSERT INTO operation (id, kind, version, subject, plan, state, epoch, heartbeat, started) \
             VALUES ('00000000000000000000000000000000', 'k', 1, 's', '{', 'running', 1, 0, 9223372036854775807)",
        )
        .unwrap();
    assert_eq!(journal.list(1, None).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn many_open_a_new_journal_at_once() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let openers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| open(directory.path()).map(drop)))
            .collect();
        for opener in openers {
            opener.join().unwrap().unwrap();
        }
    });
}
