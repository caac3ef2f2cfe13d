//! Everybody at once: producers, tickers, rotations and consumers in parallel, as in production.
//!
//! Nobody knows the order of commits here, so less can be said than of a round: every committed event comes exactly once to every
//! consumer and to one member, and no other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ostler_queue::consumer::{Batch, BatchHandler, Consumer, HandlerError, RunOptions, Subscription};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::random::Random;
use tokio_util::sync::CancellationToken;

use crate::place::Place;
use crate::ticker_world::until;

const PRODUCERS: u64 = 5;
const LASTS: Duration = Duration::from_secs(3);
/// Events without which nothing was tried.
const ENOUGH: usize = 50;

type Counts = Arc<Mutex<BTreeMap<String, u32>>>;

/// Counts payloads; complains about order.
struct Count(Counts);

#[async_trait]
impl BatchHandler for Count {
    async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        let mut last = 0;
        let mut all = Vec::new();
        while let Some(events) = batch.next().await? {
            for event in events {
                if event.ev_id <= last {
                    return Err(format!("{} after {last}", event.ev_id).into());
                }
                last = event.ev_id;
                all.extend(event.ev_data);
            }
        }
        let mut counts = self.0.lock().expect("not poisoned");
        for payload in all {
            *counts.entry(payload).or_default() += 1;
        }
        Ok(())
    }
}

async fn produce(place: Arc<Place>, who: u64, stop: Arc<AtomicBool>, committed: Arc<Mutex<Vec<String>>>) {
    let client = place.client().await;
    let mut random = Random::new(who);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let level = if random.below(3) == 0 {
            "repeatable read"
        } else {
            "read committed"
        };
        client
            .batch_execute(&format!("begin isolation level {level}; select 1"))
            .await
            .expect("begun");
        let mut payloads = Vec::new();
        for _ in 0..=random.below(4) {
            let payload = format!("{who}-{number}");
            number += 1;
            client
                .execute("select pgq.insert_event('q', 't', $1)", &[&payload])
                .await
                .expect("inserted");
            payloads.push(payload);
            tokio::time::sleep(Duration::from_millis(random.below(8))).await;
        }
        let end = match random.below(10) {
            0..6 => "commit".to_owned(),
            6..8 => format!("prepare transaction 'storm_{who}_{number}'"),
            _ => "rollback".to_owned(),
        };
        client.batch_execute(&end).await.expect("ended");
        let mut kept = end == "commit";
        if end.starts_with("prepare") {
            tokio::time::sleep(Duration::from_millis(random.below(50))).await;
            kept = random.below(3) > 0;
            let verb = if kept { "commit" } else { "rollback" };
            client
                .batch_execute(&format!("{verb} prepared 'storm_{who}_{number}'"))
                .await
                .expect("decided");
        }
        if kept {
            committed.lock().expect("not poisoned").extend(payloads);
        }
    }
}

/// Says a statement again and again. It may fail: somebody else is faster.
async fn repeat(place: Arc<Place>, stop: Arc<AtomicBool>, statement: &'static str, pause: u64) {
    let client = place.client().await;
    while !stop.load(Ordering::Relaxed) {
        for one in statement.split(';') {
            let _ = client.batch_execute(one).await;
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_comes_once_when_everybody_works_at_once() {
    let Some(place) = Place::new(Release::Fifteen) else {
        return;
    };
    place.sql(
        "select pgq.create_queue('q');
         update pgq.queue set queue_ticker_max_count = 1, queue_ticker_max_lag = '0', queue_ticker_idle_period = '0',
                queue_rotation_period = '1 microsecond';
         select pgq.register_consumer('q', 'a'); select pgq.register_consumer('q', 'b');
         select pgq_coop.register_subconsumer('q', 'coop', 'x'); select pgq_coop.register_subconsumer('q', 'coop', 'y')",
    );
    let place = Arc::new(place);
    let stop = Arc::new(AtomicBool::new(false));
    let committed = Arc::new(Mutex::new(Vec::new()));
    let mut work = Vec::new();
    for who in 0..PRODUCERS {
        work.push(tokio::spawn(produce(
            place.clone(),
            who,
            stop.clone(),
            committed.clone(),
        )));
    }
    for _ in 0..2 {
        work.push(tokio::spawn(repeat(
            place.clone(),
            stop.clone(),
            "select pgq.ticker('q')",
            7,
        )));
    }
    let rotate = "select pgq.maint_rotate_tables_step1('q');select pgq.maint_rotate_tables_step2()";
    work.push(tokio::spawn(repeat(place.clone(), stop.clone(), rotate, 11)));
    work.push(tokio::spawn(repeat(
        place.clone(),
        stop.clone(),
        "select pgq.maint_positions()",
        13,
    )));
    let ended = CancellationToken::new();
    let options = RunOptions {
        poll: Duration::from_millis(10),
        ..RunOptions::default()
    };
    let [a, b, coop] = [(); 3].map(|()| Counts::default());
    let places = [
        (Subscription::new(place.target(), "q", "a"), a.clone()),
        (Subscription::new(place.target(), "q", "b"), b.clone()),
        (place.member("q", "coop", "x", Some(60_000)), coop.clone()),
        (place.member("q", "coop", "y", Some(60_000)), coop.clone()),
    ];
    let mut consumers = Vec::new();
    for (source, counts) in places {
        let (ended, options) = (ended.clone(), options.clone());
        consumers.push(tokio::spawn(async move {
            let mut consumer = Consumer::new(source, Count(counts), options);
            consumer.run(&ended).await.map(|_| ())
        }));
    }
    // At least so long, and until it was something.
    tokio::time::sleep(LASTS).await;
    until("producers commit", || {
        committed.lock().expect("not poisoned").len() > ENOUGH
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    for work in work {
        work.await.expect("no panic");
    }
    place.sql("select pgq.ticker('q')");
    let newest = "select max(tick_id) from pgq.tick";
    let behind = format!(
        "select count(*) from pgq.subscription where sub_last_tick < ({newest}) or sub_batch is not null"
    );
    for _ in 0..4_000 {
        if place.value(&behind).as_deref() == Some("0") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        place.value(&behind).as_deref(),
        Some("0"),
        "somebody does not come to the end: {:?}",
        place.sql("select * from pgq.get_consumer_info()")
    );
    ended.cancel();
    for consumer in consumers {
        consumer
            .await
            .expect("no panic")
            .expect("it ends without an error");
    }
    let wanted: BTreeMap<String, u32> = committed
        .lock()
        .expect("not poisoned")
        .iter()
        .map(|payload| (payload.clone(), 1))
        .collect();
    eprintln!("{} events", wanted.len());
    for (name, got) in [("a", a), ("b", b), ("coop", coop)] {
        let got = got.lock().expect("not poisoned");
        let lost: Vec<_> = wanted
            .keys()
            .filter(|payload| !got.contains_key(*payload))
            .collect();
        let wrong: Vec<_> = got
            .iter()
            .filter(|(payload, count)| **count > 1 || !wanted.contains_key(*payload))
            .collect();
        assert!(
            lost.is_empty() && wrong.is_empty(),
            "{name}: lost {lost:?}, too much {wrong:?}"
        );
    }
}
