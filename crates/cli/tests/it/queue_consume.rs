//! The verbs that consume a queue, by the real binary on a real server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{Postgres, shared_postgres};
use rustix::process::{Pid, Signal, kill_process};

pub struct Place {
    pub ostler: Ostler,
    pub server: &'static Postgres,
    pub database: String,
}

/// A queue `q` that is ticked when the test says so, with a consumer `c`.
pub fn place() -> Option<Place> {
    let server = shared_postgres(Release::Fifteen)?;
    let database = server.database();
    server.sql(&database, &ostler_server_schema());
    server.sql(
        &database,
        "select pgq.create_queue('q');
         update pgq.queue set queue_ticker_max_count = 1, queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
         select pgq.register_consumer('q', 'c')",
    );
    Some(Place {
        ostler: Ostler::new(env!("CARGO_BIN_EXE_ostler")),
        server,
        database,
    })
}

/// What `queue install --schema-only` prints.
fn ostler_server_schema() -> String {
    Ostler::new(env!("CARGO_BIN_EXE_ostler")).ok(["queue", "install", "--schema-only"])
}

impl Place {
    fn insert(&self, payloads: &[&str]) {
        for payload in payloads {
            self.server.sql(
                &self.database,
                &format!("select pgq.insert_event('q', 'test', '{payload}')"),
            );
        }
        self.server.sql(&self.database, "select pgq.ticker('q')");
    }

    /// The document that it prints. The flag goes first: what follows `--` is the command's.
    fn json(&self, words: Vec<&str>) -> serde_json::Value {
        let text = self.ostler.ok(["--output", "json"].into_iter().chain(words));
        serde_json::from_str(&text).unwrap()
    }

