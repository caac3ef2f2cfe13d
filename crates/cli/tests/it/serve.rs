//! `ostler serve` as it is started without a word about roles, and what the command line knows of it.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::servers::free_ports;

use crate::receiver::ask;
use crate::served::{self, Served};

fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_scheduled(home: &Ostler) -> bool {
    home.json(["schedule", "list"])["scheduler"]["alive"] == true
}

fn link(home: &Ostler) -> Option<i32> {
    home.run(["token", "link"]).status.code()
}

#[test]
fn without_a_word_it_schedules_and_listens_and_whoever_is_killed_is_not_said_to() {
    let home = served::home();
    let [port] = free_ports().unwrap();
    assert_eq!(link(&home), Some(7));
    let server = Served::serving(&home, port, &[]);
    assert!(server.link.is_some(), "the first admin is told how to come in");
    until("the scheduler", || is_scheduled(&home));
    let linked = home.json(["token", "link"]);
    assert!(
        linked["url"].as_str().unwrap().starts_with(&server.url),
        "{linked:#}"
    );
    // On this machine too nobody is answered without a token.
    assert_eq!(ask(port, "GET", "/v1/vaults", "", "").0, 401);
    assert_eq!(ask(port, "GET", "/metrics", "", "").0, 401);
    server.kill();
    assert_eq!(link(&home), Some(7), "nobody listens any more");
    let server = Served::serving(&home, port, &[]);
    assert_eq!(link(&home), Some(0));
    assert_eq!(server.stop(), Some(0));
    assert_eq!(link(&home), Some(7));
}

#[test]
fn a_port_that_is_taken_stops_no_other_role() {
    let home = served::home();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let log = std::fs::File::create(home.home().join("serve.log")).unwrap();
    let mut server = home
        .command(["serve", "--listen", &listen])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    until("the scheduler", || is_scheduled(&home));
    let report = || std::fs::read_to_string(home.state().join("serve.json")).unwrap_or_default();
    until("the report of a failure", || {
        report().contains("cannot listen on")
    });
    let refused = home.run(["token", "link"]);
    assert_eq!(refused.status.code(), Some(7), "{}", said(&refused));
    // It is there by itself as soon as it can.
    drop(taken);
    until("the server to listen", || link(&home) == Some(0));
    server.kill().unwrap();
    server.wait().unwrap();
}
