//! A client that knows nothing of us: the `pgq` package of Python.

use std::process::Command;

use ostler_testkit::install::postgres::Release;
use ostler_testkit::install::{or_skip, pgq_client};

use crate::place::Place;

const CLIENT: &str = include_str!("outside.py");

/// Runs a part of the client with the place's address and more words.
fn client(place: &Place, words: &[&str]) -> Option<String> {
    let python = or_skip("pgq-client", pgq_client())?;
    let done = Command::new(python)
        .args(["-c", CLIENT, &place.url()])
        .args(words)
        .output()
        .expect("the interpreter runs");
    assert!(
        done.status.success(),
        "{words:?}: {}\n{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn place() -> Option<Place> {
    let place = Place::new(Release::Fifteen)?;
    place.sql(
        "select pgq.create_queue('q');
         update pgq.queue set queue_ticker_max_count = 1, queue_ticker_max_lag = '0', queue_ticker_idle_period = '0'",
    );
    Some(place)
}

#[test]
fn pythons_producer_and_consumer_work() {
    let Some(place) = place() else { return };
    let Some(_) = client(&place, &["register", "c"]) else {
        return;
    };
    client(&place, &["produce", "5"]);
    place.sql("select pgq.ticker('q')");
    // It tags the third for a retry.
    let said = client(&place, &["consume", "c", "2"]).expect("it runs");
    assert_eq!(said, "0 None\n1 None\n2 None\n3 None\n4 None\n");
    place.sql("update pgq.retry_queue set ev_retry_after = now()");
    place.sql("select pgq.maint_retry_events()");
    place.sql("select pgq.ticker('q')");
    let said = client(&place, &["consume", "c", "none"]).expect("it runs");
    assert_eq!(said, "2 1\n");
    assert_eq!(client(&place, &["consume", "c", "none"]).as_deref(), Some(""));
}

#[test]
fn pythons_cooperative_consumers_share_batches() {
    let Some(place) = place() else { return };
    let Some(_) = client(&place, &["register-sub", "c", "one"]) else {
        return;
    };
    client(&place, &["register-sub", "c", "two"]);
    for _ in 0..2 {
        client(&place, &["produce", "3"]);
        place.sql("select pgq.ticker('q')");
    }
    let one = client(&place, &["consume-sub", "c", "one"]).expect("it runs");
    let two = client(&place, &["consume-sub", "c", "two"]).expect("it runs");
    assert_eq!((one.lines().count(), two.lines().count()), (3, 3), "{one}{two}");
    assert_eq!(client(&place, &["consume-sub", "c", "one"]).as_deref(), Some(""));
}
