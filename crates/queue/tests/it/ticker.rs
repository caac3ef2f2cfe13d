//! Ticks come when they should, whatever breaks.

use std::time::Duration;

use ostler_postgres::{Connection, Options};
use ostler_queue::ticker::{Standing, TickerOptions};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{postgres, shared_postgres};
use tokio::time::timeout;

use crate::ticker_world::{Ticker, last_tick, number, options, target, until, with_queue};

const INSERT: &str = "SELECT pgq.insert_event('q', 'type', 'data')";

#[tokio::test]
async fn an_event_wakes_a_sleeping_ticker_within_milliseconds() {
    for release in Release::SUPPORTED {
        let Some(server) = shared_postgres(release) else {
            continue;
        };
        let database = with_queue(server);
        let ticker = Ticker::start(TickerOptions {
            longest_sleep: Duration::from_secs(600),
            ..options(server, &[&database])
        });
        // Two idle ticks, the second after half of the queue's largest lag: from then on it sleeps longer and longer.
        until("it leads", || {
            ticker.report(&database).standing == Standing::Leading
        })
        .await;
        until("it sleeps", || ticker.report(&database).rounds > 8).await;
        let mut took = Vec::new();
        for _ in 0..5 {
            let before = last_tick(server, &database);
            server.sql(&database, INSERT);
            took.push(until("it ticks", || last_tick(server, &database) > before).await);
            let rounds = ticker.report(&database).rounds;
            until("it is quiet again", || {
                ticker.report(&database).rounds > rounds + 4
            })
            .await;
        }
        took.sort();
        // How fast is measured elsewhere; here only that nobody waits for the end of a sleep.
        assert!(took[2] < Duration::from_secs(5), "{release:?}: {took:?}");
        assert!(ticker.report(&database).wakeups > 0, "{release:?}");
        ticker.stop().await;
    }
}

#[tokio::test]
async fn producers_notify_once_while_the_ticker_sleeps_and_not_while_it_is_awake() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let database = with_queue(server);
    let mut listener = Connection::open(&target(server, &database), &Options::default())
        .await
        .unwrap();
    listener.batch("LISTEN \"pgq.wake\"").await.unwrap();
    server.sql(&database, INSERT);
    assert!(
        timeout(Duration::from_millis(200), listener.notification())
            .await
            .is_err(),
        "nobody sleeps"
    );
    server.sql(&database, "SELECT pgq.ostler_ticker_round('10 ms', true)");
    for _ in 0..5 {
        server.sql(&database, INSERT);
    }
    assert!(
        timeout(Duration::from_secs(10), listener.notification())
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        timeout(Duration::from_millis(200), listener.notification())
            .await
            .is_err(),
        "only once"
    );
    server.sql(
        &database,
        "SELECT pgq.set_queue_config('q', 'wakeup', 'false'); SELECT pgq.ostler_ticker_round('10 ms', true)",
    );
    server.sql(&database, INSERT);
    assert!(
        timeout(Duration::from_millis(200), listener.notification())
            .await
            .is_err(),
        "off for this queue"
    );
}

#[tokio::test]
async fn consumers_are_told_of_ticks() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let database = with_queue(server);
    let mut consumer = Connection::open(&target(server, &database), &Options::default())
        .await
        .unwrap();
    consumer.batch("LISTEN \"pgq.tick.q\"").await.unwrap();
    let ticker = Ticker::start(options(server, &[&database]));
    until("it leads", || {
        ticker.report(&database).standing == Standing::Leading
    })
    .await;
    server.sql(&database, INSERT);
    let told = timeout(Duration::from_secs(10), consumer.notification())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told.channel, "pgq.tick.q");
    ticker.stop().await;
}