    pub fn words<'w>(&'w self, url: &'w str, verb: &'w str, more: &[&'w str]) -> Vec<&'w str> {
        let mut words = vec![
            "queue",
            verb,
            "q",
            "--dsn",
            url,
            "--consumer",
            "c",
            "--until-idle",
        ];
        words.extend(more);
        words
    }
}

#[test]
fn a_command_gets_every_event_and_its_exit_code_counts() {
    let Some(place) = place() else { return };
    place.insert(&["one", "two", "later", "three"]);
    let url = place.server.url(&place.database);
    let script = "read line; echo \"$OSTLER_EVENT_ID $line\" >> seen; case $line in *later*) exit 75;; esac";
    let report = place.json(place.words(&url, "consume", &["--", "sh", "-c", script]));
    assert_eq!(
        (&report["events"], &report["retried"]),
        (&4.into(), &1.into()),
        "{report}"
    );
    let seen = std::fs::read_to_string(place.ostler.home().join("seen")).expect("a file");
    assert_eq!(seen.lines().count(), 4, "{seen}");
    let waiting = place
        .server
        .sql(&place.database, "select ev_data from pgq.retry_queue");
    assert_eq!(waiting, [[Some("later".to_owned())]]);
}

#[test]
fn a_command_that_fails_leaves_the_batch_open() {
    let Some(place) = place() else { return };
    place.insert(&["one"]);
    let url = place.server.url(&place.database);
    let failed = place.ostler.run(place.words(
        &url,
        "consume",
        &["--", "sh", "-c", "echo no such customer >&2; exit 3"],
    ));
    let text = said(&failed);
    assert_eq!(failed.status.code(), Some(1), "{text}");
    assert!(
        text.contains("no such customer") && text.contains("hint:"),
        "{text}"
    );
    let report = place.json(place.words(&url, "consume", &["--", "cat"]));
    assert_eq!(report["events"], 1, "{report}");
}

#[test]
fn a_batch_at_once_becomes_sql_in_the_target_exactly_once() {
    let Some(place) = place() else { return };
    place.server.sql(&place.database, "create table got (data text)");
    place.insert(&["one", "two"]);
    let url = place.server.url(&place.database);
    let script = "sed 's/.*\"ev_data\":\"\\([a-z]*\\)\".*/insert into got values ('\"'\\1'\"');/'";
    let more = ["--per", "batch", "--target", &url, "--", "sh", "-c", script];
    place.ostler.ok(place.words(&url, "consume", &more));
    let got = place
        .server
        .sql(&place.database, "select data from got order by 1");
    assert_eq!(got, [[Some("one".to_owned())], [Some("two".to_owned())]]);
}

#[test]
fn a_url_is_asked_for_every_event() {
    let Some(place) = place() else { return };
    place.insert(&["one", "two"]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let receiver = std::thread::spawn(move || {
        let mut bodies = Vec::new();
        for status in ["200 OK", "503 Busy"] {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a line");
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            bodies.push(String::from_utf8(body).expect("text"));
            write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\nretry-after: 7\r\n\r\n"
            )
            .expect("answered");
        }
        bodies
    });
    let url = place.server.url(&place.database);
    let report = place.json(place.words(&url, "consume", &["--url", &address]));
    let bodies = receiver.join().expect("no panic");
    assert!(bodies[0].contains("\"ev_data\":\"one\""), "{bodies:?}");
    assert_eq!(
        (&report["events"], &report["retried"]),
        (&2.into(), &1.into()),
        "{report}"
    );
}

#[test]
fn a_command_ends_with_its_exit_though_what_it_left_keeps_its_output_open() {
    let Some(place) = place() else { return };
    place.server.sql(&place.database, "create table got (data text)");
    place.insert(&["one"]);
    let url = place.server.url(&place.database);
    let script = "echo \"insert into got values ('said')\"; sleep 600 & echo $! > left; exit 0";
    place
        .ostler
        .ok(place.words(&url, "consume", &["--target", &url, "--", "sh", "-c", script]));
    assert_eq!(
        place.server.sql(&place.database, "select data from got"),
        [[Some("said".to_owned())]]
    );
    let left = std::fs::read_to_string(place.ostler.home().join("left")).expect("a number");
    let left = Pid::from_raw(left.trim().parse().expect("a number")).expect("a process");
    // It was not waited for: it is still there.
    kill_process(left, Signal::KILL).expect("it runs");
}

#[test]
fn an_event_that_no_command_can_take_goes_its_way_and_the_others_go_on() {
    let Some(place) = place() else { return };
    place.server.sql(
        &place.database,
        "select pgq.insert_event('q', repeat('x', 200000), 'long'); select pgq.insert_event('q', 't', 'short')",
    );
    place.insert(&[]);
    let url = place.server.url(&place.database);
    let stopped = place
        .ostler
        .run(place.words(&url, "consume", &["--", "sh", "-c", "cat >> seen"]));
    let text = said(&stopped);
    assert!(
        !stopped.status.success() && text.contains("for event 1"),
        "{text}"
    );
    place.ostler.ok(place.words(
        &url,
        "consume",
        &["--on-failure", "retry", "--", "sh", "-c", "cat >> seen"],
    ));
    let seen = std::fs::read_to_string(place.ostler.home().join("seen")).expect("a file");
    assert!(seen.contains("short") && !seen.contains("long"), "{seen}");
    let waiting = place
        .server
        .sql(&place.database, "select ev_data from pgq.retry_queue");
    assert_eq!(waiting, [[Some("long".to_owned())]]);
}

#[test]
fn what_a_command_says_wrongly_finishes_nothing() {
    let Some(place) = place() else { return };
    place.server.sql(&place.database, "create table got (data text)");
    place.insert(&["one"]);
    let url = place.server.url(&place.database);
    let wrong = "cat > /dev/null; echo '{\"retry\":1,\"seconds\":1.5}'";
    let refused =
        place
            .ostler
            .run(place.words(&url, "consume", &["--per", "batch", "--", "sh", "-c", wrong]));
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(2), "{text}");
    assert!(text.contains("\"seconds\":1.5"), "{text}");
    let broken = "cat > /dev/null; printf \"insert into got values ('\\377')\"";
    let refused =
        place
            .ostler
            .run(place.words(&url, "consume", &["--target", &url, "--", "sh", "-c", broken]));
    let text = said(&refused);
    assert!(!refused.status.success() && text.contains("UTF-8"), "{text}");
    assert!(
        place
            .server
            .sql(&place.database, "select data from got")
            .is_empty()
    );
    let ends = "cat > /dev/null; echo \"insert into got values ('a'); commit; select 1/0\"";
    let refused = place
        .ostler
        .run(place.words(&url, "consume", &["--target", &url, "--", "sh", "-c", ends]));
    let text = said(&refused);
    assert!(
        !refused.status.success() && text.contains("leave out BEGIN, COMMIT"),
        "{text}"
    );
    assert!(
        place
            .server
            .sql(&place.database, "select data from got")
            .is_empty()
    );
    let report = place.json(place.words(&url, "consume", &["--", "cat"]));
    assert_eq!(report["events"], 1, "{report}");
}

