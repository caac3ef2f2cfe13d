//! Schedules and `ostler serve`: real backups every second.

mod killed;
mod two_servers;
mod world;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;

use world::{Serve, add, firings, good, home, nothing_is_lost_or_doubled, until};

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

#[test]
fn queries_of_one_database_that_are_due_together_run_one_after_the_other() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let ostler = home();
    let dsn = server.url(&server.database());
    ostler.configure(&format!("version = 1\n[database.shop]\ndsn = \"{dsn}\"\n"));
    ostler.ok(["query", "add", "slow", "SELECT pg_sleep(2)", "--database", "shop"]);
    let names = ["one", "two", "three"];
    for name in names {
        add(
            &ostler,
            &format!("{name} --cron @daily -- query run slow --database shop"),
        );
    }
    let running = names.map(|name| {
        let mut command = ostler.command(["schedule", "run", name]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    });
    for one in running {
        let ran = one.wait_with_output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    }
}