#[tokio::test]
async fn an_event_that_commits_after_its_tick_is_not_left_until_the_next_idle_one() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let database = with_queue(server);
    server.sql(
        &database,
        "SELECT pgq.set_queue_config('q', 'ticker_max_lag', '1 hour'), pgq.set_queue_config('q', 'ticker_idle_period', '1 hour'),
                pgq.register_consumer('q', 'c')",
    );
    let ticker = Ticker::start(options(server, &[&database]));
    until("it leads", || {
        ticker.report(&database).standing == Standing::Leading
    })
    .await;
    let mut late = server.wire(&database).unwrap();
    late.query(&format!("BEGIN; {INSERT}")).unwrap();
    let before = last_tick(server, &database);
    server.sql(&database, INSERT);
    until("the other event ticks", || last_tick(server, &database) > before).await;
    late.query("COMMIT").unwrap();
    let mut seen = 0;
    until("both events are in batches", || {
        let statement = "WITH b AS MATERIALIZED (SELECT pgq.next_batch('q', 'c') AS id) SELECT id FROM b";
        let Some(batch) = server.sql(&database, statement)[0][0].clone() else {
            return false;
        };
        seen += number(
            server,
            &database,
            &format!("SELECT count(*) FROM pgq.get_batch_events({batch})"),
        );
        server.sql(&database, &format!("SELECT pgq.finish_batch({batch})"));
        seen == 2
    })
    .await;
    ticker.stop().await;
}

#[tokio::test]
async fn a_broken_database_stops_no_other() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let (good, broken, empty) = (with_queue(server), with_queue(server), server.database());
    server.sql(
        &broken,
        "ALTER FUNCTION pgq.ostler_ticker_round(interval, boolean) RENAME TO gone",
    );
    server.sql(&broken, "CREATE FUNCTION pgq.ostler_ticker_round(i interval, s boolean, OUT ticked integer, OUT failed text[], OUT wait interval) LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken for the test'; END $$");
    let ticker = Ticker::start(options(server, &[&good, &broken, &empty, "no_such_database"]));
    until("the broken ones fail", || {
        ticker.report(&broken).failing > 1 && ticker.report("no_such_database").failing > 1
    })
    .await;
    until("the empty one has no queues", || {
        ticker.report(&empty).standing == Standing::NoQueues
    })
    .await;
    let before = last_tick(server, &good);
    server.sql(&good, INSERT);
    until("the good one ticks", || last_tick(server, &good) > before).await;
    let report = ticker.report(&broken);
    let said = report.last_failure.join(": ");
    assert!(
        said.contains(&format!("main/{broken}: `SELECT ticked, failed")),
        "{said}"
    );
    assert!(said.contains("broken for the test"), "{said}");
    // It is repaired while the ticker runs.
    server.sql(&broken, "DROP FUNCTION pgq.ostler_ticker_round(interval, boolean); ALTER FUNCTION pgq.gone(interval, boolean) RENAME TO ostler_ticker_round");
    until("it goes on", || {
        ticker.report(&broken).standing == Standing::Leading
    })
    .await;
    ticker.stop().await;
}

#[tokio::test]
async fn one_queue_that_fails_stops_no_other_queue() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let database = with_queue(server);
    server.sql(
        &database,
        "SELECT pgq.create_queue('a'); DROP SEQUENCE pgq.event_2_tick_seq CASCADE",
    );
    let ticker = Ticker::start(options(server, &[&database]));
    let tick =
        "SELECT max(tick_id) FROM pgq.tick JOIN pgq.queue ON queue_id = tick_queue WHERE queue_name = 'q'";
    let before = number(server, &database, tick);
    server.sql(&database, INSERT);
    server.sql(&database, "SELECT pgq.insert_event('a', 'x', 'y')");
    until("the good queue ticks", || {
        number(server, &database, tick) > before
    })
    .await;
    until("the other's failure is told", || {
        !ticker.report(&database).last_failure.is_empty()
    })
    .await;
    assert_eq!(ticker.report(&database).standing, Standing::Leading);
    ticker.stop().await;
}

