//! Tickers and consumers behind a pooler that lends sessions out by transaction.

use std::time::Duration;

use ostler_postgres::{Dsn, Target};
use ostler_queue::consumer::{BatchSource, Retries, Subscription};
use ostler_queue::ticker::{Standing, TickerOptions};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{PgBouncer, pgbouncer, shared_postgres};

use crate::ticker_world::{Ticker, options, sleepy, ticks_an_event, with_queue};

/// The same options, through the pooler.
fn through(pooler: &PgBouncer, mut options: TickerOptions) -> TickerOptions {
    options.servers[0].target = target(pooler, "postgres");
    options
}

fn target(pooler: &PgBouncer, database: &str) -> Target {
    Target::resolve(&Dsn::parse(&pooler.url(database)).unwrap(), &|_| None).unwrap()
}

#[tokio::test]
async fn a_ticker_nobody_can_wake_looks_by_itself() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    for more in ["server_round_robin = 0", "server_round_robin = 1"] {
        let Some(pooler) = pgbouncer(server, "transaction", more) else {
            return;
        };
        let database = with_queue(server);
        let ticker = Ticker::asleep(through(&pooler, sleepy(server, &database)), &database).await;
        for _ in 0..3 {
            ticks_an_event(server, &database).await;
        }
        let report = ticker.report(&database);
        assert!(!report.listening && report.wakeups == 0, "{report:?}");
        ticker.stop().await;
    }
}

#[tokio::test]
async fn behind_a_pooler_of_sessions_it_is_woken() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let Some(pooler) = pgbouncer(server, "session", "") else {
        return;
    };
    let database = with_queue(server);
    let ticker = Ticker::asleep(through(&pooler, sleepy(server, &database)), &database).await;
    ticks_an_event(server, &database).await;
    assert!(ticker.report(&database).listening);
    ticker.stop().await;
}

#[tokio::test]
async fn one_ticker_leads_whichever_way_it_came() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let Some(pooler) = pgbouncer(server, "transaction", "") else {
        return;
    };
    let database = with_queue(server);
    let direct = options(server, &[&database]);
    let first = Ticker::leading(through(&pooler, direct.clone()), &database).await;
    first.stop().await;
    // A lock of the session would have stayed with the pooler.
    let second = Ticker::leading(direct.clone(), &database).await;
    let third = Ticker::start(through(&pooler, direct));
    third.stands(&database, Standing::StandingBy).await;
    ticks_an_event(server, &database).await;
    assert_eq!(third.report(&database).rounds, 0);
    second.stop().await;
    third.stands(&database, Standing::Leading).await;
    ticks_an_event(server, &database).await;
    third.stop().await;
}

#[tokio::test]
async fn a_consumer_gets_every_event_through_a_pooler() {
    let Some(server) = shared_postgres(Release::Thirteen) else {
        return;
    };
    let Some(pooler) = pgbouncer(server, "transaction", "server_round_robin = 1") else {
        return;
    };
    let database = with_queue(server);
    server.sql(&database, "SELECT pgq.register_consumer('q', 'c')");
    let ticker = Ticker::leading(through(&pooler, options(server, &[&database])), &database).await;
    let mut consumer = Subscription::new(target(&pooler, &database), "q", "c");
    let mut seen = Vec::new();
    for number in 0..20 {
        server.sql(
            &database,
            &format!("SELECT pgq.insert_event('q', 'type', '{number}')"),
        );
    }
    let end = tokio::time::Instant::now() + Duration::from_secs(30);
    while seen.len() < 20 && tokio::time::Instant::now() < end {
        let Some(batch) = consumer.next_batch().await.unwrap() else {
            consumer.wait(Duration::from_millis(50)).await.unwrap();
            continue;
        };
        consumer.open(&batch).await.unwrap();
        loop {
            let events = consumer.next_events().await.unwrap();
            if events.is_empty() {
                break;
            }
            seen.extend(events.into_iter().filter_map(|event| event.unwrap().ev_data));
        }
        consumer.finish(&batch, &Retries::default()).await.unwrap();
    }
    let all: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(seen, all);
    ticker.stop().await;
}
