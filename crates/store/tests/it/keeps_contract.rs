//! The conformance suite over back ends and decorators.

use std::sync::Arc;

use ostler_store::conformance::{Expect, check};
use ostler_store::{
    Cache, CacheOptions, Climate, Counting, Faults, Limits, Local, Memory, Rates, Retry, RetryPolicy, Store,
    Throttle, Weather,
};
use ostler_vocabulary::ByteSize;

async fn assert_keeps_contract(store: Arc<dyn Store>) {
    // Twice, so that what one run leaves does not matter to the next.
    for prefix in ["first", "second/deeper"] {
        let found = check(&store, prefix, Expect::default()).await;
        assert!(found.is_empty(), "{store:?}: {found:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    assert_keeps_contract(Arc::new(Memory::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_directory_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::open(directory.path().join("made/when/needed")).unwrap();
    assert_keeps_contract(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decorator_keeps_the_contract() {
    let memory: Arc<dyn Store> = Arc::new(Memory::new());
    assert_keeps_contract(Arc::new(Counting::new(memory))).await;
    let memory: Arc<dyn Store> = Arc::new(Memory::new());
    assert_keeps_contract(Arc::new(Faults::new(memory))).await;
    let memory: Arc<dyn Store> = Arc::new(Memory::new());
    assert_keeps_contract(Arc::new(Retry::new(memory, RetryPolicy::default()))).await;
    let memory: Arc<dyn Store> = Arc::new(Memory::new());
    let limits = Limits::new(Rates {
        upload: Some(ByteSize(2 << 30)),
        download: Some(ByteSize(2 << 30)),
        requests: Some(1_000_000),
    });
    assert_keeps_contract(Arc::new(Throttle::new(memory, limits))).await;
    let memory: Arc<dyn Store> = Arc::new(Memory::new());
    assert_keeps_contract(Arc::new(Weather::new(memory, Climate::Reorders, 1, 7))).await;
    let memory: Arc<dyn Store> = Arc::new(Memory::new());
    let directory = tempfile::tempdir().unwrap();
    let options = CacheOptions {
        directory: directory.path().join("made/when/needed"),
        size: ByteSize(4 << 20),
        store: "memory".to_owned(),
        prefixes: vec![String::new()],
    };
    assert_keeps_contract(Arc::new(Cache::new(memory, options))).await;
}

/// The suite itself can fail.
#[tokio::test(flavor = "multi_thread")]
async fn the_suite_finds_a_store_that_changes_bytes() {
    let faults = Faults::new(Arc::new(Memory::new()));
    faults.always(ostler_store::Verb::Get, "", ostler_store::Misfortune::FlipByte(3));
    let store: Arc<dyn Store> = Arc::new(faults);
    let found = check(&store, "p", Expect::default()).await;
    assert!(
        found.iter().any(|what| what.starts_with("round trip")),
        "{found:?}"
    );
}
