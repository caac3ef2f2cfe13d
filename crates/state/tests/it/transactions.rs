//! What transactions promise, in both databases.

use std::sync::atomic::{AtomicI64, Ordering};

use ostler_state::{Database, Error, values};
use ostler_vocabulary::{Classified, ErrorKind, Timestamp};

use crate::{NUMBERS, add, all, everywhere};

/// A row of the table that both databases have.
type Number = (i64, Option<String>, Option<Vec<u8>>, Option<f64>);

#[test]
fn values_come_back_as_they_were_written() {
    everywhere(|place| {
        let db = Database::open(&NUMBERS, place).unwrap();
        let none: Option<String> = None;
        db.write(|db| -> Result<(), Error> {
            let sql = "INSERT INTO number (value, word, bytes, fraction) VALUES (?1, ?2, ?3, ?4)";
            db.execute(sql, &values![i64::MAX, "ü '\"?1", &[0u8, 255][..], 0.5])?;
            db.execute(sql, &values![7u32, none, None::<Vec<u8>>, None::<f64>])?;
            Ok(())
        })
        .unwrap();
        let rows = db
            .read(|db| {
                db.query(
                    "SELECT value, word, bytes, fraction FROM number ORDER BY value DESC",
                    &[],
                )
            })
            .unwrap();
        let read: Vec<Number> = rows
            .iter()
            .map(|row| {
                (
                    row.get(0).unwrap(),
                    row.get(1).unwrap(),
                    row.get(2).unwrap(),
                    row.get(3).unwrap(),
                )
            })
            .collect();
        let full = (
            i64::MAX,
            Some("ü '\"?1".to_owned()),
            Some(vec![0, 255]),
            Some(0.5),
        );
        assert_eq!(read, [full, (7, None, None, None)]);
        let wrong = rows[0].get::<i64>(1).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Corrupt, "{wrong}");
        let yes: bool = db
            .read(|db| {
                db.one(
                    "SELECT EXISTS (SELECT 1 FROM number WHERE value = ?1 AND (?2 IS NULL OR word = ?2))",
                    &values![7u32, none],
                )?
                .get(0)
            })
            .unwrap();
        assert!(yes);
    });
}

#[test]
fn what_failed_changed_nothing() {
    everywhere(|place| {
        let db = Database::open(&NUMBERS, place).unwrap();
        let refused = db.write(|db| -> Result<(), Error> {
            add(db, 1)?;
            add(db, 1)?;
            Ok(())
        });
        let refused = refused.unwrap_err();
        assert!(refused.is_duplicate(), "{refused:?}");
        assert_eq!(refused.to_string(), "cannot write the numbers");
        let swallowed = db.write(|db| -> Result<(), Error> {
            add(db, 2)?;
            if place.is_shared() {
                assert!(db.execute("INSERT INTO nothing VALUES (1)", &[]).is_err());
            } else {
                db.execute("INSERT INTO nothing VALUES (1)", &[])?;
            }
            Ok(())
        });
        assert!(swallowed.is_err());
        assert!(all(&db).is_empty());
        db.write_lightly(|db| add(db, 3)).unwrap();
        assert_eq!(all(&db), [3]);
    });
}

#[test]
fn writers_are_alone_and_readers_see_one_moment() {
    everywhere(|place| {
        let db = Database::open(&NUMBERS, place).unwrap();
        let next = AtomicI64::new(0);
        // More than there are sessions. Each adds one to the largest: two who looked at once would meet.
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        db.write(|db| -> Result<(), Error> {
                            let largest: i64 = db
                                .one("SELECT coalesce(max(value), 0) FROM number", &[])?
                                .get(0)?;
                            add(db, largest + 1)?;
                            Ok(())
                        })
                        .unwrap();
                        next.fetch_add(1, Ordering::Relaxed);
                        let seen = all(&db);
                        assert_eq!(seen.last().copied(), i64::try_from(seen.len()).ok());
                    }
                });
            }
        });
        assert_eq!(next.into_inner(), 60);
        assert_eq!(all(&db), (1..=60).collect::<Vec<_>>());
    });
}

#[test]
fn clocks_that_agree_are_left_alone() {
    everywhere(|place| {
        let db = Database::open(&NUMBERS, place).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let by_database = db.write(|db| -> Result<_, Error> { Ok(db.time(now)) }).unwrap();
        assert_eq!((by_database, db.time(now)), (now, now));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_call_on_a_thread_of_a_runtime_stops_no_task() {
    let directory = tempfile::tempdir().unwrap();
    let Some(postgres) =
        ostler_testkit::servers::shared_postgres(ostler_testkit::install::postgres::Release::Fifteen)
    else {
        return;
    };
    drop(directory);
    let db = Database::open(&NUMBERS, &crate::server(&postgres.url(&postgres.database()))).unwrap();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        // The only thread of the runtime waits in here for the task below.
        db.write(|db| add(db, 1)).unwrap();
        sender.send(all(&db)).unwrap();
    });
    task.await.unwrap();
    assert_eq!(receiver.await.unwrap(), [1]);
}
