//! Who changed what: by commands and through a server, done and refused, and nothing that is secret.

use std::fs;
use std::process::Command;

use ostler_testkit::binary::{Ostler, said};
use serde_json::{Value, json};

use crate::served::{self, Served};

fn log(home: &Ostler) -> Vec<Value> {
    let log = home.json(["audit", "list", "--limit", "1000"]);
    log["changes"].as_array().unwrap().clone()
}

/// The newest change with this action.
fn newest(home: &Ostler, action: &str) -> Value {
    let found = log(home).into_iter().find(|one| one["action"] == action);
    found.unwrap_or_else(|| panic!("nobody did {action}: {:#?}", log(home)))
}

fn home() -> Ostler {
    let home = served::home();
    home.configure("version = 1\n[outgoing]\nallow = [\"127.0.0.1\"]\n");
    fs::create_dir(home.home().join("documents")).unwrap();
    fs::write(home.home().join("documents/letter"), "Dear reader").unwrap();
    home
}

#[test]
fn a_change_has_who_what_before_and_after_and_one_that_is_refused_says_why() {
    let home = home();
    assert_eq!(log(&home), Vec::<Value>::new());
    home.ok(["backup", "create", "documents"]);
    let created = newest(&home, "create backup");
    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    assert_eq!(
        created["who"],
        String::from_utf8(user).unwrap().trim(),
        "{created:#}"
    );
    assert_eq!(
        (&created["state"], &created["by"], &created["address"]),
        (&json!("done"), &json!("command"), &Value::Null)
    );
    let operations = home.json(["operation", "list"]);
    assert_eq!(
        created["after"]["operation"], operations["operations"][0]["id"],
        "{created:#}"
    );

    home.ok(["backup", "hold", "latest", "--reason", "for the auditor"]);
    let held = newest(&home, "backup hold");
    assert_eq!(
        (&held["before"]["held"], &held["after"]["held"]),
        (&json!(false), &json!(true))
    );

    let add = [
        "schedule",
        "add",
        "nightly",
        "--cron",
        "@daily",
        "--",
        "backup",
        "create",
        "documents",
    ];
    home.ok(add);
    home.ok(["schedule", "edit", "nightly", "--cron", "@weekly"]);
    let edited = newest(&home, "schedule edit");
    assert_eq!(edited["object"], "nightly");
    let triggers = (&edited["before"]["trigger"], &edited["after"]["trigger"]);
    assert_eq!(
        triggers,
        (&json!({"cron": "@daily"}), &json!({"cron": "@weekly"})),
        "{edited:#}"
    );
    let refused = home.run(add);
    assert_ne!(refused.status.code(), Some(0), "{}", said(&refused));
    let refused = newest(&home, "schedule add");
    assert_eq!(refused["state"], "refused", "{refused:#}");
    let why = refused["failure"].as_str().unwrap();
    assert!(why.contains("nightly"), "{refused:#}");

    // It is asked for in part.
    let actions = |words: &[&str]| {
        let found = home.json(["audit", "list"].iter().chain(words));
        let changes = found["changes"].as_array().unwrap().clone();
        changes
            .iter()
            .map(|one| one["action"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        actions(&["--what", "schedule"]),
        ["schedule add", "schedule edit", "schedule add"]
    );
    let below = held["number"].to_string();
    assert_eq!(actions(&["--below", &below, "--since", "1d"]), ["create backup"]);
    assert!(actions(&["--who", "nobody-of-that-name"]).is_empty());

    // Who only looks changes nothing.
    let before = log(&home).len();
    home.ok(["schedule", "list"]);
    home.ok(["backup", "list"]);
    home.ok(["metrics"]);
    assert_eq!(log(&home).len(), before);
}

#[test]
fn what_is_asked_of_a_server_is_of_who_asked_from_where_and_no_secret_is_written_down() {
    let home = home();
    let added = home.json(["token", "add", "laptop", "--role", "admin"]);
    let token = added["token"].as_str().unwrap().to_owned();
    assert_eq!(
        newest(&home, "token add")["after"],
        json!({"role": "admin", "clusters": null})
    );
    let server = Served::start(&home, &[]);
    let remote = |words: &[&str]| {
        let done = home
            .command(["--server", &server.url].iter().chain(words))
            .env("OSTLER_TOKEN", &token)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", said(&done));
        serde_json::from_slice::<Value>(&done.stdout).unwrap()
    };
    let json = ["--output", "json"];
    let address = "http://127.0.0.1:9/s3cret-path";
    let hook = remote(&[&["webhook", "add", "pager", address], &json[..]].concat());
    remote(&[&["webhook", "remove", "pager"], &json[..]].concat());
    let removed = newest(&home, "webhook remove");
    assert_eq!(
        (&removed["who"], &removed["by"], &removed["address"]),
        (&json!("laptop"), &json!("token"), &json!("127.0.0.1"))
    );
    assert_eq!(removed["before"]["name"], "pager", "{removed:#}");
    assert_eq!(removed["after"], Value::Null, "{removed:#}");
    let push = [
        "schedule", "add", "nightly", "--cron", "@daily", "--push", address,
    ];
    home.ok([&push[..], &["--", "backup", "create", "documents"]].concat());
    let push = &newest(&home, "schedule add")["after"]["push"];
    assert_eq!(push, &json!({"url": "http://127.0.0.1/…"}));
    let dsn = "postgresql://ada:hunter2@127.0.0.1:1/shop";
    let refused = home.run(["queue", "create", "orders", "--dsn", dsn]);
    assert_ne!(refused.status.code(), Some(0), "{}", said(&refused));
    // The same log, whoever asks, page by page.
    let asked = remote(&[&["audit", "list", "--limit", "1000"], &json[..]].concat());
    assert_eq!(asked["changes"].as_array().unwrap(), &log(&home));
    home.ok(["token", "remove", "laptop"]);
    let removed = newest(&home, "token remove");
    assert_eq!(
        (&removed["object"], &removed["before"]["role"]),
        (&json!("laptop"), &json!("admin"))
    );
    assert_eq!(server.stop(), Some(0));

    let secrets = [
        token.as_str(),
        hook["secret"].as_str().unwrap(),
        "s3cret-path",
        "hunter2",
    ];
    for entry in fs::read_dir(home.state()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("audit.db") {
            let bytes = fs::read(entry.path()).unwrap();
            for secret in secrets {
                let mut windows = bytes.windows(secret.len());
                assert!(
                    !windows.any(|window| window == secret.as_bytes()),
                    "{name} has {secret}"
                );
            }
        }
    }
}

#[test]
fn it_is_shortened_by_its_rule() {
    let home = home();
    home.ok(["backup", "create", "documents"]);
    assert_eq!(log(&home).len(), 1);
    home.configure("version = 1\n[audit]\nkeep = \"1ms\"\n");
    // An operation forgets what is too old, this time what was asked for before it.
    home.ok(["backup", "create", "documents"]);
    let left = log(&home);
    assert!(left.iter().all(|one| one["number"] != json!(1)), "{left:#?}");
}
