//! Opening: versions, other people's schemas, rights, what messages show.

use ostler_state::{Database, Error, Kind, Server};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;
use ostler_vocabulary::{Classified, ErrorKind, Secret};

use crate::{ALL, NUMBERS, add, all, everywhere, server};

/// The same store, by a newer program.
const NEWER: Kind = Kind {
    sqlite: &[NUMBERS.sqlite[0], include_str!("sql/more.sql")],
    postgres: &[NUMBERS.postgres[0], include_str!("sql/more.sql")],
    program: "7.8.9",
    ..NUMBERS
};

/// Versions of SQLite before 3.51.3 can corrupt a database when two connections reset its write-ahead log at once.
#[test]
fn sqlite_has_the_fix_of_the_reset_of_the_write_ahead_log() {
    let version = rusqlite::version();
    assert!(rusqlite::version_number() >= 3_051_003, "SQLite {version}");
}

#[test]
fn many_open_it_at_once_and_later_versions_migrate_it() {
    everywhere(|place| {
        std::thread::scope(|scope| {
            let openers: Vec<_> = (0..6)
                .map(|_| scope.spawn(|| Database::open(&NUMBERS, place).map(drop)))
                .collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
        });
        Database::open(&NUMBERS, place)
            .unwrap()
            .write(|db| add(db, 1))
            .unwrap();
        let db = Database::open(&NEWER, place).unwrap();
        assert_eq!(all(&db), [1]);
        db.read(|db| db.query("SELECT value FROM more", &[])).unwrap();
        let refused = Database::open(&NUMBERS, place).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.hint().unwrap().contains("7.8.9"), "{refused:?}");
    });
}

#[test]
fn a_schema_of_somebody_else_is_left_alone() {
    let Some(postgres) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let database = postgres.database();
    postgres.sql(&database, include_str!("sql/theirs.sql"));
    let refused = Database::open(&NUMBERS, &server(&postgres.url(&database))).unwrap_err();
    assert!(matches!(refused, Error::Foreign { .. }), "{refused:?}");
}

#[test]
fn schemas_that_were_made_for_us_need_no_right_to_make_any() {
    let Some(postgres) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let database = postgres.database();
    let role = format!("keeper_{database}");
    postgres.sql(&database, &format!("CREATE ROLE {role} LOGIN"));
    let place = server(&postgres.url_of(&role, &database));
    let refused = Database::open(&NUMBERS, &place).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied, "{refused:?}");
    postgres.sql(
        &database,
        &format!("CREATE SCHEMA ostler_numbers AUTHORIZATION {role}"),
    );
    let db = Database::open(&NUMBERS, &place).unwrap();
    db.write(|db| add(db, 1)).unwrap();
    assert_eq!(all(&db), [1]);
}

#[test]
fn what_is_wrong_is_said_without_the_password() {
    let dsn = "postgresql://o@127.0.0.1:1/o?connect_timeout=1";
    let secret = Some(Secret::new("hunter2"));
    let server = Server::new(dsn, secret, "ostler", &|_| None).unwrap();
    let refused = server.check().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(!format!("{server:?} {refused:?} {refused}").contains("hunter2"));
    for (dsn, schema) in [("mysql://h/o", "ostler"), (dsn, "Ostler")] {
        let refused = Server::new(dsn, None, schema, &|_| None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
        assert!(refused.hint().is_some());
    }
}

/// Whatever byte of the file is another one: it is read, or it is damaged and the failure says what to do.
#[test]
fn a_flipped_byte_is_damage_with_a_hint() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Database::open(&NUMBERS, &directory.path().into());
    let file = {
        let db = open().unwrap();
        for value in 0..200 {
            db.write(|db| add(db, value)).unwrap();
        }
        db.path().unwrap().to_owned()
    };
    let whole = std::fs::read(&file).unwrap();
    let mut damaged = 0;
    for place in (0..whole.len()).step_by(13) {
        // Of the program's mark and version the file says that it is another's.
        if (60..72).contains(&place) {
            continue;
        }
        for ending in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
        }
        let mut bytes = whole.clone();
        bytes[place] ^= 0xff;
        std::fs::write(&file, bytes).unwrap();
        let read = open().and_then(|db| {
            db.read(|db| -> Result<(), Error> {
                for row in db.query(ALL, &[])? {
                    let _: i64 = row.get(0)?;
                }
                Ok(())
            })
        });
        if let Err(error) = read {
            damaged += 1;
            assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {place}: {error:?}");
            assert!(error.hint().is_some(), "byte {place}: {error:?}");
        }
    }
    assert!(damaged > 10, "{damaged}");
}
