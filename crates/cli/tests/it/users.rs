//! Users with passwords against a real server: coming in, guessing, other passwords, leaving.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use ostler_testkit::binary::{Ostler, said};
use serde_json::json;

use crate::people::{form, send, sign_in};
use crate::served::{self, Served};

fn add(home: &Ostler, name: &str, role: &str) -> String {
    let added = home.json(["user", "add", name, "--role", role]);
    added["password"].as_str().unwrap().to_owned()
}

#[test]
fn a_user_comes_in_with_the_right_password_only_and_until_it_is_changed() {
    let home = served::home();
    let password = add(&home, "ada", "operator");
    let server = Served::start(&home, &[]);
    assert_eq!(server.link, None, "somebody can come in already");
    let port = server.port();
    for (name, wrong) in [("ada", "not the password"), ("eve", password.as_str())] {
        let answer = sign_in(port, name, wrong);
        assert_eq!(answer.status, 401, "{name}");
        assert!(
            answer.body.contains("the name or the password is wrong"),
            "{}",
            answer.body
        );
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let entered = sign_in(port, "ada", &password);
    assert_eq!(entered.status, 303, "{}", entered.body);
    let cookie = entered.cookie();
    let given = &entered.headers["set-cookie"];
    assert!(
        given.contains("HttpOnly") && given.contains("SameSite=Lax"),
        "{given}"
    );
    let page = send(port, "GET", "/", &[("cookie", &cookie)], "");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("ada"), "{}", page.body);

    // What they do is theirs in the log, and only with the form's token.
    let documents = home.home().join("documents");
    fs::create_dir(&documents).unwrap();
    fs::write(documents.join("letter"), "Dear reader").unwrap();
    let path = documents.display().to_string().replace('/', "%2F");
    let plan = format!("action=create_backup&path={path}");
    assert_eq!(form(port, "/plans", &cookie, &plan).status, 403);
    let signed = format!("{plan}&form_token={}", page.form_token());
    let planned = form(port, "/plans", &cookie, &signed);
    assert_eq!(planned.status, 200, "{}", planned.body);
    let (_, digest) = planned.body.split_once("name=\"digest\" value=\"").unwrap();
    let digest = digest.split('"').next().unwrap();
    let start = format!("digest={digest}&form_token={}", page.form_token());
    assert_eq!(form(port, "/operations", &cookie, &start).status, 303);
    let log = home.json(["audit", "list", "--what", "create backup"]);
    assert_eq!(
        (&log["changes"][0]["who"], &log["changes"][0]["by"]),
        (&json!("ada"), &json!("user")),
        "{log:#}"
    );

    // Another password ends the session; the old one does not come in any more.
    let file = home.home().join("password");
    fs::write(&file, "a password of my own\n").unwrap();
    let file = file.display().to_string();
    home.ok(["user", "password", "ada", "--password-file", &file]);
    let gone = send(port, "GET", "/", &[("cookie", &cookie)], "");
    assert_eq!(gone.status, 303);
    assert_eq!(sign_in(port, "ada", &password).status, 401);
    let entered = sign_in(port, "ada", "a+password+of+my+own");
    assert_eq!(entered.status, 303, "{}", entered.body);
    let page = send(port, "GET", "/", &[("cookie", &entered.cookie())], "");
    let leave = format!("form_token={}", page.form_token());
    assert_eq!(form(port, "/sign-out", &entered.cookie(), &leave).status, 303);
    let left = send(port, "GET", "/", &[("cookie", &entered.cookie())], "");
    assert_eq!(left.status, 303);
    assert_eq!(left.headers["location"], "/sign-in");

    // Whoever is removed is out at once.
    let entered = sign_in(port, "ada", "a+password+of+my+own");
    home.ok(["user", "remove", "ada"]);
    assert_eq!(
        send(port, "GET", "/", &[("cookie", &entered.cookie())], "").status,
        303
    );
    assert_eq!(home.run(["user", "remove", "ada"]).status.code(), Some(7));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn who_guesses_passwords_waits_and_is_told_how_long() {
    let home = served::home();
    add(&home, "ada", "viewer");
    let server = Served::start(&home, &[]);
    let port = server.port();
    // Some attempts cost nothing; then whoever asks from there waits, whatever they ask with.
    let mut refused = None;
    for _ in 0..30 {
        let answer = sign_in(port, "ada", "guess+after+guess");
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status, 401);
    }
    let refused = refused.expect("nobody was made to wait");
    assert!(refused.body.contains("too many attempts"), "{}", refused.body);
    assert!(!refused.headers.contains_key("set-cookie"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn passwords_come_from_files_or_are_made_and_are_kept_nowhere() {
    let home = served::home();
    let made = add(&home, "ada", "admin");
    let mut child = home
        .command(["user", "add", "bob", "--password-file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let given = "correct horse battery staple";
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(format!("{given}\nsecond line\n").as_bytes())
        .unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    let listed = home.json(["user", "list"]);
    assert_eq!(listed["users"][0]["name"], "ada", "{listed:#}");
    assert_eq!(
        (&listed["users"][1]["name"], &listed["users"][1]["role"]),
        (&json!("bob"), &json!("viewer"))
    );
    let short = home.home().join("short");
    fs::write(&short, "elevenchars").unwrap();
    let short = short.display().to_string();
    for (words, code, why) in [
        (
            &["user", "add", "eve", "--password-file", &short][..],
            2,
            "shorter than 12",
        ),
        (&["user", "add", "ada"], 4, "already"),
        (&["user", "add", "a b"], 2, "no name"),
        (&["user", "password", "eve"], 7, "no user"),
    ] {
        let refused = home.run(words);
        assert_eq!(refused.status.code(), Some(code), "{words:?}: {}", said(&refused));
        assert!(said(&refused).contains(why), "{words:?}: {}", said(&refused));
    }
    let log = home.json(["audit", "list", "--who", "nobody"]);
    assert_eq!(log["changes"], json!([]));
    for entry in fs::read_dir(home.state()).unwrap().flatten() {
        if entry.path().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            for secret in [made.as_str(), given] {
                let mut windows = bytes.windows(secret.len());
                let found = windows.any(|window| window == secret.as_bytes());
                assert!(!found, "{} has a password", entry.path().display());
            }
        }
    }
}
