//! Limits hold, can be changed while requests wait, and let what is urgent pass. Time is Tokio's, which goes on by
//! itself when all wait.

use std::sync::Arc;
use std::time::Duration;

use ostler_store::{Key, Limits, Memory, Rates, Store, Throttle, VersionedMemory};
use ostler_vocabulary::ByteSize;
use tokio::time::Instant;

const MIB: u64 = 1 << 20;

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

fn upload(rate: u64) -> Rates {
    Rates {
        upload: Some(ByteSize(rate)),
        ..Rates::default()
    }
}

fn throttled(rates: Rates) -> (Arc<Memory>, Throttle, Limits) {
    let (memory, limits) = (Arc::new(Memory::new()), Limits::new(rates));
    (memory.clone(), Throttle::new(memory, limits.clone()), limits)
}

fn assert_about(begun: Instant, seconds: f64) {
    let took = begun.elapsed().as_secs_f64();
    assert!(
        (took - seconds).abs() <= seconds * 0.05 + 0.01,
        "{took} s instead of {seconds} s"
    );
}

async fn store(store: &Throttle, name: &str, length: u64) {
    store
        .create(&key(name), vec![7; length as usize].into())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn bytes_up_and_down_and_requests_are_within_five_percent_of_their_limits() {
    let (_, throttle, _) = throttled(upload(2 * MIB));
    let begun = Instant::now();
    for number in 0..5 {
        store(&throttle, &format!("a{number}"), 4 * MIB).await;
    }
    assert_about(begun, 10.0);
    // Several at the same time share the limit.
    let begun = Instant::now();
    let more = (0..5).map(|number| {
        let throttle = throttle.clone();
        async move { store(&throttle, &format!("b{number}"), 4 * MIB).await }
    });
    futures::future::join_all(more).await;
    assert_about(begun, 10.0);

    let (_, throttle, limits) = throttled(Rates::default());
    store(&throttle, "a", 4 * MIB).await;
    limits.set(Rates {
        download: Some(ByteSize(MIB)),
        ..Rates::default()
    });
    let begun = Instant::now();
    for _ in 0..10 {
        throttle.get_range(&key("a"), 0..MIB).await.unwrap();
    }
    assert_about(begun, 10.0);
    // What a whole object has is known afterwards, and waited for by the next.
    let begun = Instant::now();
    for _ in 0..11 {
        throttle.get(&key("a")).await.unwrap();
    }
    assert_about(begun, 40.0);

    let (_, throttle, _) = throttled(Rates {
        requests: Some(20),
        ..Rates::default()
    });
    let begun = Instant::now();
    for _ in 0..100 {
        throttle.list("", None).await.unwrap();
    }
    assert_about(begun, 5.0);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_by_its_version_is_within_the_limits_too() {
    let limits = Limits::default();
    let throttle = Throttle::new(Arc::new(VersionedMemory::default()), limits.clone());
    store(&throttle, "a", 4 * MIB).await;
    let versions = throttle.versions().unwrap();
    let id = versions.of(&key("a")).await.unwrap().remove(0).id;
    limits.set(Rates {
        download: Some(ByteSize(MIB)),
        ..Rates::default()
    });
    let begun = Instant::now();
    for _ in 0..10 {
        versions.get(&key("a"), &id, Some(0..MIB)).await.unwrap();
    }
    assert_about(begun, 10.0);
    limits.set(Rates {
        requests: Some(20),
        ..Rates::default()
    });
    let begun = Instant::now();
    for _ in 0..100 {
        versions.list("", None).await.unwrap();
    }
    assert_about(begun, 5.0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_changed_counts_for_those_who_wait() {
    let (_, throttle, limits) = throttled(upload(MIB));
    let begun = Instant::now();
    let waiting = tokio::spawn({
        let throttle = throttle.clone();
        async move { store(&throttle, "a", 100 * MIB).await }
    });
    tokio::time::sleep(Duration::from_secs(10)).await;
    limits.set(upload(9 * MIB));
    waiting.await.unwrap();
    assert_about(begun, 20.0);

    limits.set(upload(1));
    let waiting = tokio::spawn({
        let throttle = throttle.clone();
        async move { store(&throttle, "b", MIB).await }
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!waiting.is_finished());
    limits.set(Rates::default());
    waiting.await.unwrap();
    assert_about(begun, 25.0);
    assert_eq!(limits.rates(), Rates::default());
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_pass_and_who_gives_up_leaves_nothing_to_wait_for() {
    let (memory, throttle, _) = throttled(upload(MIB));
    let large = tokio::spawn({
        let throttle = throttle.clone();
        async move { store(&throttle, "large", 1000 * MIB).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    store(&throttle, "beat", 0).await;
    throttle.delete(&key("beat")).await.unwrap();
    assert_about(begun, 0.0);
    large.abort();
    let _ = large.await;
    store(&throttle, "next", 10 * MIB).await;
    assert_about(begun, 10.0);
    assert_eq!(memory.keys(), [key("next")]);
}
