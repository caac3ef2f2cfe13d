//! The memory of a consumer does not grow with the batch, whoever gets it. `OSTLER_TEST_QUEUE_EVENTS=5000000` for the size that is
//! promised; `cargo xtask bench queue --set memory` measures it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::thread::JoinHandle;
use std::time::Duration;

use ostler_vocabulary::humane;

use crate::queue_consume::{Place, place};

/// Events of a batch that nobody would notice, and of one whose text is many times what memory may grow.
const SMALL: u64 = 5_000;
const LARGE: u64 = 300_000;
/// How much more a large batch may take. Its text has about 80 MB.
const GROWTH: u64 = 24 << 20;
/// What is promised, for batches of any size.
const PROMISED: u64 = 100_000_000;

/// The most memory that a consumer has while it works off one batch of so many events.
fn highest(place: &Place, events: u64, verb: &str, words: &[&str]) -> u64 {
    place.server.sql(
        &place.database,
        &format!(
            "do $$ begin execute format('insert into %s (ev_time, ev_type, ev_data) select now(), ''bulk'', repeat(''x'', 100) \
             from generate_series(1, {events})', pgq.current_event_table('q')); end $$"
        ),
    );
    place.server.sql(&place.database, "select pgq.ticker('q')");
    let url = place.server.url(&place.database);
    let mut command = place.ostler.command(place.words(&url, verb, words));
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let ended = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0) << 10);
        if let Some(ended) = child.try_wait().expect("asked") {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut said = String::new();
    if let Some(mut errors) = child.stderr.take() {
        errors.read_to_string(&mut said).expect("text");
    }
    assert!(ended.success(), "{said}");
    let batch = humane::plural(events, "event");
    assert!(said.contains(&batch), "not one batch of {batch}: {said}");
    most
}

fn sizes() -> [u64; 2] {
    let large = std::env::var("OSTLER_TEST_QUEUE_EVENTS").map(|text| text.parse().expect("a number"));
    [SMALL, large.unwrap_or(LARGE)]
}

#[expect(clippy::print_stderr, reason = "how much it was is worth knowing")]
fn grows_little(place: &Place, verb: &str, mut words: impl FnMut() -> Vec<String>) {
    let [small, large] = sizes().map(|events| {
        let words = words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        highest(place, events, verb, &words)
    });
    assert!(small > 0, "nothing was measured");
    eprintln!("{verb}: {} KiB, then {} KiB", small >> 10, large >> 10);
    assert!(
        large < small + GROWTH,
        "{} KiB, and {} for more",
        small >> 10,
        large >> 10
    );
    assert!(large < PROMISED, "{large} bytes");
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn for_a_command() {
    let Some(place) = place() else { return };
    let words = ["--per", "batch", "--", "sh", "-c", "cat > /dev/null"];
    grows_little(&place, "consume", || texts(&words));
}

#[test]
fn for_another_queue() {
    let Some(place) = place() else { return };
    let words = ["--to", "copy", "--create-queues"];
    grows_little(&place, "move", || texts(&words));
}

#[test]
fn for_a_url() {
    let Some(place) = place() else { return };
    let mut receivers: Vec<JoinHandle<u64>> = Vec::new();
    grows_little(&place, "consume", || {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        receivers.push(std::thread::spawn(move || count(&listener)));
        texts(&["--per", "batch", "--url", &url])
    });
    let counts: Vec<u64> = receivers
        .into_iter()
        .map(|receiver| receiver.join().expect("no panic"))
        .collect();
    assert_eq!(counts, sizes());
}

/// Answers one request; how many lines its body has.
fn count(listener: &TcpListener) -> u64 {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut lines = 0;
    let mut tail = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    // The end of a body whose length is not told before.
    while !tail.ends_with(b"\r\n0\r\n\r\n") {
        let length = stream.read(&mut buffer).expect("more");
        assert!(length > 0, "the body has no regular end");
        for byte in &buffer[..length] {
            // Events end so; what the transfer puts between pieces does not.
            lines += u64::from(*byte == b'\n' && tail.last() == Some(&b'}'));
            tail.push(*byte);
        }
        tail.drain(..tail.len().saturating_sub(7));
    }
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .expect("answered");
    lines
}
