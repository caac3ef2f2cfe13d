//! Processes that run schedules, killed wherever it hurts.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use ostler_testkit::random::Random;

use super::world::{Serve, add, firings, good, home, nothing_is_lost_or_doubled, until};

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
