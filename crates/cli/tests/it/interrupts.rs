//! Ctrl-C and SIGTERM: what the command does with them, and what becomes of a real process.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ostler::Interrupt;
use ostler_testkit::binary::{Ostler, said};
use tempfile::TempDir;

use crate::fake::Script;
use crate::run::run;

fn cancels() -> Script {
    // `empty` makes the fake end at the first cancel.
    Script {
        runs_for_ever: true,
        empty: true,
        ..Script::default()
    }
}

fn goes_on_until_left() -> Script {
    Script {
        runs_for_ever: true,
        ..Script::default()
    }
}

#[test]
fn the_first_ctrl_c_cancels_and_says_so() {
    let done = run("backup create /tmp")
        .script(cancels())
        .interrupted(&[Interrupt::Keyboard])
        .done();
    assert!(
        done.asked.contains(&"cancel, leave: false".to_owned()),
        "{:?}",
        done.asked
    );
    insta::assert_snapshot!(done.to_string());
}

#[test]
fn the_second_ctrl_c_leaves_it_resumable() {
    let twice = [Interrupt::Keyboard, Interrupt::Keyboard];
    let done = run("backup create /tmp")
        .script(goes_on_until_left())
        .interrupted(&twice)
        .done();
    assert!(
        done.asked.contains(&"cancel, leave: true".to_owned()),
        "{:?}",
        done.asked
    );
    insta::assert_snapshot!(done.to_string());
}

#[test]
fn a_service_that_is_stopped_leaves_its_operation_resumable() {
    let done = run("backup create /tmp")
        .script(goes_on_until_left())
        .interrupted(&[Interrupt::Terminate])
        .done();
    assert!(
        done.asked.contains(&"cancel, leave: true".to_owned()),
        "{:?}",
        done.asked
    );
    assert_eq!(done.code, 130);
}

#[test]
fn ctrl_c_ends_the_watching_and_not_the_operation() {
    let done = run("operation watch 8c01")
        .script(goes_on_until_left())
        .interrupted(&[Interrupt::Keyboard])
        .done();
    assert!(
        !done.asked.iter().any(|asked| asked.starts_with("cancel")),
        "{:?}",
        done.asked
    );
    insta::assert_snapshot!(done.to_string());
}

/// Starts a backup whose hook sleeps, and waits until the hook runs.
fn sleeping_backup(ostler: &Ostler, source: &Path) -> Child {
    let began = ostler.home().join("began");
    let hook = format!("touch '{}'; exec sleep 60", began.display());
    let child = ostler
        .command(["backup", "create", source.to_str().unwrap(), "--before", &hook])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !began.exists() {
        assert!(Instant::now() < deadline, "the hook never began");
        std::thread::yield_now();
    }
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn ctrl_c_cancels_an_operation_and_its_command_exits_with_130() {
    let (ostler, source) = (Ostler::new(env!("CARGO_BIN_EXE_ostler")), TempDir::new().unwrap());
    let child = sleeping_backup(&ostler, source.path());
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(said(&output).contains("cancelling"), "{}", said(&output));
    assert_eq!(
        ostler.json(["operation", "list"])["operations"][0]["state"],
        "cancelled"
    );
    ostler.ok(["backup", "create", source.path().to_str().unwrap()]);
}

#[test]
fn a_terminated_operation_is_left_and_can_be_resumed() {
    let (ostler, source) = (Ostler::new(env!("CARGO_BIN_EXE_ostler")), TempDir::new().unwrap());
    let child = sleeping_backup(&ostler, source.path());
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(
        said(&output).contains("ostler operation resume"),
        "{}",
        said(&output)
    );
    let operation = ostler.json(["operation", "list"])["operations"][0].clone();
    assert_eq!(operation["state"], "interrupted");
    let resumed = ostler
        .command(["operation", "resume", operation["id"].as_str().unwrap()])
        .spawn()
        .unwrap();
    signal(&resumed, "KILL");
    drop(resumed.wait_with_output());
    assert_ne!(
        ostler.json(["operation", "list"])["operations"][0]["state"],
        "running"
    );
}