#[tokio::test]
async fn another_ticker_takes_over_and_only_one_leads() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let database = with_queue(server);
    let first = Ticker::start(options(server, &[&database]));
    until("the first leads", || {
        first.report(&database).standing == Standing::Leading
    })
    .await;
    let second = Ticker::start(options(server, &[&database]));
    until("the second stands by", || {
        second.report(&database).standing == Standing::StandingBy
    })
    .await;
    first.stop().await;
    until("the second leads", || {
        second.report(&database).standing == Standing::Leading
    })
    .await;
    let before = last_tick(server, &database);
    server.sql(&database, INSERT);
    until("it ticks", || last_tick(server, &database) > before).await;
    second.stop().await;
}

#[tokio::test]
async fn a_server_that_comes_back_is_ticked_again() {
    let Some(mut server) = postgres(Release::Eighteen) else {
        return;
    };
    let database = with_queue(&server);
    let ticker = Ticker::start(options(&server, &[&database]));
    until("it leads", || {
        ticker.report(&database).standing == Standing::Leading
    })
    .await;
    server.stop();
    until("it fails", || {
        ticker.report(&database).standing == Standing::Failing
    })
    .await;
    server.start_again().unwrap();
    until("it leads again", || {
        ticker.report(&database).standing == Standing::Leading
    })
    .await;
    let before = last_tick(&server, &database);
    server.sql(&database, INSERT);
    until("it ticks", || last_tick(&server, &database) > before).await;
    ticker.stop().await;
}

#[tokio::test]
async fn events_whose_time_comes_and_rotation_are_looked_after() {
    let Some(server) = shared_postgres(Release::Thirteen) else {
        return;
    };
    let database = with_queue(server);
    server.sql(
        &database,
        "SELECT pgq.register_consumer('q', 'c'), pgq.set_queue_config('q', 'rotation_period', '0 s')",
    );
    server.sql(&database, INSERT);
    let ticker = Ticker::start(TickerOptions {
        maintenance: Duration::from_millis(100),
        ..options(server, &[&database])
    });
    let table = number(server, &database, "SELECT queue_cur_table FROM pgq.queue");
    until("it rotates", || {
        number(server, &database, "SELECT queue_cur_table FROM pgq.queue") != table
    })
    .await;
    let batch = |server: &ostler_testkit::servers::Postgres| {
        number(server, &database, "SELECT pgq.next_batch('q', 'c')")
    };
    let mut id = 0;
    until("there is a batch", || {
        id = batch(server);
        id > 0
    })
    .await;
    server.sql(&database, &format!("SELECT pgq.event_retry({id}, ev_id, 1) FROM pgq.get_batch_events({id}); SELECT pgq.finish_batch({id})"));
    until("the event comes back", || {
        let id = batch(server);
        let events = "SELECT coalesce(max(ev_retry), 0) FROM pgq.get_batch_events";
        let found = id > 0 && number(server, &database, &format!("{events}({id})")) == 1;
        if id > 0 {
            server.sql(&database, &format!("SELECT pgq.finish_batch({id})"));
        }
        found
    })
    .await;
    ticker.stop().await;
}

#[tokio::test]
async fn new_options_take_the_place_of_the_old_ones() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let (one, other) = (with_queue(server), with_queue(server));
    let ticker = Ticker::start(options(server, &[&one]));
    until("the first leads", || {
        ticker.report(&one).standing == Standing::Leading
    })
    .await;
    ticker.options.send(options(server, &[&other])).unwrap();
    until("the other leads", || {
        ticker.report(&other).standing == Standing::Leading
    })
    .await;
    assert_eq!(ticker.board.reports().len(), 1);
    ticker.stop().await;
}

#[tokio::test]
async fn the_extension_in_c_is_ticked_too() {
    let Some(server) = shared_postgres(Release::WithPgq) else {
        return;
    };
    let database = server.database();
    server.sql(&database, "CREATE EXTENSION pgq; SELECT pgq.create_queue('q'), pgq.set_queue_config('q', 'ticker_max_lag', '0')");
    let ticker = Ticker::start(options(server, &[&database]));
    until("it leads", || {
        ticker.report(&database).standing == Standing::Leading
    })
    .await;
    let before = last_tick(server, &database);
    server.sql(&database, INSERT);
    until("it ticks", || last_tick(server, &database) > before).await;
    ticker.stop().await;
}
