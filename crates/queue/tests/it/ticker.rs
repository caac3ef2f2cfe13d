//! Ticks come when they should, whatever breaks.

use std::time::Duration;

use ostler_postgres::{Connection, Options};
use ostler_queue::ticker::{Standing, TickerOptions};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{postgres, shared_postgres};
use tokio::time::timeout;

use crate::ticker_world::{
    INSERT, Ticker, last_tick, number, options, sleepy, target, ticks_an_event, until, with_queue,
};

#[tokio::test]
async fn an_event_wakes_a_sleeping_ticker() {
    for release in Release::SUPPORTED {
        let Some(server) = shared_postgres(release) else {
            continue;
        };
        let database = with_queue(server);
        let ticker = Ticker::asleep(sleepy(server, &database), &database).await;
        for _ in 0..5 {
            ticks_an_event(server, &database).await;
            let rounds = ticker.report(&database).rounds;
            until("it is quiet again", || {
                ticker.report(&database).rounds > rounds + 4
            })
            .await;
        }
        assert!(ticker.report(&database).wakeups > 0, "{release:?}");
        ticker.stop().await;
    }
}

#[tokio::test]
async fn who_wants_a_tick_now_wakes_it_too() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let database = with_queue(server);
    let ticker = Ticker::asleep(sleepy(server, &database), &database).await;
    let last = last_tick(server, &database);
    let told = number(server, &database, "SELECT pgq.force_tick('q')");
    assert_eq!(told, last);
    until("it ticks", || last_tick(server, &database) > last).await;
    ticker.stop().await;
}

#[tokio::test]
async fn a_queue_whose_wake_ups_are_off_is_looked_at_from_time_to_time() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let database = with_queue(server);
    server.sql(
        &database,
        "SELECT pgq.set_queue_config('q', 'wakeup', 'false'), pgq.set_queue_config('q', 'ticker_max_lag', '0')",
    );
    let ticker = Ticker::asleep(sleepy(server, &database), &database).await;
    ticks_an_event(server, &database).await;
    assert_eq!(ticker.report(&database).wakeups, 0);
    ticker.stop().await;
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
    let mut sent = 0;
    // What was heard until a word of our own comes: notifications have the order of commits.
    let mut heard = async |statements: &str| {
        sent += 1;
        let word = format!("word {sent}");
        server.sql(&database, statements);
        server.sql(&database, &format!("NOTIFY \"pgq.wake\", '{word}'"));
        let mut others = 0;
        loop {
            let next = timeout(Duration::from_secs(30), listener.notification()).await;
            if next.unwrap().unwrap().payload == word {
                return others;
            }
            others += 1;
        }
    };
    assert_eq!(heard(INSERT).await, 0, "nobody sleeps");
    let falls_asleep = "SELECT pgq.ostler_ticker_round('10 ms', true)";
    assert_eq!(heard(falls_asleep).await, 0);
    for (turn, expected) in [1, 0, 0].into_iter().enumerate() {
        assert_eq!(heard(INSERT).await, expected, "event {turn}: only once");
    }
    let off = "SELECT pgq.set_queue_config('q', 'wakeup', 'false')";
    assert_eq!(heard(off).await + heard(falls_asleep).await, 0);
    assert_eq!(heard(INSERT).await, 0, "off for this queue");
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
    let ticker = Ticker::leading(options(server, &[&database]), &database).await;
    server.sql(&database, INSERT);
    let told = timeout(Duration::from_secs(30), consumer.notification())
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
    let ticker = Ticker::leading(options(server, &[&database]), &database).await;
    let mut late = server.wire(&database).unwrap();
    late.query(&format!("BEGIN; {INSERT}")).unwrap();
    ticks_an_event(server, &database).await;
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
    server.sql(&broken, "CREATE FUNCTION pgq.ostler_ticker_round(i interval, s boolean, OUT ticked integer, OUT failed text[], OUT wait interval, OUT silent boolean) LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken for the test'; END $$");
    let ticker = Ticker::start(options(server, &[&good, &broken, &empty, "no_such_database"]));
    until("the broken ones fail", || {
        ticker.report(&broken).failing > 1 && ticker.report("no_such_database").failing > 1
    })
    .await;
    ticker.stands(&empty, Standing::NoQueues).await;
    ticks_an_event(server, &good).await;
    let report = ticker.report(&broken);
    let said = report.last_failure.join(": ");
    assert!(
        said.contains(&format!("main/{broken}: broken for the test")),
        "{said}"
    );
    assert!(
        said.contains("the statement was `SELECT ticked, failed"),
        "{said}"
    );
    // It is repaired while the ticker runs.
    server.sql(&broken, "DROP FUNCTION pgq.ostler_ticker_round(interval, boolean); ALTER FUNCTION pgq.gone(interval, boolean) RENAME TO ostler_ticker_round");
    ticker.stands(&broken, Standing::Leading).await;
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
    let first = Ticker::leading(options(server, &[&database]), &database).await;
    let second = Ticker::start(options(server, &[&database]));
    second.stands(&database, Standing::StandingBy).await;
    first.stop().await;
    second.stands(&database, Standing::Leading).await;
    ticks_an_event(server, &database).await;
    second.stop().await;
}

#[tokio::test]
async fn a_server_that_comes_back_is_ticked_again() {
    let Some(mut server) = postgres(Release::Eighteen) else {
        return;
    };
    let database = with_queue(&server);
    let ticker = Ticker::leading(options(&server, &[&database]), &database).await;
    server.stop();
    ticker.stands(&database, Standing::Failing).await;
    server.start_again().unwrap();
    ticker.stands(&database, Standing::Leading).await;
    ticks_an_event(&server, &database).await;
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
    let ticker = Ticker::leading(options(server, &[&one]), &one).await;
    ticker.options.send(options(server, &[&other])).unwrap();
    ticker.stands(&other, Standing::Leading).await;
    until("the first is forgotten", || ticker.board.reports().len() == 1).await;
    ticker.stop().await;
}

#[tokio::test]
async fn the_extension_in_c_is_ticked_too() {
    let Some(server) = shared_postgres(Release::WithPgq) else {
        return;
    };
    let database = server.database();
    server.sql(&database, "CREATE EXTENSION pgq; SELECT pgq.create_queue('q'), pgq.set_queue_config('q', 'ticker_max_lag', '0')");
    let ticker = Ticker::leading(options(server, &[&database]), &database).await;
    ticks_an_event(server, &database).await;
    ticker.stop().await;
}
