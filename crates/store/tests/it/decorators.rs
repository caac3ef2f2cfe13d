//! Retry, counting, read-only and scripted faults.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ostler_store::{
    Attempt, Count, Counting, Error, Faults, Gate, Key, Memory, Misfortune, Object, Page, Pause, ReadOnly,
    Retry, RetryPolicy, Store, Verb,
};
use ostler_vocabulary::{Classified, ErrorKind, Span};

#[derive(Debug, Default)]
struct Waits(Mutex<Vec<Duration>>);

#[async_trait]
impl Pause for Waits {
    async fn pause(&self, wait: Duration) {
        self.0.lock().unwrap().push(wait);
    }
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

struct Rig {
    memory: Arc<Memory>,
    faults: Faults,
    waits: Arc<Waits>,
    retry: Retry,
}

fn rig() -> Rig {
    let memory = Arc::new(Memory::new());
    let faults = Faults::new(memory.clone());
    let waits = Arc::new(Waits::default());
    let policy = RetryPolicy {
        attempts: 4,
        first_wait: Span(Duration::from_secs(1)),
        longest_wait: Span(Duration::from_secs(3)),
    };
    let retry = Retry::with_pause(Arc::new(faults.clone()), policy, waits.clone());
    Rig {
        memory,
        faults,
        waits,
        retry,
    }
}

#[tokio::test]
async fn retry_asks_again_after_waits_that_grow_to_a_limit() {
    let rig = rig();
    for _ in 0..3 {
        rig.faults
            .once(Verb::Create, "a", Misfortune::Reject(ErrorKind::Unavailable));
    }
    rig.retry.create(&key("a"), "x".into()).await.unwrap();
    let waits = rig.waits.0.lock().unwrap();
    assert_eq!(waits.len(), 3);
    for (wait, limit) in waits.iter().zip([1.0, 2.0, 3.0]) {
        assert!(
            (limit / 2.0..=limit).contains(&wait.as_secs_f64()),
            "{wait:?} of {limit}"
        );
    }
}

#[tokio::test]
async fn retry_gives_up_and_does_not_repeat_what_cannot_succeed() {
    let rig = rig();
    rig.retry.create(&key("there"), "x".into()).await.unwrap();
    rig.faults
        .always(None, "dead", Misfortune::Reject(ErrorKind::Timeout));
    let error = rig.retry.get(&key("dead")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(rig.waits.0.lock().unwrap().len(), 3);
    for misfortune in [Misfortune::Reject(ErrorKind::Denied), Misfortune::DiskFull] {
        rig.faults.once(Verb::Create, "b", misfortune);
        rig.retry.create(&key("b"), "x".into()).await.unwrap_err();
    }
    rig.retry.get(&key("missing")).await.unwrap_err();
    assert_eq!(rig.waits.0.lock().unwrap().len(), 3, "no wait more");
}

#[tokio::test]
async fn a_create_whose_reply_was_lost_is_recognised_as_done() {
    let rig = rig();
    rig.faults
        .once(Verb::Create, "", Misfortune::LoseReply(ErrorKind::Timeout))
        .once(Verb::Head, "", Misfortune::Reject(ErrorKind::Unavailable));
    rig.retry.create(&key("a"), "mine".into()).await.unwrap();
    assert_eq!(rig.memory.get(&key("a")).await.unwrap(), "mine");
}

#[tokio::test]
async fn retry_waits_as_long_as_a_busy_store_asks_for_within_reason() {
    for (asked, waited) in [(7, 7.0), (3600, 60.0)] {
        let waits = Arc::new(Waits::default());
        let memory = Memory::new();
        memory.create(&key("a"), "x".into()).await.unwrap();
        let busy = Busy(memory, Mutex::new(Some(Duration::from_secs(asked))));
        let retry = Retry::with_pause(Arc::new(busy), RetryPolicy::default(), waits.clone());
        assert_eq!(retry.get(&key("a")).await.unwrap(), "x");
        let waits = waits.0.lock().unwrap();
        assert!(
            waits.len() == 1 && (waits[0].as_secs_f64() - waited).abs() < 0.001,
            "{waits:?}"
        );
    }
}

/// Has too much to do once.
#[derive(Debug)]
struct Busy(Memory, Mutex<Option<Duration>>);

#[async_trait]
impl Store for Busy {
    fn location(&self) -> &str {
        self.0.location()
    }
    async fn create(&self, key: &Key, body: bytes::Bytes) -> Result<(), Error> {
        self.0.create(key, body).await
    }
    async fn get(&self, key: &Key) -> Result<bytes::Bytes, Error> {
        let after = self.1.lock().unwrap().take();
        if after.is_some() {
            return Err(Error::SlowDown {
                attempt: Attempt::new(Verb::Get, key.as_str(), "memory:"),
                after,
                hint: String::new(),
                source: "too much".into(),
            });
        }
        self.0.get(key).await
    }
    async fn get_range(&self, key: &Key, range: std::ops::Range<u64>) -> Result<bytes::Bytes, Error> {
        self.0.get_range(key, range).await
    }
    async fn head(&self, key: &Key) -> Result<Object, Error> {
        self.0.head(key).await
    }
    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        self.0.list(prefix, after).await
    }
    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.0.delete(key).await
    }
}

