//! A server that is started again while writes go on.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use ostler_state::{Database, values};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{postgres, shared_postgres};
use ostler_vocabulary::{Classified, ErrorKind};

use crate::{NUMBERS, add, all, server};

#[test]
fn a_server_that_is_killed_and_started_again_loses_nothing() {
    let Some(mut postgres) = postgres(Release::Fifteen) else {
        return;
    };
    let database = postgres.database();
    let place = server(&postgres.url(&database));
    let db = Database::open(&NUMBERS, &place).unwrap();
    let (next, stop) = (AtomicI64::new(1), AtomicBool::new(false));
    let wait_for = |number| {
        while next.load(Ordering::SeqCst) < number {
            std::thread::yield_now();
        }
    };
    let written = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut written = Vec::new();
                    while !stop.load(Ordering::SeqCst) {
                        let value = next.fetch_add(1, Ordering::SeqCst);
                        db.write(|db| add(db, value)).unwrap();
                        written.push(value);
                    }
                    written
                })
            })
            .collect();
        for _ in 0..3 {
            wait_for(next.load(Ordering::SeqCst) + 30);
            // SIGQUIT: what was not on disk is gone.
            postgres.stop();
            postgres.start_again().unwrap();
        }
        wait_for(next.load(Ordering::SeqCst) + 30);
        stop.store(true, Ordering::SeqCst);
        let mut written: Vec<i64> = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect();
        written.sort_unstable();
        written
    });
    assert_eq!(all(&db), written);
    postgres.stop();
    let refused = db.write(|db| add(db, 0)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused:?}");
}

#[test]
fn a_write_that_the_server_has_no_room_for_is_made_once_it_has() {
    let Some(postgres) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let database = postgres.database();
    let db = Database::open(&NUMBERS, &server(&postgres.url(&database))).unwrap();
    postgres.sql(&database, include_str!("sql/full.sql"));
    db.write(|db| add(db, 1)).unwrap();
    assert_eq!(all(&db), [1]);
}

/// As when its process is stopped in the middle of it: the server ends the session.
#[test]
fn a_write_whose_process_slept_is_made_again() {
    let Some(postgres) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let db = Database::open(&NUMBERS, &server(&postgres.url(&postgres.database()))).unwrap();
    let tries = AtomicI64::new(0);
    db.write(|db| {
        if tries.fetch_add(1, Ordering::SeqCst) == 0 {
            db.execute("SET LOCAL idle_in_transaction_session_timeout = 20", &values![])?;
            std::thread::sleep(Duration::from_millis(200));
        }
        add(db, 7)
    })
    .unwrap();
    assert_eq!((all(&db), tries.load(Ordering::SeqCst)), (vec![7], 2));
}
