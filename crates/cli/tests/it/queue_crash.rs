//! Queues whose processes and servers are killed: operations on the schema at each of their steps, tickers, consumers and the
//! server under load.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::random::Random;
use ostler_testkit::servers::{Postgres, Wire, postgres, shared_postgres};

fn ostler() -> Ostler {
    Ostler::new(env!("CARGO_BIN_EXE_ostler"))
}

/// What is done to a schema, and what must be true of the database afterwards.
struct Deed {
    before: &'static [&'static str],
    words: &'static [&'static str],
    holds: &'static str,
}

const CREATE: &[&str] = &[
    "queue install",
    "queue create one two",
    "queue consumer register one c",
];

const DEEDS: [Deed; 4] = [
    Deed {
        before: &[],
        words: &["queue", "install"],
        holds: "select pgq.create_queue('q') = 1",
    },
    Deed {
        before: CREATE,
        words: &["queue", "upgrade"],
        holds: "select count(*) = 2 from pgq.queue",
    },
    Deed {
        before: CREATE,
        words: &["queue", "drop", "*", "--force", "--yes"],
        holds: "select count(*) = 0 from pgq.queue",
    },
    Deed {
        before: CREATE,
        words: &["queue", "uninstall", "--force", "--yes"],
        holds: "select to_regnamespace('pgq') is null",
    },
];

/// A database that a deed can be done to, and the words that do it.
fn prepared(server: &Postgres, deed: &Deed) -> (Ostler, String, Vec<String>) {
    let (ostler, database) = (ostler(), server.database());
    let dsn = format!("--dsn={}", server.url(&database));
    for line in deed.before {
        ostler.ok(line.split(' ').chain([dsn.as_str()]));
    }
    let words = deed.words.iter().map(ToString::to_string).chain([dsn]).collect();
    (ostler, database, words)
}

fn holds(server: &Postgres, database: &str, deed: &Deed) -> bool {
    server.sql(database, deed.holds) == [[Some("t".to_owned())]]
}

/// Names of the steps of the operation that was done last, once each.
fn steps(ostler: &Ostler) -> Vec<String> {
    let list = ostler.json(["operation", "list"]);
    let id = list["operations"][0]["id"].as_str().unwrap();
    let shown = ostler.json(["operation", "show", id]);
    let steps = shown["steps"].as_array().unwrap();
    let mut names: Vec<String> = Vec::new();
    for step in steps {
        let name = step["name"].as_str().unwrap();
        // Each queue has one of its own, with its name.
        let name = if name.starts_with("drop ") { "drop" } else { name }.to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[test]
fn an_operation_on_a_schema_killed_at_any_step_goes_on() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    for deed in &DEEDS {
        let (rehearsal, _, words) = prepared(server, deed);
        rehearsal.ok(&words);
        let steps = steps(&rehearsal);
        assert!(steps.len() >= 2, "{steps:?}");
        for step in steps {
            for moment in ["before", "after"] {
                let (ostler, database, words) = prepared(server, deed);
                let context = format!("{words:?} killed {moment} {step}");
                let mut command = ostler.command(&words);
                let killed = command.env("OSTLER_TEST_KILL", format!("{moment}:{step}"));
                let killed = killed.output().unwrap();
                assert_eq!(killed.status.signal(), Some(9), "{context}\n{}", said(&killed));
                let list = ostler.json(["operation", "list"]);
                let operation = &list["operations"][0];
                assert_eq!(operation["state"], "interrupted", "{context}");
                ostler.ok(["operation", "resume", operation["id"].as_str().unwrap()]);
                assert!(holds(server, &database, deed), "{context}");
            }
        }
    }
}

#[test]
fn an_operation_on_a_schema_that_fails_changes_nothing_and_can_be_begun_again() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    for deed in &DEEDS {
        for (what, at) in [
            ("its first statement", "ddl_command_start"),
            ("its end", "ddl_command_end"),
        ] {
            let (ostler, database, words) = prepared(server, deed);
            // The last thing that an installation does is to give rights; the others fail where they begin.
            let only = if at == "ddl_command_end" && deed.words.contains(&"install") {
                "when tag in ('GRANT')"
            } else {
                ""
            };
            server.sql(
                &database,
                &format!(
                    "create function public.refuse() returns event_trigger language plpgsql as $$ begin raise 'refused for the test'; end $$;
                     create event trigger refuse on {at} {only} execute function public.refuse()"
                ),
            );
            let schema = "select count(*) from pg_class where relnamespace in (select oid from pg_namespace where nspname like 'pgq%')";
            let before = server.sql(&database, schema);
            let failed = ostler.run(&words);
            let text = said(&failed);
            assert!(!failed.status.success(), "{words:?} at {what}: {text}");
            assert!(text.contains("refused for the test"), "{text}");
            assert_eq!(server.sql(&database, schema), before, "{words:?} at {what}");
            server.sql(&database, "drop event trigger refuse");
            ostler.ok(&words);
            assert!(holds(server, &database, deed), "{words:?} at {what}");
        }
    }
}

/// How often something is killed; `cargo xtask crash` sets it higher.
fn kills() -> u64 {
    std::env::var("OSTLER_TEST_CRASH_RUNS").map_or(12, |runs| runs.parse().expect("a number"))
}

/// A process that is started anew whenever it is gone.
struct Kept<'p> {
    start: Box<dyn Fn() -> Command + 'p>,
    child: Child,
}