#[test]
fn a_second_process_of_a_name_is_busy_and_changes_nothing() {
    let Some(place) = place() else { return };
    place.insert(&["one"]);
    let url = place.server.url(&place.database);
    let script = "cat >> seen; echo >> begun; while [ ! -e go ]; do sleep 0.05; done";
    let child = place
        .ostler
        .command(place.words(&url, "consume", &["--", "sh", "-c", script]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let begun = place.ostler.home().join("begun");
    super::queue::until("the command is started", || begun.exists());
    let busy = place
        .ostler
        .run(place.words(&url, "consume", &["--", "sh", "-c", "cat >> seen"]));
    assert_eq!(busy.status.code(), Some(5), "{}", said(&busy));
    std::fs::write(place.ostler.home().join("go"), "").expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", said(&output));
    place
        .ostler
        .ok(place.words(&url, "consume", &["--", "sh", "-c", "cat >> seen"]));
    let seen = std::fs::read_to_string(place.ostler.home().join("seen")).expect("a file");
    assert_eq!(seen.matches("one").count(), 1, "{seen}");
}

#[test]
fn events_move_split_and_go_by_rules() {
    let Some(place) = place() else { return };
    place.insert(&["one", "two"]);
    let url = place.server.url(&place.database);
    place
        .ostler
        .ok(place.words(&url, "move", &["--to", "copy", "--create-queues"]));
    place.insert(&["three"]);
    place
        .ostler
        .ok(place.words(&url, "split", &["--to", "by_{ev_type}", "--create-queues"]));
    place.insert(&["four"]);
    let rules = ["--rule", "ev_data=four -> queue:copy", "--rule", "* -> drop"];
    place.ostler.ok(place.words(&url, "redirect", &rules));
    let sql = "select queue_name, ev_data from pgq.event_template e
                 join pgq.queue on e.tableoid::regclass::text like queue_data_pfx || '%' where queue_name <> 'q' order by ev_data";
    let rows = place.server.sql(&place.database, sql);
    let rows: Vec<String> = rows
        .iter()
        .map(|row| row.iter().flatten().cloned().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(rows, ["copy four", "copy one", "by_test three", "copy two"]);
}

#[test]
fn a_signal_lets_the_batch_be_finished() {
    let Some(place) = place() else { return };
    place.insert(&["one", "two", "three"]);
    let url = place.server.url(&place.database);
    let mut words = place.words(
        &url,
        "consume",
        &[
            "--output",
            "json",
            "--",
            "sh",
            "-c",
            "echo >> begun; while [ ! -e go ]; do sleep 0.05; done",
        ],
    );
    words.retain(|word| *word != "--until-idle");
    let mut command = place.ostler.command(words);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let begun = place.ostler.home().join("begun");
    for _ in 0..6_000 {
        if begun.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(begun.exists(), "the command was not started within a minute");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("small")).expect("a process");
    kill_process(pid, Signal::TERM).expect("told");
    std::fs::write(place.ostler.home().join("go"), "").expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("\"events\": 3"), "{text}");
}
