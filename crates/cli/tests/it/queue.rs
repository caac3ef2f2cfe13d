//! The verbs of queues on real servers, from the first to the last.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{Postgres, free_ports, shared_postgres};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

fn ostler() -> Ostler {
    Ostler::new(env!("CARGO_BIN_EXE_ostler"))
}

/// A home, and the words that name a new database.
fn place(server: &Postgres) -> (Ostler, String) {
    (ostler(), format!("--dsn={}", server.url(&server.database())))
}

/// The same with a queue `q` in the database, which the configuration names too.
fn configured(server: &Postgres) -> (Ostler, String) {
    let (ostler, url) = (ostler(), server.url(&server.database()));
    ostler.configure(&format!("version = 1\n[database.main]\ndsn = \"{url}\"\n"));
    let dsn = format!("--dsn={url}");
    json(&ostler, "queue install", &dsn);
    json(&ostler, "queue create q", &dsn);
    (ostler, dsn)
}

fn json(ostler: &Ostler, line: &str, dsn: &str) -> Value {
    ostler.json(line.split_whitespace().chain([dsn]))
}

pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A ticker in the foreground, ended when dropped.
struct Ticker(Child);

impl Ticker {
    fn start(ostler: &Ostler, arguments: &[&str]) -> Self {
        let mut command = ostler.command(["queue", "ticker"]);
        Self(command.args(arguments).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_queue_lives_from_its_installation_to_its_end() {
    for release in Release::SUPPORTED {
        let Some(server) = shared_postgres(release) else {
            continue;
        };
        let (ostler, dsn) = place(server);
        let plan = json(&ostler, "queue install --dry-run", &dsn);
        assert!(!plan["work"]["steps"].as_array().unwrap().is_empty(), "{plan}");
        let report = json(&ostler, "queue install", &dsn);
        assert!(report["version"].as_u64() > Some(0), "{report}");
        // Safe to repeat.
        json(&ostler, "queue install", &dsn);
        json(&ostler, "queue upgrade", &dsn);

        let made = json(&ostler, "queue create orders invoices --set retry_limit=3", &dsn);
        assert_eq!(made["changes"][0]["action"], "created", "{made}");
        json(&ostler, "queue consumer register orders mailer", &dsn);
        let inserted = json(&ostler, "queue insert orders paid 17 --extra a", &dsn);
        let id = inserted["changes"][0]["number"].as_i64();
        let peeked = json(&ostler, "queue peek orders", &dsn);
        assert_eq!(peeked["events"][0]["id"].as_i64(), id, "{peeked}");
        assert_eq!(peeked["events"][0]["extra"][0], "a", "{peeked}");
        let ticked = json(&ostler, "queue tick *", &dsn);
        assert_eq!(ticked["changes"].as_array().unwrap().len(), 2, "{ticked}");
        let pending = json(&ostler, "queue peek orders --consumer mailer", &dsn);
        assert_eq!(pending["events"].as_array().unwrap().len(), 1, "{pending}");

        let list = json(&ostler, "queue list ord*", &dsn);
        assert_eq!(list["queues"].as_array().unwrap().len(), 1, "{list}");
        assert_eq!(list["queues"][0]["slowest_consumer"], "mailer", "{list}");
        json(&ostler, "queue pause orders", &dsn);
        assert_eq!(json(&ostler, "queue show orders", &dsn)["paused"], true);
        json(&ostler, "queue resume orders", &dsn);
        let shown = json(&ostler, "queue config orders", &dsn);
        assert_eq!(shown["settings"]["retry_limit"], "3", "{shown}");
        let consumers = json(&ostler, "queue consumer list", &dsn);
        assert_eq!(consumers["consumers"][0]["consumer"], "mailer", "{consumers}");
        assert_eq!(json(&ostler, "queue status", &dsn)["queues"], 2);
        // Whoever may only read looks too.
        let at = dsn.rsplit('/').next().unwrap().split('?').next().unwrap();
        let reader = format!("reader_{at}");
        server.sql(at, &format!("create role {reader} login in role pgq_reader"));
        let as_reader = format!("--dsn={}", server.url_of(&reader, at));
        assert_eq!(json(&ostler, "queue status", &as_reader)["consumers"], 1);

        // What destroys wants an approval, and says what is in the way.
        let refused = ostler.run(["queue", "drop", "orders", &dsn]);
        assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
        let refused = ostler.run(["queue", "drop", "orders", "--yes", &dsn]);
        assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
        assert!(said(&refused).contains("consumer list"), "{}", said(&refused));
        json(&ostler, "queue consumer unregister orders *", &dsn);
        json(&ostler, "queue drop orders --yes", &dsn);
        let refused = ostler.run(["queue", "uninstall", "--yes", &dsn]);
        assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
        let gone = json(&ostler, "queue uninstall --force --yes", &dsn);
        assert_eq!(gone["version"], Value::Null, "{gone}");
        let absent = ostler.run(["queue", "list", &dsn]);
        assert_eq!(absent.status.code(), Some(7), "{}", said(&absent));
        assert!(
            said(&absent).contains("ostler queue install"),
            "{}",
            said(&absent)
        );
    }
}

#[test]
fn retries_and_dead_letters_are_seen_and_settled() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let database = server.database();
    let (ostler, dsn) = (ostler(), format!("--dsn={}", server.url(&database)));
    json(&ostler, "queue install", &dsn);
    json(&ostler, "queue create q", &dsn);
    json(&ostler, "queue consumer register q c", &dsn);
    json(&ostler, "queue insert q kind one", &dsn);
    json(&ostler, "queue insert q kind two", &dsn);
    json(&ostler, "queue tick q", &dsn);
    let batch = server.sql(&database, "SELECT pgq.next_batch('q', 'c')")[0][0]
        .clone()
        .unwrap();
    server.sql(&database, &format!("SELECT pgq.event_retry({batch}, (SELECT min(ev_id) FROM pgq.get_batch_events({batch})), 3600); SELECT pgq.event_dead({batch}, (SELECT max(ev_id) FROM pgq.get_batch_events({batch})), 'for the test'); SELECT pgq.finish_batch({batch})"));
    let waiting = json(&ostler, "queue retry q --consumer c", &dsn);
    assert_eq!(waiting["events"][0]["consumer"], "c", "{waiting}");
    // An event for later waits too, and is nobody's yet.
    json(
        &ostler,
        "queue insert q kind later --at 2099-01-01T00:00:00Z",
        &dsn,
    );
    let waiting = json(&ostler, "queue retry q", &dsn);
    assert_eq!(waiting["events"].as_array().unwrap().len(), 2, "{waiting}");
    assert_eq!(waiting["events"][1]["consumer"], Value::Null, "{waiting}");
    // Members have the number of their main consumer, and no events of their own.
    server.sql(
        &database,
        "SELECT pgq_coop.register_subconsumer('q', 'c', 'member')",
    );
    let waiting = json(&ostler, "queue retry q --consumer c*", &dsn);
    assert_eq!(waiting["events"].as_array().unwrap().len(), 1, "{waiting}");
    json(&ostler, "queue retry q --now --consumer c", &dsn);
    assert_eq!(
        server.sql(&database, "SELECT pgq.maint_retry_events()"),
        [[Some("1".to_owned())]]
    );
    let dead = json(&ostler, "queue dead-letter list q", &dsn);
    assert_eq!(dead["dead_letters"][0]["reason"], "for the test", "{dead}");
    assert_eq!(dead["dead_letters"][0]["data"], "two", "{dead}");
    let unknown = ostler.run(["queue", "dead-letter", "retry", "q", "999999", &dsn]);
    assert_eq!(unknown.status.code(), Some(7), "{}", said(&unknown));
    json(&ostler, "queue dead-letter retry q --all", &dsn);
    let dead = json(&ostler, "queue dead-letter list q", &dsn);
    assert!(dead["dead_letters"].as_array().unwrap().is_empty(), "{dead}");
}

#[test]
fn a_ticker_runs_reloads_gives_way_and_is_stopped() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let (ostler, dsn) = configured(server);
    let leads = || json(&ostler, "queue status", &dsn)["ticker"].is_string();
    let last = || json(&ostler, "queue show q", &dsn)["last_tick"].as_i64();

    // Killed in the middle, it leaves nothing that is in the way of the next.
    let mut killed = Ticker::start(&ostler, &[]);
    until("it leads", leads);
    killed.0.kill().unwrap();
    killed.0.wait().unwrap();
    until("nobody leads", || !leads());

    ostler.ok(["queue", "ticker", "--daemon"]);
    until("the daemon leads", leads);
    let busy = ostler.run(["queue", "ticker"]);
    assert_eq!(busy.status.code(), Some(5), "{}", said(&busy));
    let before = last();
    json(&ostler, "queue insert q kind data", &dsn);
    until("it ticks", || last() > before);
    ostler.ok(["queue", "ticker", "reload"]);
    until("it leads after the reload", leads);
    ostler.ok(["queue", "ticker", "stop"]);
    until("nobody leads", || !leads());
    let none = ostler.run(["queue", "ticker", "stop"]);
    assert_eq!(none.status.code(), Some(7), "{}", said(&none));
}

#[test]
fn serve_ticks_when_it_has_that_role() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let (ostler, dsn) = configured(server);
    let leads = || json(&ostler, "queue status", &dsn)["ticker"].is_string();
    let last = || json(&ostler, "queue show q", &dsn)["last_tick"].as_i64();
    let mut command = ostler.command(["serve", "--roles", "ticker"]);
    let mut serve = Ticker(command.stdout(Stdio::null()).spawn().unwrap());
    until("it leads", leads);
    let before = last();
    json(&ostler, "queue insert q kind data", &dsn);
    until("it ticks", || last() > before);
    let pid = Pid::from_raw(i32::try_from(serve.0.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert!(serve.0.wait().unwrap().success());
    until("nobody leads", || !leads());
}

#[test]
fn systemd_and_prometheus_hear_of_the_ticker() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let (ostler, dsn) = place(server);
    json(&ostler, "queue install", &dsn);
    let socket = ostler.home().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let hear = |wanted: &str| {
        let mut bytes = [0; 256];
        while !String::from_utf8_lossy(&bytes).starts_with(wanted) {
            bytes.fill(0);
            manager.recv(&mut bytes).unwrap();
        }
    };
    let [port] = free_ports().unwrap();
    let mut command = ostler.command(["queue", "ticker", &format!("--metrics=127.0.0.1:{port}"), &dsn]);
    let ticker = Ticker(command.env("NOTIFY_SOCKET", &socket).spawn().unwrap());
    hear("READY=1");
    let pid = Pid::from_raw(i32::try_from(ticker.0.id()).unwrap()).unwrap();
    until("it leads", || metrics(port).contains("standing=\"leading\"} 1"));
    kill_process(pid, Signal::HUP).unwrap();
    hear("RELOADING=1");
    hear("READY=1");
    kill_process(pid, Signal::TERM).unwrap();
    hear("STOPPING=1");
}

fn metrics(port: u16) -> String {
    use std::io::{Read, Write};

    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else {
        return String::new();
    };
    let mut text = String::new();
    stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let _ = stream.read_to_string(&mut text);
    text
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    let ostler = ostler();
    let refused = ostler.run(["queue", "list", "--dsn", "postgresql://me:hunter2@localhost/db"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("~/.pgpass"), "{}", said(&refused));
    assert!(!said(&refused).contains("hunter2"), "{}", said(&refused));
    let none = ostler.run(["queue", "list"]);
    assert_eq!(none.status.code(), Some(2), "{}", said(&none));
    assert!(said(&none).contains("--dsn"), "{}", said(&none));
}

#[test]
fn the_schema_that_is_printed_installs_by_psql() {
    let Some(server) = shared_postgres(Release::Thirteen) else {
        return;
    };
    let (ostler, database) = (ostler(), server.database());
    let script = ostler.ok(["queue", "install", "--schema-only", "--no-roles"]);
    server.sql(&database, &script);
    let made = server.sql(&database, "SELECT pgq.create_queue('q')");
    assert_eq!(made, [[Some("1".to_owned())]]);
}
