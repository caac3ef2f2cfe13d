//! Consumers over server restarts, lost connections, and batches larger than memory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ostler_postgres::{Dsn, Target};
use ostler_queue::consumer::{Batch, BatchHandler, Consumer, HandlerError, Notice, RunOptions, Subscription};
use ostler_queue::schema;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::postgres;
use tokio_util::sync::CancellationToken;

use crate::place::Place;

/// Keeps the payloads of finished batches.
#[derive(Clone, Default)]
struct Keep {
    seen: Arc<Mutex<Vec<String>>>,
}

impl Keep {
    fn len(&self) -> usize {
        self.seen.lock().expect("not poisoned").len()
    }
}

#[async_trait]
impl BatchHandler for Keep {
    async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        let mut all = Vec::new();
        while let Some(events) = batch.next().await? {
            all.extend(events.into_iter().filter_map(|event| event.ev_data));
        }
        self.seen.lock().expect("not poisoned").extend(all);
        Ok(())
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 30 s: {what}");
}

#[tokio::test]
async fn a_consumer_goes_on_after_its_server_crashed_and_stops_when_told() {
    let (Some(mut server), Some(standby)) = (postgres(Release::Fifteen), postgres(Release::Fifteen)) else {
        return;
    };
    let database = server.database();
    server.sql(&database, &schema::script(true));
    server.sql(
        &database,
        "select pgq.create_queue('q'); select pgq.register_consumer('q', 'c');
         update pgq.queue set queue_ticker_max_count = 1, queue_ticker_max_lag = '0', queue_ticker_idle_period = '0'",
    );
    // The first host never has the database; the second one is it.
    let address = format!(
        "postgresql://postgres@127.0.0.1:{},127.0.0.1:{}/{database}",
        standby.port(),
        server.port()
    );
    drop(standby);
    let target = Target::from_environment(&Dsn::parse(&address).expect("an address")).expect("a target");
    let keep = Keep::default();
    let troubles = Arc::new(Mutex::new(0));
    let counted = troubles.clone();
    let mut consumer = Consumer::new(
        Subscription::new(target, "q", "c"),
        keep.clone(),
        RunOptions {
            poll: Duration::from_millis(50),
            ..RunOptions::default()
        },
    )
    .watched(move |notice| {
        if matches!(notice, Notice::Trouble { .. }) {
            *counted.lock().expect("not poisoned") += 1;
        }
    });
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let work = tokio::spawn(async move {
        let done = consumer.run(&stopping).await;
        if let Err(error) = &done {
            panic!("{error:?}");
        }
        done
    });
    server.sql(&database, "select pgq.insert_event('q', 't', 'before')");
    server.sql(&database, "select pgq.ticker('q')");
    until("the event before the crash came", || keep.len() == 1).await;
    server.stop();
    until("the crash was noticed", || {
        *troubles.lock().expect("not poisoned") > 0
    })
    .await;
    server.start_again().expect("it starts again");
    server.sql(&database, "select pgq.insert_event('q', 't', 'after')");
    server.sql(&database, "select pgq.ticker('q')");
    until("the event after the crash came", || keep.len() == 2).await;
    stop.cancel();
    let totals = work.await.expect("no panic").expect("it ends without an error");
    assert_eq!(totals.events, 2);
}

#[tokio::test]
async fn errors_name_the_database_they_come_from() {
    let Some(place) = Place::new(Release::Fifteen) else {
        return;
    };
    place.sql("select pgq.create_queue('q')");
    let mut consumer = Consumer::new(
        Subscription::new(place.target(), "q", "nobody"),
        Keep::default(),
        RunOptions::default(),
    );
    let error = consumer
        .run(&CancellationToken::new())
        .await
        .expect_err("not registered");
    let failure = ostler_vocabulary::Failure::from(error);
    let said = failure.messages().join(": ");
    assert!(
        said.contains(&place.database) && said.contains("next_batch"),
        "{said}"
    );
    assert!(said.contains("Not subscriber to queue: q/nobody"), "{said}");
    assert!(
        failure.hint().is_some_and(|hint| hint.contains("register")),
        "{:?}",
        failure.hint()
    );
}

/// Counts, and looks at how much memory the process has meanwhile.
struct Count {
    events: u64,
    most: u64,
}

#[async_trait]
impl BatchHandler for Count {
    async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        while let Some(events) = batch.next().await? {
            self.events += events.len() as u64;
            if self.events.is_multiple_of(100_000) {
                self.most = self.most.max(resident());
            }
        }
        Ok(())
    }
}

/// Bytes of memory that this process has.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("VmRSS");
    line.trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .expect("a number")
        * 1024
}

/// `OSTLER_TEST_QUEUE_EVENTS=5000000` for the size that is promised.
#[tokio::test]
async fn a_batch_larger_than_memory_is_read_in_pieces() {
    let Some(place) = Place::new(Release::Fifteen) else {
        return;
    };
    let events: u64 = std::env::var("OSTLER_TEST_QUEUE_EVENTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(500_000);
    place.sql("select pgq.create_queue('q'); select pgq.register_consumer('q', 'c')");
    let table = place
        .value("select pgq.current_event_table('q')")
        .expect("a table");
    place.sql(&format!(
        "insert into {table} (ev_time, ev_type, ev_data) select now(), 'bulk', repeat('x', 100) from generate_series(1, {events})"
    ));
    place.sql("select pgq.ticker('q')");
    let before = resident();
    let start = std::time::Instant::now();
    let mut consumer = Consumer::new(
        Subscription::new(place.target(), "q", "c"),
        Count {
            events: 0,
            most: before,
        },
        RunOptions::default(),
    );
    consumer.step().await.expect("handled");
    let count = consumer.into_handler();
    assert_eq!(count.events, events);
    let grown = count.most.saturating_sub(before);
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{events} events in {seconds:.1} s, {} KiB more memory",
        grown >> 10
    );
    assert!(grown < 60 << 20, "{grown} bytes more for {events} events");
}
