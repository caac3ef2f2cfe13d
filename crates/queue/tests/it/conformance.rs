//! Every source of batches passes the suite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ostler_queue::consumer::conformance::{Bench, check};
use ostler_queue::consumer::{BatchSource, MemoryQueue};
use ostler_testkit::install::postgres::Release;
use ostler_vocabulary::{ManualClock, Timestamp};

use crate::place::Place;

struct InMemory {
    queue: MemoryQueue,
    clock: Arc<ManualClock>,
}

#[async_trait]
impl Bench for InMemory {
    async fn insert(&self, payloads: &[String]) {
        for payload in payloads {
            self.queue.insert("test", payload);
        }
    }

    async fn tick(&self) {
        self.queue.tick();
    }

    async fn release_retries(&self) {
        self.clock.advance(Duration::from_secs(7_200));
    }

    async fn source(&self, consumer: &str) -> Box<dyn BatchSource> {
        Box::new(self.queue.consumer(consumer))
    }
}

#[tokio::test]
async fn the_queue_in_memory_passes() {
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let queue = MemoryQueue::new("q", clock.clone());
    assert_eq!(check(&InMemory { queue, clock }).await, Vec::<String>::new());
}

/// A queue of a server; consumers are plain, or members of cooperative ones.
struct OnServer {
    place: Place,
    cooperative: bool,
}

impl OnServer {
    fn new(place: Place, cooperative: bool) -> Self {
        place.sql(
            "select pgq.create_queue('q');
             update pgq.queue set queue_ticker_max_count = 1, queue_ticker_max_lag = '0', queue_ticker_idle_period = '0'",
        );
        Self { place, cooperative }
    }
}

#[async_trait]
impl Bench for OnServer {
    async fn insert(&self, payloads: &[String]) {
        let client = self.place.client().await;
        client
            .execute(
                "select pgq.insert_event('q', 'test', x) from unnest($1::text[]) x",
                &[&payloads],
            )
            .await
            .expect("inserted");
    }

    async fn tick(&self) {
        self.place.sql("select pgq.ticker('q')");
    }

    async fn release_retries(&self) {
        self.place
            .sql("update pgq.retry_queue set ev_retry_after = now() - interval '1 second'");
        while self.place.value("select pgq.maint_retry_events()").as_deref() != Some("0") {}
    }

    async fn source(&self, consumer: &str) -> Box<dyn BatchSource> {
        if self.cooperative {
            let mut member = self.place.member("q", consumer, "m", None);
            member.register().await.expect("registered");
            return Box::new(member);
        }
        self.place
            .sql(&format!("select pgq.register_consumer('q', '{consumer}')"));
        self.place.source("q", consumer).await
    }
}

async fn passes(place: Option<Place>, cooperative: bool) {
    if let Some(place) = place {
        assert_eq!(
            check(&OnServer::new(place, cooperative)).await,
            Vec::<String>::new()
        );
    }
}

#[tokio::test]
async fn a_plain_consumer_passes_on_every_release() {
    for release in Release::SUPPORTED {
        passes(Place::new(release), false).await;
    }
}

#[tokio::test]
async fn a_member_of_a_cooperative_consumer_passes() {
    passes(Place::new(Release::Fifteen), true).await;
}

#[tokio::test]
async fn a_plain_consumer_passes_on_the_extension() {
    passes(Place::with_extension(), false).await;
}
