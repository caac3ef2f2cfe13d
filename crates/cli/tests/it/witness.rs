//! Who came in, who did not, and what was refused: in the audit log, without secrets, and no more of it than a disk holds;
//! and changes whose caller goes away.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use ostler_testkit::binary::Ostler;
use serde_json::{Value, json};

use crate::people::{form, send, sign_in};
use crate::served::{self, Served};

fn log(home: &Ostler) -> Vec<Value> {
    let log = home.json(["audit", "list", "--limit", "100000"]);
    log["changes"].as_array().unwrap().clone()
}

/// Of each line, in the order in which they were written: who, by what, what, to what, how it went.
fn lines(log: &[Value]) -> Vec<[&str; 5]> {
    log.iter()
        .rev()
        .map(|one| {
            ["who", "by", "action", "object", "state"].map(|name| one[name].as_str().unwrap_or_default())
        })
        .collect()
}

#[test]
fn sign_ins_and_refusals_are_written_down_without_secrets() {
    let home = served::home();
    let added = home.json(["user", "add", "ada", "--role", "viewer"]);
    let password = added["password"].as_str().unwrap().to_owned();
    let viewer = home
        .ok(["token", "add", "board", "--role", "viewer"])
        .trim()
        .to_owned();
    let scoped = ["token", "add", "shop", "--role", "operator", "--cluster", "shop"];
    let scoped = home.ok(scoped).trim().to_owned();
    let server = Served::start(&home, &[]);
    let port = server.port();
    let before = log(&home).len();

    let bearer = |token: &str| format!("Bearer {token}");
    assert_eq!(sign_in(port, "ada", "wrong-password").status, 401);
    assert_eq!(sign_in(port, "typed-password", "wrong-password").status, 401);
    let entered = sign_in(port, "ada", &password);
    assert_eq!(entered.status, 303);
    let guess = bearer("ostler_guessed");
    let answer = send(port, "GET", "/v1/backups", &[("authorization", &guess)], "");
    assert_eq!(answer.status, 401);
    let link = form(port, "/enter/ostler_guessed", "", "");
    assert_eq!(link.status, 403);
    let plan = r#"{"kind": "check_vault"}"#;
    let answer = send(
        port,
        "POST",
        "/v1/plans",
        &[("authorization", &bearer(&viewer))],
        plan,
    );
    assert_eq!(answer.status, 403);
    let answer = send(
        port,
        "GET",
        "/v1/vaults",
        &[("authorization", &bearer(&scoped))],
        "",
    );
    assert_eq!(answer.status, 403);
    // Without the form's token, and by a role that is not enough: both are seen.
    assert_eq!(form(port, "/sign-out", &entered.cookie(), "").status, 403);
    let page = send(port, "GET", "/audit", &[("cookie", &entered.cookie())], "");
    assert_eq!(page.status, 403);
    // What is nobody's, and what is let through, is not.
    assert_eq!(send(port, "GET", "/v1/backups", &[], "").status, 401);
    let cookie = [("cookie", entered.cookie())];
    let cookie: Vec<(&str, &str)> = cookie
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(send(port, "GET", "/schedules", &cookie, "").status, 200);

    let all = log(&home);
    assert_eq!(
        lines(&all)[before..],
        [
            ["ada", "user", "sign in", "dashboard", "refused"],
            ["unknown", "user", "sign in", "dashboard", "refused"],
            ["ada", "user", "sign in", "dashboard", "done"],
            ["unknown", "token", "sign in", "api", "refused"],
            ["unknown", "link", "sign in", "dashboard", "refused"],
            ["board", "token", "request", "POST /v1/plans", "refused"],
            ["shop", "token", "request", "GET /v1/vaults", "refused"],
            ["ada", "user", "request", "POST /sign-out", "refused"],
            ["ada", "user", "request", "GET /audit", "refused"],
        ]
    );
    let newest = &all[0];
    assert_eq!(newest["address"], "127.0.0.1", "{newest:#}");
    assert!(
        newest["failure"].as_str().unwrap().contains("is a viewer"),
        "{newest:#}"
    );
    let text = serde_json::to_string(&all).unwrap();
    for secret in [
        password.as_str(),
        "wrong-password",
        "typed-password",
        "guessed",
        &viewer,
    ] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn who_guesses_fills_no_disk() {
    let home = served::home();
    let server = Served::start(&home, &[]);
    for _ in 0..300 {
        let guess = [("authorization", "Bearer ostler_guessed")];
        let answer = send(server.port(), "GET", "/v1/backups", &guess, "");
        assert!(matches!(answer.status, 401 | 429), "{}", answer.status);
    }
    let all = log(&home);
    let guesses = all.iter().filter(|one| one["action"] == "sign in").count();
    // Twenty at once, and one more every three minutes.
    assert!((20..60).contains(&guesses), "{guesses}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_change_is_made_and_written_down_though_its_caller_goes_away() {
    let home = served::home();
    home.configure("version = 1\n[outgoing]\nallow = [\"127.0.0.1\"]\n");
    let token = home
        .ok(["token", "add", "ada", "--role", "admin"])
        .trim()
        .to_owned();
    let receiver = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://127.0.0.1:{}/", receiver.local_addr().unwrap().port());
    home.ok(["webhook", "add", "pager", &url]);
    let server = Served::start(&home, &[]);

    // The webhook is tested, and while its receiver thinks, whoever asked for that is gone.
    let call = r#"{"call": "test", "name": "pager"}"#;
    let mut asked = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    let head = format!(
        "POST /v1/webhooks HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        call.len()
    );
    asked.write_all(format!("{head}{call}").as_bytes()).unwrap();
    let (mut told, _) = receiver.accept().unwrap();
    let mut some = [0; 64];
    assert!(told.read(&mut some).unwrap() > 0);
    let state = || {
        let all = log(&home);
        let test = all.iter().find(|one| one["action"] == "webhook test");
        test.unwrap()["state"].clone()
    };
    assert_eq!(state(), json!("asked"));
    drop(asked);
    // The server answers others in the meantime, and had the time to see it.
    for _ in 0..3 {
        let answer = send(server.port(), "GET", "/sign-in", &[], "");
        assert_eq!(answer.status, 200);
    }
    told.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .unwrap();
    let start = Instant::now();
    while state() != json!("done") {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the change is {}",
            state()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.stop(), Some(0));
}
