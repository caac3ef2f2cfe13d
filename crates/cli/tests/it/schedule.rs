//! Schedules and `ostler serve`: real backups every second, processes killed wherever it hurts.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::random::Random;
use ostler_vocabulary::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A home with documents, and a vault that has a backup of them.
fn home() -> Ostler {
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    fs::create_dir(ostler.home().join("documents")).unwrap();
    fs::write(ostler.home().join("documents/letter"), "Dear reader,\n").unwrap();
    ostler.ok(["backup", "create", "documents"]);
    ostler
}

fn add(ostler: &Ostler, line: &str) {
    ostler.ok(["schedule", "add"].into_iter().chain(line.split(' ')));
}

/// A server that is killed when it is dropped.
struct Serve(Child);

impl Serve {
    fn start(ostler: &Ostler) -> Self {
        Self::with(ostler, &[])
    }

    fn with(ostler: &Ostler, environment: &[(&str, &str)]) -> Self {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(ostler.home().join("serve.log"))
            .unwrap();
        let mut command = ostler.command(["serve", "-v"]);
        command
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(log);
        Self(command.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Ends it as systemd does.
    fn stop(mut self) {
        self.signal(Signal::TERM);
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until(ostler: &Ostler, what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "{what}\n{}",
            fs::read_to_string(ostler.home().join("serve.log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn firings(ostler: &Ostler, name: &str) -> Vec<Value> {
    let shown = ostler.json(["schedule", "show", name, "--limit", "1000"]);
    shown["firings"].as_array().unwrap().clone()
}

fn good(ostler: &Ostler, name: &str) -> usize {
    let all = firings(ostler, name);
    all.iter()
        .filter(|one| one["state"] == "succeeded" && !one["ended"].is_null())
        .count()
}

fn time(value: &Value) -> i64 {
    value
        .as_str()
        .unwrap()
        .parse::<Timestamp>()
        .unwrap()
        .as_millisecond()
}

/// Every moment until the last was decided on once, and every run has one operation and one backup.
fn nothing_is_lost_or_doubled(ostler: &Ostler, name: &str, interval: i64) {
    let shown = ostler.json(["schedule", "show", name, "--limit", "1000"]);
    let all = shown["firings"].as_array().unwrap();
    let count = |one: &Value| match one["state"].as_str().unwrap() {
        "missed" => one["missed"].as_i64().unwrap(),
        _ => 1,
    };
    let decided: i64 = all.iter().map(count).sum();
    let last = all.iter().map(|one| time(&one["due"])).max().unwrap();
    assert_eq!(decided * interval, last - time(&shown["created"]), "{shown:#}");
    let dues: BTreeSet<i64> = all.iter().map(|one| time(&one["due"])).collect();
    assert_eq!(dues.len(), all.len(), "{shown:#}");
    let of = |list: &Value, rows: &str, field: &str| -> Vec<String> {
        let rows = list[rows].as_array().unwrap().iter();
        rows.map(|row| row[field].as_str().unwrap().to_owned()).collect()
    };
    let operations = ostler.json(["operation", "list", "--limit", "1000"]);
    let operations: BTreeSet<String> = operations["operations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["kind"] == "create_backup")
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    let runs: BTreeSet<String> = all
        .iter()
        .filter_map(|one| one["operation"].as_str().map(str::to_owned))
        .collect();
    // One more: the backup that the home begins with.
    assert_eq!(operations.len(), runs.len() + 1, "{operations:?} {runs:?}");
    assert!(runs.is_subset(&operations));
    let backups = of(
        &ostler.json(["backup", "list", "--tag", "schedule=tick"]),
        "backups",
        "id",
    );
    assert_eq!(backups.len(), good(ostler, name), "{shown:#}");
}

/// Answers requests and counts them.
fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (port, count) = (
        listener.local_addr().unwrap().port(),
        Arc::new(AtomicUsize::new(0)),
    );
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    (port, count)
}

#[test]
fn a_server_runs_what_is_due_keeps_what_it_should_and_tells_of_it() {
    let ostler = home();
    let (port, told) = listener();
    ostler.configure("version = 1\n[outgoing]\nallow = [\"127.0.0.1\"]\n");
    let push = format!("http://127.0.0.1:{port}/ping");
    add(
        &ostler,
        &format!("tick --every 1s --keep-last 2 --push {push} -- backup create documents"),
    );
    add(
        &ostler,
        "drill --after tick -- backup drill latest --tag schedule=tick",
    );
    let dead = ostler.run(["schedule", "list", "--check"]);
    assert_eq!(dead.status.code(), Some(8), "{}", said(&dead));

    let socket = ostler.home().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let told_manager = |expected: &str| {
        let mut text = [0; 256];
        loop {
            let length = manager.recv(&mut text).expect(expected);
            if String::from_utf8_lossy(&text[..length]).starts_with(expected) {
                return;
            }
        }
    };
    let serve = Serve::with(&ostler, &[("NOTIFY_SOCKET", socket.to_str().unwrap())]);
    told_manager("READY=1");
    let second = ostler.run(["serve"]);
    assert_eq!(second.status.code(), Some(5), "{}", said(&second));
    until(&ostler, "five good runs and two drills", || {
        good(&ostler, "tick") >= 5 && good(&ostler, "drill") >= 2
    });
    let alive = ostler.run(["schedule", "list", "--check"]);
    // A run may just have been left out, as the one before takes longer than a second on a busy machine.
    assert!(
        [Some(0), Some(3)].contains(&alive.status.code()),
        "{}",
        said(&alive)
    );
    serve.stop();
    told_manager("STOPPING=1");

    let kept = ostler.json(["backup", "list", "--tag", "schedule=tick"]);
    let kept = kept["backups"].as_array().unwrap().len();
    assert!((2..=4).contains(&kept), "{kept} backups are left");
    let all = ostler.json(["backup", "list"])["backups"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(all, kept + 1, "the backup that no schedule made stays");
    assert!(told.load(Ordering::SeqCst) >= 4, "{told:?}");
    let dead = ostler.run(["schedule", "list", "--check"]);
    assert_eq!(dead.status.code(), Some(8), "{}", said(&dead));
    assert!(said(&dead).contains("last beat"), "{}", said(&dead));
}

#[test]
fn a_server_killed_at_any_step_of_a_run_loses_and_doubles_nothing() {
    for kill in [
        "before:firing record:2",
        "after:firing record",
        "before:firing start:2",
        "after:firing start",
        "after:firing keep",
        "after:firing over:2",
        "before:write record",
        "after:write record",
    ] {
        let ostler = home();
        let keep = if kill.contains("keep") {
            "--keep-last 1000 "
        } else {
            ""
        };
        add(
            &ostler,
            &format!("tick --every 1s {keep}-- backup create documents"),
        );
        let mut serve = Serve::with(&ostler, &[("OSTLER_TEST_KILL", kill)]);
        let mut ended = None;
        until(&ostler, kill, || {
            ended = serve.0.try_wait().unwrap();
            ended.is_some()
        });
        assert_eq!(ended.unwrap().signal(), Some(9), "{kill}");
        let before = good(&ostler, "tick");
        let serve = Serve::start(&ostler);
        until(&ostler, kill, || good(&ostler, "tick") >= before + 2);
        ostler.ok(["schedule", "pause", "tick"]);
        until(&ostler, kill, || {
            firings(&ostler, "tick").iter().all(|one| !one["ended"].is_null())
        });
        serve.stop();
        nothing_is_lost_or_doubled(&ostler, "tick", 1000);
        assert!(
            firings(&ostler, "tick")
                .iter()
                .all(|one| one["state"] != "failed"),
            "{kill}"
        );
    }
}

#[test]
fn servers_and_crons_killed_at_random_moments_lose_and_double_nothing() {
    let seed = std::process::id().into();
    let mut random = Random::new(seed);
    let ostler = home();
    add(&ostler, "tick --every 1s -- backup create documents");
    for _ in 0..8 {
        let serve = Serve::start(&ostler);
        let mut cron = ostler
            .command(["schedule", "run-due"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(200 + random.below(1500)));
        drop(serve);
        let _ = cron.kill();
        let _ = cron.wait();
    }
    let before = good(&ostler, "tick");
    let serve = Serve::start(&ostler);
    until(&ostler, "a good run", || good(&ostler, "tick") > before);
    ostler.ok(["schedule", "pause", "tick"]);
    until(&ostler, "the end of all runs", || {
        firings(&ostler, "tick").iter().all(|one| !one["ended"].is_null())
    });
    serve.stop();
    println!("seed {seed}");
    nothing_is_lost_or_doubled(&ostler, "tick", 1000);
}

#[test]
fn a_run_by_hand_has_the_exit_code_of_its_command_and_a_failed_one_deletes_nothing() {
    let ostler = home();
    add(
        &ostler,
        "nightly --cron @daily --keep-last 1 -- backup create documents",
    );
    let ran = ostler.json(["schedule", "run", "nightly"]);
    assert_eq!(
        (&ran["state"], &ran["cause"]),
        (&"succeeded".into(), &"manual".into()),
        "{ran:#}"
    );
    assert!(ran["keep_operation"].is_string(), "{ran:#}");
    let backups = || {
        ostler.json(["backup", "list"])["backups"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(backups(), 2);
    fs::rename(ostler.home().join("documents"), ostler.home().join("gone")).unwrap();
    let failed = ostler.run(["schedule", "run", "nightly"]);
    assert_eq!(failed.status.code(), Some(7), "{}", said(&failed));
    let newest = firings(&ostler, "nightly").remove(0);
    assert_eq!(newest["state"], "failed", "{newest:#}");
    assert!(newest["keep_operation"].is_null(), "{newest:#}");
    assert_eq!(backups(), 2);
    ostler.ok(["schedule", "pause", "nightly", "--reason", "gone"]);
    assert_eq!(
        ostler.json(["schedule", "run-due"])["firings"],
        serde_json::json!([])
    );
    ostler.ok(["schedule", "remove", "nightly"]);
    let gone = ostler.run(["schedule", "show", "nightly"]);
    assert_eq!(gone.status.code(), Some(7), "{}", said(&gone));
}

#[test]
fn what_is_due_runs_by_cron_as_well_and_a_failed_run_stops_no_other() {
    let ostler = home();
    add(
        &ostler,
        "bad --every 1s -- backup create documents --vault nowhere",
    );
    add(&ostler, "tick --every 1s -- backup create documents");
    until(&ostler, "both ran", || {
        let ran = ostler.run(["schedule", "run-due"]);
        assert!([Some(0), Some(7)].contains(&ran.status.code()), "{}", said(&ran));
        good(&ostler, "tick") >= 1 && !firings(&ostler, "bad").is_empty()
    });
    assert_eq!(firings(&ostler, "bad")[0]["state"], "failed");
    nothing_is_lost_or_doubled(&ostler, "tick", 1000);
    let listed = ostler.run(["schedule", "list", "--check", "--silence", "1h"]);
    assert_eq!(listed.status.code(), Some(3), "{}", said(&listed));
    assert!(said(&listed).contains("`bad`"), "{}", said(&listed));
}

#[test]
fn what_cannot_be_scheduled_is_refused_and_no_secret_is_stored() {
    let ostler = home();
    for (line, code, reason) in [
        (
            "x --cron @daily -- restore latest --to there",
            2,
            "not run by schedules",
        ),
        ("x --cron @daily -- schedule list", 2, "not run by schedules"),
        (
            "x --cron @daily -- backup create documents --dry-run",
            2,
            "--dry-run",
        ),
        (
            "x --cron @daily -- backup prune --apply 0123456789abcdef",
            2,
            "--apply",
        ),
        (
            "x --cron @daily -- backup create documents --state-dir /x",
            2,
            "state directory",
        ),
        ("x --cron @daily -- backup crate documents", 2, "crate"),
        ("x --cron @daily -- backup create nowhere", 7, "nowhere"),
        (
            "x --cron @daily -- backup create documents --before PGPASSWORD=hunter2",
            2,
            "password",
        ),
        (
            "x --cron @daily --push https://a:hunter2@x/ -- backup create documents",
            2,
            "password",
        ),
        ("x --cron @dayly -- backup create documents", 2, "known names"),
        (
            "x --cron @daily --zone Europe/Bonn -- backup create documents",
            2,
            "time zone",
        ),
        ("x --after nobody -- backup create documents", 7, "nobody"),
        ("x -- backup create documents", 2, "needs a time"),
        (
            "x/y --cron @daily -- backup create documents",
            2,
            "name of a schedule",
        ),
        ("x --cron @daily --keep-last 3 -- vault check", 2, "keep rules"),
    ] {
        let refused = ostler.run(["schedule", "add"].into_iter().chain(line.split(' ')));
        assert_eq!(refused.status.code(), Some(code), "{line}\n{}", said(&refused));
        assert!(said(&refused).contains(reason), "{line}\n{}", said(&refused));
        let shown = said(&refused);
        assert!(!shown.contains("hunter2"), "{line}\n{shown}");
    }
    assert_eq!(
        ostler.json(["schedule", "list"])["schedules"],
        serde_json::json!([])
    );
    add(&ostler, "a --cron @daily -- backup create documents");
    add(&ostler, "b --after a -- backup drill latest");
    let circle = ostler.run(["schedule", "edit", "a", "--after", "b"]);
    assert!(said(&circle).contains("for ever"), "{}", said(&circle));
    let needed = ostler.run(["schedule", "remove", "a"]);
    assert_eq!(needed.status.code(), Some(4), "{}", said(&needed));
}
