//! The conformance suite over back ends and decorators.

use std::sync::Arc;

use ostler_store::conformance::{Expect, check};
use ostler_store::{Counting, Faults, Local, Memory, Retry, RetryPolicy, Store};

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