#[tokio::test]
async fn somebody_elses_object_is_never_taken_for_a_lost_reply() {
    for theirs in ["other", "longer than mine", "MINE"] {
        let rig = rig();
        rig.memory.create(&key("a"), theirs.into()).await.unwrap();
        rig.faults
            .once(Verb::Create, "", Misfortune::Reject(ErrorKind::Timeout));
        let done = rig.retry.create(&key("a"), "mine".into()).await;
        assert!(matches!(done, Err(Error::AlreadyExists(_))), "{done:?}");
    }
    // The first reply says it: no question is left, even when the bytes are the same.
    let rig = rig();
    rig.memory.create(&key("a"), "mine".into()).await.unwrap();
    let done = rig.retry.create(&key("a"), "mine".into()).await;
    assert!(matches!(done, Err(Error::AlreadyExists(_))), "{done:?}");
}

#[tokio::test]
async fn a_create_that_stored_half_of_its_bytes_is_not_taken_for_done() {
    let rig = rig();
    rig.faults.once(Verb::Create, "", Misfortune::Truncate(2)).once(
        Verb::Create,
        "",
        Misfortune::Reject(ErrorKind::Timeout),
    );
    rig.faults.create(&key("a"), "mine".into()).await.unwrap();
    let done = rig.retry.create(&key("a"), "mine".into()).await;
    assert!(matches!(done, Err(Error::AlreadyExists(_))), "{done:?}");
}

#[tokio::test]
async fn counters_tell_requests_and_bytes_by_verb_and_first_part() {
    let store = Counting::new(Arc::new(Memory::new()));
    let counters = store.counters();
    store.create(&key("packs/a"), "12345".into()).await.unwrap();
    store.create(&key("packs/a"), "12345".into()).await.unwrap_err();
    store.create(&key("index/a"), "123".into()).await.unwrap();
    store.get(&key("packs/a")).await.unwrap();
    store.get_range(&key("packs/a"), 1..3).await.unwrap();
    store.list("packs/", None).await.unwrap();
    store.list("packs", None).await.unwrap();
    let counted = |count: Count| (count.requests, count.bytes);
    assert_eq!(counted(counters.of(Verb::Create)), (3, 8));
    assert_eq!(counted(counters.under(Verb::Create, "packs")), (2, 5));
    assert_eq!(counted(counters.under(Verb::List, "packs")), (2, 0));
    assert_eq!(counted(counters.under(Verb::Get, "index")), (0, 0));
    assert_eq!(counted(counters.total()), (7, 15));
    assert_eq!(counters.total().failed, 0, "a name that is taken is an answer");
    assert!(counters.total().time >= counters.total().slowest);
    let taken = counters.take();
    assert_eq!(counted(taken[&Verb::Create]), (3, 8));
    assert_eq!(counters.total(), Count::default());
}

#[tokio::test]
async fn a_read_only_store_changes_nothing() {
    let memory = Arc::new(Memory::new());
    memory.create(&key("a"), "x".into()).await.unwrap();
    let store = ReadOnly::new(memory.clone());
    for done in [
        store.create(&key("b"), "x".into()).await,
        store.delete(&key("a")).await,
    ] {
        assert_eq!(done.unwrap_err().kind(), ErrorKind::Denied);
    }
    assert_eq!(memory.keys(), [key("a")]);
    assert_eq!(store.get(&key("a")).await.unwrap(), "x");
    assert_eq!(store.head(&key("a")).await.unwrap().size, 1);
    assert_eq!(store.list("", None).await.unwrap().objects.len(), 1);
}

#[tokio::test]
async fn faults_happen_in_the_order_of_the_script() {
    let memory = Arc::new(Memory::new());
    let store = Faults::new(memory.clone());
    store
        .once(Verb::Get, "a", Misfortune::Pass)
        .once(Verb::Get, "a", Misfortune::FlipByte(5))
        .once(Verb::Get, "a", Misfortune::Truncate(1))
        .once(None, "a", Misfortune::Reject(ErrorKind::Denied));
    store.create(&key("b"), "other".into()).await.unwrap();
    memory.create(&key("a"), "abc".into()).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap(), "abc");
    assert_eq!(store.get(&key("a")).await.unwrap(), "abb");
    assert_eq!(store.get(&key("a")).await.unwrap(), "a");
    assert_eq!(store.get(&key("a")).await.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(store.get(&key("a")).await.unwrap(), "abc");
    assert_eq!(store.left(), 0);
}

#[tokio::test]
async fn a_gate_holds_requests_until_it_is_opened() {
    let memory = Arc::new(Memory::new());
    let store = Faults::new(memory.clone());
    let (before, behind) = (Gate::new(), Gate::new());
    store
        .once(Verb::Create, "a", Misfortune::Hold(before.clone()))
        .once(Verb::Create, "b", Misfortune::HoldReply(behind.clone()));
    let tasks = ["a", "b"].map(|name| {
        let store = store.clone();
        tokio::spawn(async move { store.create(&key(name), "x".into()).await })
    });
    before.reached_by(1).await;
    behind.reached_by(1).await;
    assert_eq!(memory.keys(), [key("b")]);
    before.open();
    behind.open();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(memory.keys(), [key("a"), key("b")]);
}
