//! What a ticker waits for: events that were put off, and databases that come and go.

use std::time::{Duration, Instant};

use ostler_queue::ticker::{Databases, Standing};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{postgres, shared_postgres};

use crate::ticker_world::{Ticker, number, options, sleepy, ticks_an_event, until, with_queue};

#[tokio::test]
async fn events_that_are_put_off_while_it_sleeps_come_in_time() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let database = with_queue(server);
    let ticker = Ticker::asleep(sleepy(server, &database), &database).await;
    let (start, later) = (Instant::now(), Duration::from_millis(700));
    server.sql(
        &database,
        &format!(
            "SELECT pgq.insert_event_at('q', now() + interval '{} ms', 'type', 'later')",
            later.as_millis()
        ),
    );
    let there = "SELECT count(*) FROM pgq.event_template WHERE ev_data = 'later'";
    // Without being told it would sleep for minutes.
    until("it is in the queue", || number(server, &database, there) == 1).await;
    let took = start.elapsed();
    assert!(took >= later, "{took:?}");
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
         UPDATE pgq.queue SET queue_disable_insert = true;
         SELECT pg_sleep(0.01)",
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
    ticker.stands(&first, Standing::Leading).await;
    ticker.stands("postgres", Standing::NoQueues).await;
    let second = with_queue(&server);
    ticker.stands(&second, Standing::Leading).await;
    // Where there were none, queues may come.
    server.sql("postgres", &ostler_queue::schema::script(true));
    ticker.stands("postgres", Standing::Leading).await;
    server.sql("postgres", &format!("DROP DATABASE {first} WITH (FORCE)"));
    until("the first is forgotten", || {
        !ticker.board.reports().contains_key(&format!("main/{first}"))
    })
    .await;
    ticks_an_event(&server, &second).await;
    ticker.stop().await;
}
