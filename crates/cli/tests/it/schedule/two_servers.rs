//! Two servers over one state in PostgreSQL: one is killed and the other goes on; the database is started again.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;

use ostler_testkit::binary::Ostler;
use ostler_testkit::clock::wrong_clock;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{Postgres, free_ports, postgres, shared_postgres};
use ostler_vocabulary::Timestamp;

use super::world::{Serve, add, firings, good, nothing_is_lost_or_doubled, time, until};
use crate::receiver::ask;
use crate::served::Served;

/// Two homes with one state and one vault, which has a backup of the documents of the first.
fn homes(server: &Postgres, database: &str) -> [Ostler; 2] {
    let state = format!("version = 1\n[state]\ndsn = \"{}\"\n", server.url(database));
    let first = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    first.configure(&state);
    fs::create_dir(first.home().join("documents")).unwrap();
    fs::write(first.home().join("documents/letter"), "Dear reader,\n").unwrap();
    first.ok(["backup", "create", "documents"]);
    let second = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    second.configure(&format!(
        "{state}[vault.default]\nlocation = \"{}\"\nkey = {{ file = \"{}\" }}\n",
        first.vault().display(),
        first.key().display()
    ));
    [first, second]
}

fn is_scheduled(home: &Ostler) -> bool {
    home.json(["schedule", "list"])["scheduler"]["alive"] == true
}

fn all_ended(home: &Ostler) -> bool {
    firings(home, "tick").iter().all(|one| !one["ended"].is_null())
}

#[test]
fn one_is_killed_while_it_schedules_and_backs_up_and_the_other_goes_on() {
    for (release, kill) in [
        (Release::Thirteen, "after:firing record"),
        (Release::Fifteen, "after:firing start"),
        (Release::Eighteen, "before:write record"),
        (Release::Eighteen, "after:write record"),
    ] {
        let Some(server) = shared_postgres(release) else {
            continue;
        };
        let [first, second] = homes(server, &server.database());
        let mut killed = Serve::with(&first, &[("OSTLER_TEST_KILL", kill)]);
        until(&first, "the first server to schedule", || is_scheduled(&first));
        let goes_on = Serve::start(&second);
        let add_from = format!(
            "tick --every 1s -- backup create {}/documents",
            first.home().display()
        );
        add(&second, &add_from);
        let mut ended = None;
        until(&first, kill, || {
            ended = killed.0.try_wait().unwrap();
            ended.is_some()
        });
        assert_eq!(
            ended.unwrap().signal(),
            Some(9),
            "{kill}: the first one had the lease"
        );
        until(&second, kill, || good(&second, "tick") >= 3);
        second.ok(["schedule", "pause", "tick"]);
        until(&second, kill, || all_ended(&second));
        goes_on.stop();
        for list in [["operation", "list"], ["backup", "list"], ["token", "list"]] {
            assert_eq!(first.json(list), second.json(list), "{list:?}");
        }
        nothing_is_lost_or_doubled(&second, "tick", 1000);
        assert!(
            firings(&first, "tick").iter().all(|one| one["state"] != "failed"),
            "{kill}"
        );
    }
}

#[test]
fn a_server_whose_clock_jumps_decides_on_nothing_that_is_to_come_and_does_not_lead() {
    let (Some(server), Some(clock)) = (shared_postgres(Release::Fifteen), wrong_clock()) else {
        return;
    };
    let [first, second] = homes(server, &server.database());
    let shown = first.home().join("clock");
    fs::write(&shown, "+0").unwrap();
    let jumps = Serve::changed(&first, |command| clock.follow(command, &shown));
    until(&first, "the first server to schedule", || is_scheduled(&first));
    let _right = Serve::start(&second);
    add(
        &second,
        &format!(
            "tick --every 1s --missed once -- backup create {}/documents",
            first.home().display()
        ),
    );
    until(&second, "a run", || good(&second, "tick") >= 1);
    fs::write(&shown, "+2h").unwrap();
    until(&first, "the first server to say so", || {
        let log = fs::read_to_string(first.home().join("serve.log")).unwrap();
        log.contains("ahead of that of the state's database")
    });
    let before = good(&second, "tick");
    until(&second, "runs by the other server", || {
        good(&second, "tick") >= before + 2
    });
    fs::write(&shown, "+0").unwrap();
    second.ok(["schedule", "pause", "tick"]);
    until(&second, "the end of all runs", || all_ended(&second));
    drop(jumps);
    let now = Timestamp::now().as_millisecond();
    for one in firings(&second, "tick") {
        assert!(time(&one["due"]) <= now, "{one:#}");
        assert!(one["missed"].as_u64().unwrap_or(0) < 60, "{one:#}");
    }
}

#[test]
fn any_server_answers_whoever_may_come_in_anywhere() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let [first, second] = homes(server, &server.database());
    let token = first.json(["token", "add", "grafana", "--role", "viewer"]);
    let token = token["token"].as_str().unwrap().to_owned();
    let answers = [&first, &second].map(|home| {
        let [port] = free_ports().unwrap();
        let served = Served::serving(home, port, &[]);
        let answer = ask(port, "GET", "/v1/operations", &token, "");
        (served, answer)
    });
    let [(one, first_answer), (_other, second_answer)] = answers;
    assert_eq!(first_answer.0, 200);
    assert_eq!(first_answer, second_answer);
    one.kill();
    assert_eq!(second.json(["token", "list"]), first.json(["token", "list"]));
}

#[test]
fn a_database_that_is_started_again_under_two_servers_loses_and_doubles_nothing() {
    let Some(mut server) = postgres(Release::Fifteen) else {
        return;
    };
    let database = server.database();
    let [first, second] = homes(&server, &database);
    add(
        &first,
        &format!(
            "tick --every 1s -- backup create {}/documents",
            first.home().display()
        ),
    );
    let serving = [&first, &second].map(Serve::start);
    for _ in 0..2 {
        let before = good(&second, "tick");
        until(&second, "runs", || good(&second, "tick") > before);
        server.stop();
        server.start_again().unwrap();
    }
    let before = good(&second, "tick");
    until(&second, "runs after the last start", || {
        good(&second, "tick") > before
    });
    second.ok(["schedule", "pause", "tick"]);
    until(&second, "the end of all runs", || all_ended(&second));
    serving.into_iter().for_each(Serve::stop);
    nothing_is_lost_or_doubled(&first, "tick", 1000);
}
