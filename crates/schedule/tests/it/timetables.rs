//! Every timetable keeps the contract.

use ostler_schedule::timetable::{FILE_NAME, conformance};
use ostler_schedule::{MemoryTimetable, SqliteTimetable};
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
        Box::new(SqliteTimetable::open(&directory.path().join(number.get().to_string())).unwrap())
    });
}

#[test]
fn another_file_is_not_taken_for_a_timetable() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(FILE_NAME), vec![7; 4096]).unwrap();
    let refused = SqliteTimetable::open(directory.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    assert!(refused.to_string().contains("timetable"), "{refused}");
}
