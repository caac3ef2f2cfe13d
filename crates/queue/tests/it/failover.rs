//! A primary dies, and its standby takes its place: producers, ticker and consumers go on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ostler_postgres::{Connection, Dsn, Options, Target, Type};
use ostler_queue::consumer::{
    Batch, BatchHandler, Consumer, ExactlyOnce, HandlerError, RunOptions, Step, Subscription,
};
use ostler_queue::schema;
use ostler_queue::ticker::{Databases, Server, TickerOptions};
use ostler_testkit::install::or_skip;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{Postgres, Rows};
use ostler_vocabulary::Classified;
use tokio_util::sync::CancellationToken;

use crate::exactly_once::Write;
use crate::place::Place;
use crate::ticker_world::{self, Ticker, until};

const DATABASE: &str = "shop";

type Numbers = Arc<Mutex<Vec<i64>>>;

fn numbers_of(list: &Numbers) -> Vec<i64> {
    list.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn add(list: &Numbers, numbers: impl IntoIterator<Item = i64>) {
    list.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .extend(numbers);
}

/// What is in an event.
fn number(payload: Option<&str>) -> Option<i64> {
    payload?.parse().ok()
}

/// Keeps the numbers of finished batches.
struct Keep(Numbers);

#[async_trait]
impl BatchHandler for Keep {
    async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        let mut all = Vec::new();
        while let Some(events) = batch.next().await? {
            all.extend(events.iter().filter_map(|event| number(event.ev_data.as_deref())));
        }
        add(&self.0, all);
        Ok(())
    }
}

/// A database with a queue `q` on a server, and the standby that has everything which was committed with `synchronous_commit`.
struct Pair {
    primary: Postgres,
    standby: Postgres,
}

impl Pair {
    fn start(release: Release) -> Option<Self> {
        let settings = [
            ("synchronous_standby_names", "follower"),
            ("synchronous_commit", "local"),
        ];
        let primary = or_skip(release.name(), Postgres::start(release, &settings))?;
        primary.sql("postgres", &format!("create database {DATABASE}"));
        primary.sql(DATABASE, &schema::script(true));
        primary.sql(DATABASE, "select pgq.create_queue('q')");
        let standby = primary.standby("follower")?;
        Some(Self { primary, standby })
    }

    /// Both servers, in this order, without a word about which of them is to be taken.
    fn target(&self, first: &Postgres, second: &Postgres) -> Target {
        let text = format!(
            "postgresql://postgres@127.0.0.1:{},127.0.0.1:{}/{DATABASE}?options=-c%20synchronous_commit%3Don",
            first.port(),
            second.port()
        );
        Target::resolve(&Dsn::parse(&text).expect("an address"), &|_| None).expect("a target")
    }
}

