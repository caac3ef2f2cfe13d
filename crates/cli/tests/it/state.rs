//! What a server knows, taken to another one: the same schedules, people who sign in with the passwords they had, tokens that
//! work.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::servers::new_databases;
use serde_json::{Value, json};

use crate::people::{send, sign_in};
use crate::served::{self, Served};

const ADD: [&str; 5] = ["schedule", "add", "nightly", "--cron", "30 2 * * *"];

/// A server with something of everything, and what it takes to come in.
fn old() -> (Ostler, String, String) {
    let home = served::home();
    home.configure("version = 1\n[outgoing]\nallow = [\"127.0.0.1\"]\n");
    let password = home.json(["user", "add", "ada", "--role", "admin"])["password"].clone();
    home.ok(["user", "add", "grace", "--cluster", "shop"]);
    let token = home
        .ok(["token", "add", "board", "--role", "viewer"])
        .trim()
        .to_owned();
    let documents = home.home().join("documents");
    fs::create_dir(&documents).unwrap();
    let backup = [
        "--keep-daily",
        "7",
        "--",
        "backup",
        "create",
        documents.to_str().unwrap(),
    ];
    home.ok(ADD.iter().chain(&backup));
    home.ok([
        "schedule", "add", "drill", "--after", "nightly", "--", "backup", "drill", "latest",
    ]);
    home.ok(["schedule", "pause", "drill", "--reason", "holidays"]);
    home.ok(["webhook", "add", "pager", "env:PAGER_URL"]);
    home.ok(["webhook", "add", "chat", "http://127.0.0.1:1/hook/s3cret-path"]);
    (home, password.as_str().unwrap().to_owned(), token)
}

fn taken(home: &Ostler, to: &Ostler) -> std::path::PathBuf {
    let file = to.home().join("state.json");
    home.ok(["state", "export", file.to_str().unwrap()]);
    file
}

/// The schedules, without what each server says of their runs.
fn schedules(home: &Ostler) -> Vec<Value> {
    let mut list = home.json(["schedule", "list"]);
    let schedules = list["schedules"].as_array_mut().unwrap();
    for one in &mut *schedules {
        let fields = one.as_object_mut().unwrap();
        for own in ["created", "version", "next", "reasons"] {
            fields.remove(own);
        }
        if let Some(pause) = fields["pause"].as_object_mut() {
            pause.remove("since");
        }
    }
    schedules.clone()
}

#[test]
fn a_new_server_has_the_same_schedules_and_people_come_in_as_before() {
    moves_to(&served::home());
}

#[test]
fn what_was_in_files_goes_on_in_a_database() {
    for dsn in new_databases() {
        let new = served::home();
        new.configure(&format!("version = 1\n[state]\ndsn = \"{dsn}\"\n"));
        moves_to(&new);
        let files = fs::read_dir(new.state()).unwrap().flatten();
        let kept: Vec<_> = files
            .map(|file| file.file_name())
            .filter(|name| is_a_store(name))
            .collect();
        assert!(kept.is_empty(), "{kept:?}");
    }
}

fn is_a_store(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "db")
}

/// Takes what a server with files knows to a new one.
fn moves_to(new: &Ostler) {
    let (old, password, token) = old();
    let file = taken(&old, new);
    let text = fs::read_to_string(&file).unwrap();
    for secret in [password.as_str(), token.as_str(), "s3cret-path", "whsec_"] {
        assert!(!text.contains(secret), "{secret} is in the file");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let import = ["state", "import", file.to_str().unwrap()];

    // It is planned first, and nothing is taken over by that.
    let planned = new.run(import);
    assert_eq!(planned.status.code(), Some(4), "{}", said(&planned));
    assert!(said(&planned).contains("webhook `chat`"), "{}", said(&planned));
    assert_eq!(schedules(new), Vec::<Value>::new());

    let imported = new.json(import.iter().chain(&["--yes"]));
    let actions: Vec<(&str, &str)> = imported["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["name"].as_str().unwrap(), item["action"].as_str().unwrap()))
        .collect();
    assert_eq!(
        actions,
        ["nightly", "drill", "ada", "grace", "board", "pager"].map(|name| (name, "add"))
    );
    assert_eq!(imported["secrets"][0][0], "pager", "{imported:#}");
    assert_eq!(schedules(new), schedules(&old));
    assert_eq!(new.json(["user", "list"]), old.json(["user", "list"]));
    assert_eq!(new.json(["token", "list"]), old.json(["token", "list"]));

    let server = Served::start(new, &[]);
    let port = server.port();
    assert_eq!(sign_in(port, "ada", "another password").status, 401);
    assert_eq!(sign_in(port, "ada", &password).status, 303);
    let bearer = format!("Bearer {token}");
    let answer = send(port, "GET", "/v1/vaults", &[("authorization", &bearer)], "");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(server.stop(), Some(0));
    let log = new.json(["audit", "list", "--what", "state import"]);
    assert_eq!(log["changes"][0]["state"], "done", "{log:#}");

    // Once more, nothing is left to be done.
    let again = new.json(import);
    let items = again["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["action"] == "same"), "{again:#}");
}

#[test]
fn what_is_another_one_here_is_named_and_left_alone() {
    let (old, _, _) = old();
    let new = served::home();
    new.ok(["user", "add", "ada", "--role", "viewer"]);
    new.ok([
        "schedule", "add", "nightly", "--cron", "@weekly", "--", "vault", "check",
    ]);
    let (users, mine) = (new.json(["user", "list"]), schedules(&new));
    let file = taken(&old, &new);
    let imported = new.run(["state", "import", file.to_str().unwrap(), "--yes"]);
    assert_eq!(imported.status.code(), Some(3), "{}", said(&imported));
    for text in [
        "ada",
        "there is another user of that name here",
        "there is another schedule",
    ] {
        assert!(said(&imported).contains(text), "no {text} in {}", said(&imported));
    }
    let now = new.json(["user", "list"]);
    assert_eq!(now["users"][0], users["users"][0]);
    assert_eq!(now["users"][1]["name"], "grace");
    let now = schedules(&new);
    let nightly = now.iter().find(|one| one["name"] == "nightly");
    assert_eq!(nightly, mine.first());
}

#[test]
fn a_file_that_was_changed_or_is_there_is_refused() {
    let (old, _, _) = old();
    let new = served::home();
    let file = taken(&old, &new);
    let path = file.to_str().unwrap();
    let again = old.run(["state", "export", path]);
    assert_ne!(again.status.code(), Some(0), "{}", said(&again));
    let text = fs::read_to_string(&file).unwrap();
    let changed = text.replacen("\"role\": \"viewer\"", "\"role\": \"admin\"", 1);
    assert_ne!(changed, text);
    fs::write(&file, changed).unwrap();
    let refused = new.run(["state", "import", path, "--yes"]);
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert_eq!(new.json(["user", "list"])["users"], json!([]));
}