impl<'p> Kept<'p> {
    fn new(start: impl Fn() -> Command + 'p) -> Self {
        let child = spawn(start());
        Self {
            start: Box::new(start),
            child,
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn again(&mut self) {
        self.kill();
        self.child = spawn((self.start)());
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(mut command: Command) -> Child {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Inserts 1, 2, 3 … until it is told to stop, over every failure, and says how far it came. After a failure it looks
/// whether the last transaction was committed.
fn produce(port: u16, database: &str, stop: &AtomicBool, sent: &AtomicU64) {
    while !stop.load(Ordering::Relaxed) {
        if insert(port, database, stop, sent).is_none() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn insert(port: u16, database: &str, stop: &AtomicBool, sent: &AtomicU64) -> Option<()> {
    let mut wire = Wire::connect(port, "postgres", database).ok()?;
    let newest = "select coalesce(max(ev_data::bigint), 0) from pgq.event_1";
    let mut next: u64 = wire.query(newest).ok()?[0][0].as_deref()?.parse::<u64>().ok()? + 1;
    while !stop.load(Ordering::Relaxed) {
        let last = next + next % 7;
        let events = format!("generate_series({next}, {last}) n");
        wire.query(&format!(
            "select count(pgq.insert_event('q', 't', n::text)) from {events}"
        ))
        .ok()?;
        next = last + 1;
        sent.store(last, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1));
    }
    Some(())
}

fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a killed consumer left running ends before the next one writes.
const APPEND: [&str; 4] = ["--", "sh", "-c", "exec 9> lock; flock 9; cat >> seen"];

/// A producer writes all the while. An exactly-once consumer (`queue move`), an at-least-once one (`queue consume`), the ticker
/// and the server are killed in turn.
#[test]
fn whoever_is_killed_no_event_is_lost_or_doubled_and_the_order_is_kept() {
    let (Some(mut server), Some(target)) = (postgres(Release::Fifteen), shared_postgres(Release::Eighteen))
    else {
        return;
    };
    let (source, copy) = (server.database(), target.database());
    let (from, to, port) = (server.url(&source), target.url(&copy), server.port());
    let (ticker, mover, reader) = (ostler(), ostler(), ostler());
    ticker.ok(["queue", "install", "--dsn", &from]);
    ticker.ok(["queue", "install", "--dsn", &to]);
    for words in [
        &["queue", "create", "q"][..],
        &["queue", "consumer", "register", "q", "once"],
        &["queue", "consumer", "register", "q", "least"],
    ] {
        ticker.ok(words.iter().chain(&["--dsn", &from]));
    }
    ticker.ok(["queue", "create", "copy", "--dsn", &to]);
    let stop = AtomicBool::new(false);
    let sent = AtomicU64::new(0);
    let moved = || -> u64 {
        let rows = target.sql(&copy, "select count(*) from pgq.event_1");
        rows[0][0].as_deref().unwrap().parse().unwrap()
    };
    let seen = reader.home().join("seen");
    let database = ["--dsn", &from];
    let to_copy = ["--target", &to, "--to", "copy"];
    let moving = [&["queue", "move", "q", "--consumer", "once"][..], &to_copy].concat();
    let reading = ["queue", "consume", "q", "--consumer", "least", "--per", "batch"];
    std::thread::scope(|scope| {
        scope.spawn(|| produce(port, &source, &stop, &sent));
        let mut processes = [
            Kept::new(|| ticker.command(["queue", "ticker", "--dsn", &from])),
            Kept::new(|| mover.command(moving.iter().chain(&database))),
            Kept::new(|| reader.command(reading.iter().chain(&database).chain(&APPEND))),
        ];
        let mut random = Random::new(11);
        for round in 0..kills() {
            std::thread::sleep(Duration::from_millis(100 + random.below(300)));
            match usize::try_from(round % 4).unwrap() {
                3 => {
                    server.stop();
                    server.start_again().unwrap();
                }
                who => processes[who].again(),
            }
        }
        // Everybody goes on by itself, without being started again.
        let before = moved();
        until("it goes on after the last kill", || {
            moved() > before && sent.load(Ordering::Relaxed) > 500
        });
        stop.store(true, Ordering::Relaxed);
    });
    let sent = sent.load(Ordering::Relaxed);
    server.sql(&source, "select pgq.force_tick('q')");
    server.sql(&source, "select pgq.ticker()");
    let idle = ["--until-idle"];
    mover.ok(moving.iter().chain(&database).chain(&idle));
    reader.ok(reading.iter().chain(&database).chain(&idle).chain(&APPEND));

    let rows = target.sql(&copy, "select ev_data from pgq.event_1 order by ev_id");
    let once: Vec<u64> = rows
        .iter()
        .map(|row| row[0].as_deref().unwrap().parse().unwrap())
        .collect();
    let newest = server.sql(&source, "select max(ev_data::bigint) from pgq.event_1");
    let wanted: Vec<u64> = (1..=newest[0][0].as_deref().unwrap().parse().unwrap()).collect();
    assert!(wanted.len() as u64 >= sent, "what was committed is there");
    assert_eq!(once, wanted, "exactly once, in order");

    // At least once: batches may come again, each as a whole and in its place.
    let text = fs::read_to_string(seen).unwrap();
    let mut first_times: Vec<u64> = Vec::new();
    for line in text.lines() {
        // A line that was cut off by a kill is followed by the same batch again.
        let line = &line[line.rfind("{\"ev_id\":").unwrap_or(0)..];
        let Some(number) = serde_json::from_str::<serde_json::Value>(line)
            .ok()
            .and_then(|event| event["ev_data"].as_str()?.parse().ok())
        else {
            continue;
        };
        if first_times.last().is_none_or(|last| number > *last) {
            first_times.push(number);
        }
    }
    assert_eq!(first_times, wanted, "at least once, in order");
}