/// Inserts 0, 1, 2 … over every failure. A number whose insert failed may have been committed: it is not sent again.
async fn produce(target: Target, stop: Arc<AtomicBool>, committed: Numbers, unsure: Numbers) {
    let target = target.for_long_work();
    let mut next = 0_i64;
    while !stop.load(Ordering::Relaxed) {
        if let Ok(connection) = Connection::open(&target, &Options::default()).await {
            while !stop.load(Ordering::Relaxed) {
                let payload = next.to_string();
                let insert = "select pgq.insert_event('q', 'number', $1)";
                let done = connection.one(insert, &[(&payload, Type::TEXT)]).await;
                add(if done.is_ok() { &committed } else { &unsure }, [next]);
                next += 1;
                if done.is_err() {
                    break;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn column(rows: &Rows) -> Vec<i64> {
    rows.iter().filter_map(|row| number(row[0].as_deref())).collect()
}

fn impatient() -> RunOptions {
    RunOptions {
        poll: Duration::from_millis(100),
        longest_pause: Duration::from_millis(300),
        ..RunOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_committed_is_lost_or_doubled_when_a_standby_takes_over() {
    let (Some(mut pair), Some(sink)) = (Pair::start(Release::Fifteen), Place::new(Release::Eighteen)) else {
        return;
    };
    sink.sql("create table got (data text, place bigserial)");
    pair.primary.sql(
        DATABASE,
        "select pgq.register_consumer('q', 'once'), pgq.register_consumer('q', 'least')",
    );
    // Whatever the order, the standby is passed over as long as it is one.
    let (forth, back) = (
        pair.target(&pair.primary, &pair.standby),
        pair.target(&pair.standby, &pair.primary),
    );
    let ticker = Ticker::start(TickerOptions {
        servers: vec![Server {
            name: "main".to_owned(),
            target: back.clone(),
            databases: Databases::One,
        }],
        ..ticker_world::options(&pair.primary, &[])
    });
    let [committed, unsure, least] = [(); 3].map(|()| Numbers::default());
    let stop = Arc::new(AtomicBool::new(false));
    let producer = tokio::spawn(produce(
        forth.clone(),
        stop.clone(),
        committed.clone(),
        unsure.clone(),
    ));
    let ended = CancellationToken::new();
    let (stop_once, stop_least) = (ended.clone(), ended.clone());
    let mut once = Consumer::new(
        Subscription::new(back, "q", "once"),
        ExactlyOnce::new(sink.target(), Write::default()),
        impatient(),
    );
    let mut keep = Consumer::new(
        Subscription::new(forth, "q", "least"),
        Keep(least.clone()),
        impatient(),
    );
    let consumers = [
        tokio::spawn(async move { once.run(&stop_once).await }),
        tokio::spawn(async move { keep.run(&stop_least).await }),
    ];
    let applied = || column(&sink.sql("select data from got order by place"));

    until("events come before the fail-over", || {
        applied().len() > 100 && numbers_of(&least).len() > 100
    })
    .await;
    pair.primary.stop();
    let before = numbers_of(&committed).len();
    pair.standby.promote();
    until("events are taken after it", || {
        numbers_of(&committed).len() > before + 200
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    producer.await.expect("no panic");

    let (committed, unsure) = (numbers_of(&committed), numbers_of(&unsure));
    assert!(!unsure.is_empty(), "the producer noticed nothing");
    let behind = |got: Vec<i64>| {
        let got: BTreeSet<i64> = got.into_iter().collect();
        committed.iter().filter(|number| !got.contains(number)).count()
    };
    until("both have all that was committed", || {
        behind(applied()) == 0 && behind(numbers_of(&least)) == 0
    })
    .await;
    ended.cancel();
    for consumer in consumers {
        let done = consumer.await.expect("no panic");
        done.unwrap_or_else(|error| panic!("{:?}", ostler_vocabulary::Failure::from(error)));
    }
    ticker.stop().await;

    // One producer, one transaction an event: their order is that of their numbers.
    let once = applied();
    assert!(
        once.is_sorted_by(|a, b| a < b),
        "doubled, or out of order: {once:?}"
    );
    let sent: BTreeSet<i64> = committed.iter().chain(&unsure).copied().collect();
    assert!(once.iter().all(|number| sent.contains(number)), "{once:?}");
}

/// Asks until the standby has replayed all that the primary wrote.
async fn caught_up(pair: &Pair) {
    let written = pair.primary.sql("postgres", "select pg_current_wal_lsn()");
    let written = written[0][0].clone().expect("a position");
    until("the standby has everything", || {
        let asked = format!("select pg_last_wal_replay_lsn() >= '{written}'");
        pair.standby.sql("postgres", &asked) == [[Some("t".to_owned())]]
    })
    .await;
}

fn tick(server: &Postgres, payload: &str) -> i64 {
    // Two transactions: a tick does not see events of its own.
    server.sql(
        DATABASE,
        &format!("select pgq.insert_event('q', 't', '{payload}')"),
    );
    let rows = server.sql(DATABASE, "select pgq.ticker('q')");
    *column(&rows).first().expect("a tick")
}

#[tokio::test]
async fn a_tick_that_a_standby_makes_anew_is_not_taken_for_the_lost_one_that_was_applied() {
    let (Some(mut pair), Some(sink)) = (Pair::start(Release::Eighteen), Place::new(Release::Fifteen)) else {
        return;
    };
    sink.sql("create table got (data text, place bigserial)");
    pair.primary.sql(
        DATABASE,
        "select pgq.register_consumer('q', 'once');
         update pgq.queue set queue_ticker_max_count = 1, queue_ticker_max_lag = '0', queue_ticker_idle_period = '0'",
    );
    let consumer = |pair: &Pair| {
        Consumer::new(
            Subscription::new(pair.target(&pair.primary, &pair.standby), "q", "once"),
            ExactlyOnce::new(sink.target(), Write::default()),
            RunOptions {
                until_idle: true,
                ..RunOptions::default()
            },
        )
    };
    // A sequence tells the standby of 32 values at once. Where these are used up, both servers give the same value next.
    let mut payload = 0;
    let left = "select log_cnt from pgq.event_1_tick_seq";
    loop {
        payload += 1;
        tick(&pair.primary, &payload.to_string());
        if pair.primary.sql(DATABASE, left) == [[Some("0".to_owned())]] {
            break;
        }
        assert!(payload < 100, "the sequence never comes to its end");
    }
    let stop = CancellationToken::new();
    consumer(&pair).run(&stop).await.expect("all is applied");
    caught_up(&pair).await;

    pair.standby.stop();
    let lost = tick(&pair.primary, "1000");
    // `finish_batch` would wait for the standby. It is lost together with the tick.
    let mut last = Consumer::new(
        Subscription::new(alone(&pair.primary), "q", "once"),
        ExactlyOnce::new(sink.target(), Write::default()),
        RunOptions::default(),
    );
    assert_eq!(last.step().await.expect("applied"), Step::Finished);
    drop(last);
    pair.primary.stop();
    pair.standby.start_again().expect("it starts again");
    pair.standby.promote();
    assert_eq!(
        tick(&pair.standby, "2000"),
        lost,
        "this test needs a tick of the same number"
    );

    let error = consumer(&pair)
        .run(&stop)
        .await
        .expect_err("another tick of that number");
    assert!(error.to_string().contains("is not the one"), "{error}");
    let hint = error.hint().expect("what to do");
    // What the hint says: both at one later tick.
    assert!(
        hint.contains("--at TICK") && hint.contains("set_last_tick('once', TICK)"),
        "{hint}"
    );
    let later = tick(&pair.standby, "2001");
    pair.standby.sql(
        DATABASE,
        &format!("select pgq.register_consumer_at('q', 'once', {later})"),
    );
    sink.sql(&format!("select pgq_ext.set_last_tick('once', {later})"));
    tick(&pair.standby, "3000");
    consumer(&pair).run(&stop).await.expect("it goes on");
    let got = column(&sink.sql("select data from got order by place"));
    let wanted: Vec<i64> = (1..=payload).chain([1000, 3000]).collect();
    assert_eq!(got, wanted);
}

/// One server alone, which waits for no standby.
fn alone(server: &Postgres) -> Target {
    Target::resolve(&Dsn::parse(&server.url(DATABASE)).expect("an address"), &|_| None).expect("a target")
}
