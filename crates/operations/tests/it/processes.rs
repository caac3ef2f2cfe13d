//! A real process, killed by the environment's hook at a step, and its operation resumed by this one.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use ostler_operations::{Engine, Finished, Operation, State};
use ostler_vocabulary::{Failure, SystemClock};
use serde_json::json;

use crate::{done, spec};

/// Each step appends its name to a file, so that one that ran twice shows.
async fn write(op: Operation, log: std::path::PathBuf) -> Result<Finished, Failure> {
    for name in ["one", "two"] {
        op.step(name)
            .run(|_| {
                let mut text = std::fs::read_to_string(&log).unwrap_or_default();
                text.push_str(name);
                text.push(' ');
                std::fs::write(&log, text).unwrap();
                async { Ok(()) }
            })
            .await?;
    }
    op.commit().await?;
    done(json!(null))
}

fn open(directory: &Path) -> Engine {
    Engine::open(directory, Arc::new(SystemClock::default())).unwrap()
}

/// What the child runs; nothing in the parent.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Some(directory) = std::env::var_os("OSTLER_TEST_CHILD") else {
        return;
    };
    let directory = std::path::PathBuf::from(directory);
    let log = directory.join("log");
    let engine = open(&directory);
    let id = engine.start(spec(), move |op| write(op, log)).await.unwrap();
    engine.wait(id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_process_was_killed_is_resumed_where_it_was() {
    for (kill, expected) in [
        ("before:one", "one two "),
        ("after:one", "one two "),
        ("before:two:1", "one two "),
        ("after:two", "one two "),
        ("before:commit", "one two "),
        ("after:commit", "one two "),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["processes::child", "--exact", "--quiet"])
            .env("OSTLER_TEST_CHILD", directory.path())
            .env("OSTLER_TEST_KILL", kill)
            .status()
            .unwrap();
        assert_eq!(status.signal(), Some(9), "{kill}");
        let engine = open(directory.path());
        let record = engine.list(1).unwrap().remove(0);
        assert_eq!(record.state, State::Interrupted, "{kill}");
        let log = directory.path().join("log");
        engine
            .resume(record.id, "count", 2, move |op| write(op, log))
            .await
            .unwrap();
        let record = engine.wait(record.id).await.unwrap();
        assert_eq!(record.state, State::Succeeded, "{kill}: {record:?}");
        assert_eq!(
            std::fs::read_to_string(directory.path().join("log")).unwrap(),
            expected,
            "{kill}"
        );
    }
}
