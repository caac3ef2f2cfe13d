//! A database with the extension in C becomes ours.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ostler_postgres::{Connection, Options};
use ostler_queue::schema::{self, Wish};

use super::place::Place;
use super::sql_world::{drain, tick};

#[tokio::test]
async fn a_database_with_the_extension_is_taken_over_under_traffic_without_losing_an_event() {
    let Some(place) = Place::with_extension() else {
        return;
    };
    // Where Debian's package of it is.
    let _ = place.server.try_sql(&place.database, "create extension pgq_node");
    place.sql(
        "select pgq.create_queue('q'); select pgq.register_consumer('q', 'a'); select pgq.register_consumer('q', 'b'); \
         create table t (id int primary key, x text); \
         create trigger log after insert or update or delete on t for each row execute function pgq.logutriga('q')",
    );
    // A batch is open, an event is to be tried again, and `b` has read nothing yet.
    place.sql("select pgq.insert_event('q', 't', 'before 1'); select pgq.insert_event('q', 't', 'before 2')");
    place.sql("select pgq.force_tick('q'); select pgq.ticker()");
    assert_eq!(
        place.value("select pgq.next_batch('q', 'a')").as_deref(),
        Some("1")
    );
    place.sql("select pgq.event_retry(1, 1, 0)");

    let stop = AtomicBool::new(false);
    let count = AtomicUsize::new(0);
    let (sent, applied) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (place, stop, count) = (&place, &stop, &count);
                scope.spawn(move || {
                    let mut sent = Vec::new();
                    let mut wire = place.server.wire(&place.database).unwrap();
                    while !stop.load(Ordering::Relaxed) {
                        let text = format!("{writer}.{}", sent.len());
                        // What failed was not sent; only that may happen to a session whose function was just replaced.
                        if wire
                            .query(&format!("select pgq.insert_event('q', 't', '{text}')"))
                            .is_ok()
                        {
                            sent.push(text);
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    sent
                })
            })
            .collect();
        let ticker = {
            let (place, stop) = (&place, &stop);
            scope.spawn(move || {
                let mut wire = place.server.wire(&place.database).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    let _ = wire.query("select pgq.ticker()");
                }
            })
        };
        let target = place.target();
        let done = scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = Connection::open(&target, &Options::default()).await.unwrap();
                let installed = schema::inspect(&connection).await.unwrap();
                let plan = schema::plan_install(&installed, &Wish::default()).unwrap();
                schema::apply(&mut connection, &plan).await
            })
        });
        let applied = done.join().unwrap();
        // Some more, by the new functions.
        let before = count.load(Ordering::Relaxed);
        while applied.is_ok() && count.load(Ordering::Relaxed) < before + 30 {
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
        ticker.join().unwrap();
        let sent: Vec<String> = writers.into_iter().flat_map(|it| it.join().unwrap()).collect();
        (sent, applied)
    });
    let applied = applied.unwrap();
    assert!(applied.installed.extensions.is_empty());
    assert_eq!(place.value("select pgq.version()").as_deref(), Some("3.5"));
    assert!(sent.len() > 10, "{}", sent.len());

    // Its pace stays that of its settings; a new queue has ours.
    place.sql("select pgq.create_queue('new')");
    let wakeup = "select string_agg(q.queue_name || ' ' || coalesce(o.wakeup, true), ', ' order by q.queue_name) \
         from pgq.queue q left join pgq.ostler_queue o on o.oq_queue = q.queue_id";
    assert_eq!(place.value(wakeup).as_deref(), Some("new true, q false"));
    place.sql("select pgq.drop_queue('new')");

    // The batch that was open is open.
    assert_eq!(
        place.value("select pgq.next_batch('q', 'a')").as_deref(),
        Some("1")
    );
    place.sql("insert into t values (1, 'after')");
    place.sql("select pgq.maint_retry_events()");
    tick(&place);
    let mut expected: Vec<String> = ["before 1", "before 2", "id=1&x=after"].map(str::to_owned).into();
    expected.extend(sent);
    expected.sort();
    let mut b = drain(&place, "b");
    b.sort();
    assert_eq!(b, expected);
    // And for `a` the one that was put aside comes once more.
    expected.push("before 1".to_owned());
    expected.sort();
    let mut a = drain(&place, "a");
    a.sort();
    assert_eq!(a, expected);
}
