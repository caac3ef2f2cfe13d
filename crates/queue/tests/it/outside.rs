//! Programs that know nothing of us: the `pgq` package of Python, the statements of clients in Java through its own driver, and
//! the ticker of PgQ in C.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ostler_testkit::install::cassandra::java;
use ostler_testkit::install::postgres::{Release, jdbc, pgqd};
use ostler_testkit::install::{or_skip, pgq_client};

use crate::place::Place;

const CLIENT: &str = include_str!("outside/client.py");

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

/// A queue that is ticked whenever somebody asks.
const SETTINGS: &str = "select pgq.create_queue('q');
    update pgq.queue set queue_ticker_max_count = 1, queue_ticker_max_lag = '0', queue_ticker_idle_period = '0'";

fn place() -> Option<Place> {
    let place = Place::new(Release::Fifteen)?;
    place.sql(SETTINGS);
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

/// What the client in Java prints about a place.
fn java_client(place: &Place) -> Option<String> {
    let driver = or_skip("postgres-jdbc", jdbc().and_then(|driver| Ok((driver, java()?))))?;
    let done = Command::new(driver.1)
        .arg("-cp")
        .arg(driver.0)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/outside/Client.java"
        ))
        .arg(format!(
            "jdbc:postgresql://127.0.0.1:{}/{}?user=postgres",
            place.server.port(),
            place.database
        ))
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&done.stderr);
    if said.contains("jdk.compiler") {
        return or_skip(
            "postgres-jdbc",
            Err(anyhow::anyhow!("this Java has no compiler: {said}")),
        );
    }
    assert!(done.status.success(), "{said}");
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[test]
fn a_client_in_java_sees_no_difference_to_the_extension() {
    let (Some(ours), Some(theirs)) = (place(), Place::with_extension()) else {
        return;
    };
    theirs.sql(SETTINGS);
    let (Some(ours), Some(theirs)) = (java_client(&ours), java_client(&theirs)) else {
        return;
    };
    assert_eq!(ours, theirs);
    assert!(ours.contains("finish 1\n") && ours.lines().count() > 30, "{ours}");
}

/// The ticker of PgQ in C, ended when dropped.
struct Pgqd {
    child: Child,
    directory: tempfile::TempDir,
}

impl Pgqd {
    /// Impatient, for one database.
    fn start(place: &Place) -> Option<Self> {
        let mut command = or_skip("postgres-pgq", pgqd())?;
        let directory = tempfile::tempdir().expect("a directory");
        let settings = directory.path().join("pgqd.ini");
        let text = format!(
            "[pgqd]\nlogfile = {0}/log\npidfile = {0}/pid\nbase_connstr = host=127.0.0.1 port={1} user=postgres\n\
             initial_database = postgres\ndatabase_list = {2}\nsyslog = 0\n\
             ticker_period = 0.1\nmaint_period = 0.2\nretry_period = 0.2\n",
            directory.path().display(),
            place.server.port(),
            place.database,
        );
        fs::write(&settings, text).expect("written");
        let child = command.arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
        let child = child.spawn().expect("pgqd runs");
        Some(Self { child, directory })
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Asks until there is an answer.
    fn until<T>(&self, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "{what}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Pgqd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_ticker_in_c_ticks_rotates_and_brings_retries_back() {
    let Some(place) = place() else { return };
    place.sql(
        "select pgq.register_consumer('q', 'c'); select pgq.set_queue_config('q', 'rotation_period', '0 s');
         select pgq.insert_event('q', 't', 'd')",
    );
    let Some(pgqd) = Pgqd::start(&place) else { return };
    // The batch that has the event, by how often it was put aside; those before it are empty.
    let batch_with = |retry: &str| {
        pgqd.until(&format!("the event comes with ev_retry {retry}"), || {
            let batch = place.value("select pgq.next_batch('q', 'c')")?;
            let events = place.sql(&format!(
                "select coalesce(ev_retry, 0) from pgq.get_batch_events({batch})"
            ));
            if events == [[Some(retry.to_owned())]] {
                return Some(batch);
            }
            assert!(events.is_empty(), "{events:?}");
            place.sql(&format!("select pgq.finish_batch({batch})"));
            None
        })
    };
    let batch = batch_with("0");
    place.sql(&format!(
        "select pgq.event_retry({batch}, ev_id, 0) from pgq.get_batch_events({batch}); select pgq.finish_batch({batch})"
    ));
    let batch = batch_with("1");
    place.sql(&format!("select pgq.finish_batch({batch})"));
    let table = "select queue_cur_table from pgq.queue";
    let before = place.value(table);
    pgqd.until("it rotates", || (place.value(table) != before).then_some(()));
}
