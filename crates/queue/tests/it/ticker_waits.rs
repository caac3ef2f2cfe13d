//! What a ticker waits for: events that were put off, and databases that come and go.

use std::time::{Duration, Instant};

use ostler_queue::ticker::{Databases, Standing, TickerOptions};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{postgres, shared_postgres};

use crate::ticker_world::{Ticker, last_tick, number, options, until, with_queue};

const INSERT: &str = "SELECT pgq.insert_event('q', 'type', 'data')";

#[tokio::test]
async fn events_that_are_put_off_while_it_sleeps_come_in_time() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let database = with_queue(server);
    let ticker = Ticker::start(TickerOptions {
        longest_sleep: Duration::from_secs(600),
        ..options(server, &[&database])
    });
    until("it leads", || {
        ticker.report(&database).standing == Standing::Leading
    })
    .await;
    until("it sleeps", || ticker.report(&database).rounds > 8).await;
    server.sql(
        &database,
        "SELECT pgq.insert_event_at('q', now() + interval '700 milliseconds', 'type', 'later')",
    );
    let start = Instant::now();
    let there = "SELECT count(*) FROM pgq.event_template WHERE ev_data = 'later'";
    until("it is in the queue", || number(server, &database, there) == 1).await;
    let took = start.elapsed();
    // Without being told it would sleep for minutes.
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(took > Duration::from_millis(500), "{took:?}");
    ticker.stop().await;
}

#[tokio::test]
async fn what_cannot_be_moved_does_not_keep_it_awake() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let database = with_queue(server);
    server.sql(
        &database,
        "SELECT pgq.register_consumer('q', 'c');
         SELECT pgq.event_retry_raw('q', 'c', now() - interval '1 hour', null, now(), 1, 't', 'd', null, null, null, null);
         SELECT pgq.insert_event_at('q', now() + interval '1 ms', 't', 'd');
         UPDATE pgq.queue SET queue_disable_insert = true",
    );
    let rows = server.sql(
        &database,
        "SELECT wait FROM pgq.ostler_ticker_round('10 ms', true)",
    );
    assert_eq!(rows, [[None]]);
    server.sql(&database, "UPDATE pgq.queue SET queue_disable_insert = false");
    server.sql(&database, "SELECT pgq.ostler_ticker_round('10 ms', true)");
    assert_eq!(
        number(server, &database, "SELECT count(*) FROM pgq.event_template"),
        2
    );
}

#[tokio::test]
async fn databases_that_come_are_found_and_those_that_go_are_forgotten() {
    let Some(server) = postgres(Release::Eighteen) else {
        return;
    };
    let first = with_queue(&server);
    let mut all = options(&server, &[]);
    all.servers[0].databases = Databases::All;
    let ticker = Ticker::start(all);
    until("the first is ticked", || {
        ticker.report(&first).standing == Standing::Leading
    })
    .await;
    until("the other has no queues", || {
        ticker.report("postgres").standing == Standing::NoQueues
    })
    .await;
    let second = with_queue(&server);
    until("the second is found", || {
        ticker.report(&second).standing == Standing::Leading
    })
    .await;
    // Where there were none, queues may come.
    server.sql("postgres", &ostler_queue::schema::script(true));
    until("it has queues now", || {
        ticker.report("postgres").standing == Standing::Leading
    })
    .await;
    server.sql("postgres", &format!("DROP DATABASE {first} WITH (FORCE)"));
    until("the first is forgotten", || {
        !ticker.board.reports().contains_key(&format!("main/{first}"))
    })
    .await;
    let before = last_tick(&server, &second);
    server.sql(&second, INSERT);
    until("the second goes on", || last_tick(&server, &second) > before).await;
    ticker.stop().await;
}
