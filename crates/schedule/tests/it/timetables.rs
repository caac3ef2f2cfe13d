//! Every timetable keeps the contract.

use std::path::Path;

use ostler_schedule::timetable::{FILE_NAME, conformance};
use ostler_schedule::{MemoryTimetable, StoredTimetable, Timetable};
use ostler_state::Place;
use ostler_state::conformance::shared;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;
use ostler_vocabulary::{Classified, ErrorKind};

#[test]
fn the_timetable_in_memory_keeps_the_contract() {
    conformance::check(&|| Box::new(MemoryTimetable::default()));
}

#[test]
fn the_timetable_in_sqlite_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    conformance::check(&|| {
        number.set(number.get() + 1);
        let place = Place::Directory(directory.path().join(number.get().to_string()));
        Box::new(StoredTimetable::open(&place).unwrap())
    });
}

#[test]
fn the_timetable_in_postgresql_keeps_the_contract() {
    for release in Release::SUPPORTED {
        let Some(postgres) = shared_postgres(release) else {
            continue;
        };
        conformance::check(&|| -> Box<dyn Timetable> {
            let place = shared(&postgres.url(&postgres.database()));
            Box::new(StoredTimetable::open(&place).unwrap())
        });
    }
}

#[test]
fn another_file_is_not_taken_for_a_timetable() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(FILE_NAME), vec![7; 4096]).unwrap();
    let refused = StoredTimetable::open(&Place::from(directory.path() as &Path)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    assert!(refused.to_string().contains("timetable"), "{refused}");
}
