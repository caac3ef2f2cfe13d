//! Webhooks end to end: real operations, a real server that is killed, somebody who listens or does not.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::servers::free_ports;
use serde_json::Value;

use crate::receiver::{Received, Receiver, ask};
use crate::served::{self, Served};

fn home() -> Ostler {
    let ostler = served::home();
    ostler.configure("version = 1\n[outgoing]\nallow = [\"127.0.0.1\"]\n");
    fs::create_dir(ostler.home().join("documents")).unwrap();
    fs::write(ostler.home().join("documents/letter"), "Dear reader,\n").unwrap();
    ostler.ok(["backup", "create", "documents"]);
    ostler
}

/// The role `webhooks` alone; killed when it is dropped.
struct Serve(Child);

impl Serve {
    fn start(ostler: &Ostler) -> Self {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(ostler.home().join("serve.log"))
            .unwrap();
        let mut command = ostler.command(["serve", "--roles", "webhooks"]);
        Self(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until<T>(ostler: &Ostler, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "{what}\n{}",
            fs::read_to_string(ostler.home().join("serve.log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The first so many messages.
fn messages(ostler: &Ostler, receiver: &Receiver, count: usize) -> Vec<Received> {
    until(ostler, "messages", || {
        Some(receiver.received()).filter(|received| received.len() >= count)
    })
}

fn fails(ostler: &Ostler) {
    let failed = ostler.run(["backup", "create", "documents", "--before", "exit 7"]);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
}

fn shown(ostler: &Ostler, name: &str) -> Value {
    ostler.json(["webhook", "show", name])
}

#[test]
fn a_failure_is_told_signed_again_and_again_until_it_is_taken() {
    let ostler = home();
    let receiver = Receiver::new();
    let added = ostler.json(["webhook", "add", "pager", &receiver.url()]);
    let secret = added["secret"].as_str().unwrap().to_owned();
    let listed = ostler.ok(["webhook", "list", "--output", "json"]);
    assert!(listed.contains("http://127.0.0.1"), "{listed}");
    assert!(!listed.contains("s3cret"), "the path may be a secret\n{listed}");
    assert!(!listed.contains(&secret), "{listed}");

    // It happens while nobody serves, and in another process.
    fails(&ostler);
    ostler.ok(["backup", "create", "documents"]);
    receiver.refuses.store(2, Ordering::SeqCst);
    let serve = Serve::start(&ostler);
    let received = messages(&ostler, &receiver, 3);
    for message in &received {
        assert!(message.is_signed_with(&secret), "{message:?}");
        assert!(!message.is_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
        assert_eq!(message.headers["webhook-id"], received[0].headers["webhook-id"]);
        assert_eq!(message.body, received[0].body);
    }
    let told = received[0].json();
    assert_eq!(told["type"], "operation.failed", "{told:#}");
    assert_eq!(told["data"]["operation"]["kind"], "create_backup", "{told:#}");
    let reason = told["data"]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("exit code 7"), "{told:#}");
    assert!(told["text"].as_str().unwrap().contains("failed"), "{told:#}");
    let delivery = until(&ostler, "the message to be taken", || {
        Some(shown(&ostler, "pager")["deliveries"][0].clone()).filter(|one| !one["delivered"].is_null())
    });
    assert_eq!(delivery["attempts"], 3, "{delivery:#}");
    drop(serve);
    assert_eq!(
        receiver.received().len(),
        3,
        "what went well is not told to who did not ask"
    );
}

#[test]
fn a_server_killed_before_anybody_listened_forgets_nothing() {
    let ostler = home();
    // A port that is ours and on which nobody listens.
    let [port] = free_ports().unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    ostler.ok(["webhook", "add", "chat", &url, "--on", "all", "--body", "chat"]);
    fails(&ostler);
    let serve = Serve::start(&ostler);
    until(&ostler, "an attempt", || {
        let failure = &shown(&ostler, "chat")["deliveries"][0]["failure"];
        failure.is_string().then_some(())
    });
    // It dies as by a power cut.
    drop(serve);
    let before = shown(&ostler, "chat");
    assert_eq!(before["pending"], 2, "began and failed: {before:#}");

    let receiver = Receiver::on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
    let serve = Serve::start(&ostler);
    until(&ostler, "both to be taken", || {
        (shown(&ostler, "chat")["pending"] == 0).then_some(())
    });
    drop(serve);
    let texts: Vec<String> = receiver
        .received()
        .iter()
        .map(|message| message.json()["text"].as_str().unwrap().to_owned())
        .collect();
    assert!(texts.iter().any(|text| text.contains(" began")), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains(" failed")), "{texts:?}");
}

#[test]
fn a_test_says_how_it_went_and_some_addresses_are_never_called() {
    let ostler = home();
    let receiver = Receiver::new();
    ostler.ok(["webhook", "add", "pager", &receiver.url()]);
    let tested = ostler.json(["webhook", "test", "pager"]);
    assert!(tested["delivered"].is_string(), "{tested:#}");
    assert_eq!(receiver.received()[0].json()["type"], "test");
    receiver.refuses.store(1, Ordering::SeqCst);
    let refused = ostler.run(["webhook", "test", "pager"]);
    assert_eq!(refused.status.code(), Some(8), "{}", said(&refused));
    assert!(said(&refused).contains("503"), "{}", said(&refused));

    for (name, url, code) in [
        ("metadata", "http://169.254.169.254/latest", 4),
        ("elsewhere", "http://10.1.2.3/", 4),
        ("file", "gopher://x/", 2),
        ("user", "http://a:hunter2@127.0.0.1/", 2),
        ("pager", "http://127.0.0.1/", 4),
        ("a/b", "http://127.0.0.1/", 2),
    ] {
        let refused = ostler.run(["webhook", "add", name, url]);
        assert_eq!(refused.status.code(), Some(code), "{url}\n{}", said(&refused));
        assert!(!said(&refused).contains("hunter2"), "{}", said(&refused));
    }
    ostler.ok(["webhook", "remove", "pager"]);
    let gone = ostler.run(["webhook", "test", "pager"]);
    assert_eq!(gone.status.code(), Some(7), "{}", said(&gone));
}

#[test]
fn the_outcome_of_an_operation_is_sent_to_its_result_url() {
    let ostler = home();
    let receiver = Receiver::new();
    let [admin, operator] = ["admin", "operator"].map(|role| {
        let token = ostler.json(["token", "add", role, "--role", role]);
        token["token"].as_str().unwrap().to_owned()
    });
    let server = Served::start(&ostler, &["--roles", "webhooks"]);
    let plan = |token: &str| {
        let request =
            serde_json::json!({"kind": "create_backup", "paths": [ostler.home().join("documents")]});
        let (status, plan) = ask(server.port(), "POST", "/v1/plans", token, &request.to_string());
        assert_eq!(status, 200, "{plan}");
        serde_json::from_str::<Value>(&plan).unwrap()["digest"].clone()
    };
    let start = |token: &str, url: &str| {
        let body = serde_json::json!({"digest": plan(token), "result_url": url}).to_string();
        ask(server.port(), "POST", "/v1/operations", token, &body)
    };
    assert_eq!(start(&operator, &receiver.url()).0, 403, "admins only");
    let (status, refused) = start(&admin, "http://169.254.169.254/");
    assert_eq!(status, 422, "{refused}");
    let (status, started) = start(&admin, &receiver.url());
    assert_eq!(status, 202, "{started}");
    let operation = serde_json::from_str::<Value>(&started).unwrap()["operation"].clone();
    let told = messages(&ostler, &receiver, 1)[0].json();
    assert_eq!(told["type"], "operation.succeeded", "{told:#}");
    assert_eq!(told["data"]["operation"]["id"], operation, "{told:#}");
    assert_eq!(server.stop(), Some(0));
    assert_eq!(receiver.received().len(), 1);
}

#[test]
fn a_schedule_that_nobody_begins_is_told_once() {
    let ostler = home();
    let receiver = Receiver::new();
    ostler.ok(["webhook", "add", "pager", &receiver.url(), "--on", "overdue"]);
    ostler.ok([
        "schedule",
        "add",
        "nightly",
        "--every",
        "1h",
        "--",
        "backup",
        "create",
        "documents",
    ]);
    // It was added an hour and a half ago, and nobody looked at what is due since.
    let earlier = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
                   db.execute('UPDATE schedule SET created = created - 5400000, decided = decided - 5400000'); db.commit()";
    let done = std::process::Command::new("python3")
        .args(["-c", earlier])
        .arg(ostler.state().join("schedules.db"))
        .status()
        .unwrap();
    assert!(done.success());
    assert!(ostler.json(["schedule", "list"])["schedules"][0]["overdue"].is_string());
    let _serve = Serve::start(&ostler);
    let told = until(&ostler, "nobody is told", || receiver.received().first().cloned());
    let message = told.json();
    assert_eq!(message["type"], "schedule.overdue", "{message:#}");
    assert_eq!(message["data"]["schedule"], "nightly", "{message:#}");
    // It looks again and again, and tells nothing again: a test after it is the second message.
    ostler.ok(["webhook", "test", "pager"]);
    until(&ostler, "the outbox to be empty", || {
        let list = ostler.json(["webhook", "list"]);
        (list["webhooks"][0]["pending"] == 0).then_some(())
    });
    let types: Vec<Value> = receiver
        .received()
        .iter()
        .map(|one| one.json()["type"].clone())
        .collect();
    assert_eq!(types, ["schedule.overdue", "test"]);
}
