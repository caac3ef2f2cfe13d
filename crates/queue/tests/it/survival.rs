//! Consumers over server restarts and lost connections, and large batches.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ostler_postgres::{Dsn, Target};
use ostler_queue::consumer::{
    Batch, BatchHandler, Consumer, HandlerError, Notice, RunOptions, Subscription, SubscriptionOptions,
};
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

/// Notes how many events and bytes each piece has.
#[derive(Default)]
struct Pieces(Vec<(usize, usize)>);

#[async_trait]
impl BatchHandler for Pieces {
    async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        while let Some(events) = batch.next().await? {
            let bytes = events.iter().map(ostler_queue::consumer::Event::size).sum();
            self.0.push((events.len(), bytes));
        }
        Ok(())
    }
}

/// How much memory that takes is seen in a process of its own: `queue_memory` of the tests of the command line.
#[tokio::test]
async fn a_batch_is_read_in_pieces_that_are_bounded_in_events_and_bytes() {
    let Some(place) = Place::new(Release::Fifteen) else {
        return;
    };
    place.sql("select pgq.create_queue('q'); select pgq.register_consumer('q', 'c')");
    for (events, bytes) in [(20_500, 100), (100, 200_000)] {
        place.sql(&format!(
            "select count(pgq.insert_event('q', 'bulk', repeat('x', {bytes}))) from generate_series(1, {events})"
        ));
        place.sql("select pgq.force_tick('q')");
        place.sql("select pgq.ticker('q')");
        let limits = SubscriptionOptions::default();
        let mut consumer = Consumer::new(
            Subscription::new(place.target(), "q", "c").with_options(limits.clone()),
            Pieces::default(),
            RunOptions::default(),
        );
        consumer.step().await.expect("handled");
        let pieces = consumer.into_handler().0;
        assert_eq!(pieces.iter().map(|(events, _)| events).sum::<usize>(), events);
        // The last event of a piece may go over the limit.
        let most = limits.piece_bytes + bytes + 1_000;
        assert!(
            pieces
                .iter()
                .all(|(events, bytes)| *events <= limits.piece_events && *bytes <= most),
            "{pieces:?}"
        );
        assert!(pieces.len() > 4, "{pieces:?}");
    }
}
