//! A real process, killed by the environment's hook at a step, and its operation resumed by this one.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use ostler_operations::{Engine, Finished, Operation, State, StoredJournal};
use ostler_vocabulary::{ErrorKind, Failure, SystemClock, Unit};
use serde_json::json;

use crate::{done, doomed_engine, engine, spec};

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
        let record = engine.list(1, None).unwrap().remove(0);
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

#[tokio::test(flavor = "multi_thread")]
async fn many_engines_work_on_one_file_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let engines: Vec<_> = (0..3).map(|_| open(directory.path())).collect();
    let mut all = Vec::new();
    for round in 0..4 {
        for engine in &engines {
            let id = engine
                .start(spec(), move |op: Operation| async move {
                    for key in 0..5 {
                        op.step("add")
                            .key(key.to_string())
                            .run(|_| async { Ok(round) })
                            .await?;
                    }
                    op.commit().await?;
                    done(json!(round))
                })
                .await
                .unwrap();
            all.push((engine, id));
        }
    }
    for (engine, id) in all {
        let record = engine.wait(id).await.unwrap();
        assert_eq!(
            (record.state, record.steps.len()),
            (State::Succeeded, 6),
            "{record:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_take_over_one_operation_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    let open_journal = || Arc::new(StoredJournal::open(&directory.path().into()).unwrap());
    let lost = doomed_engine(open_journal());
    let id = lost
        .start(spec(), |op: Operation| async move {
            op.cancelled().cancelled().await;
            done(json!(null))
        })
        .await
        .unwrap();
    let rivals: Vec<_> = (0..4).map(|_| engine(open_journal())).collect();
    let answers = futures::future::join_all(rivals.iter().map(|rival| {
        rival.resume(id, "count", 2, |op: Operation| async move {
            op.step("work")
                .run(|step| async move {
                    step.cancelled.cancelled().await;
                    Ok(())
                })
                .await?;
            done(json!(null))
        })
    }))
    .await;
    let winners = answers.iter().filter(|answer| answer.is_ok()).count();
    let busy = |answer: &Result<(), Failure>| matches!(answer, Err(e) if e.kind() == ErrorKind::Busy);
    assert_eq!(
        (winners, answers.iter().filter(|a| busy(a)).count()),
        (1, 3),
        "{answers:?}"
    );
    for rival in &rivals {
        rival.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_journaled_while_the_step_runs() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Arc::new(StoredJournal::open(&directory.path().into()).unwrap());
    let (owner, other) = (engine(journal), open(directory.path()));
    let id = owner
        .start(spec(), |op: Operation| async move {
            op.step("read")
                .unit(Unit::Bytes)
                .run(|step| async move {
                    step.progress.add_total(9);
                    step.progress.add_done(4);
                    step.cancelled.cancelled().await;
                    step.progress.add_done(5);
                    Ok(())
                })
                .await?;
            done(json!(null))
        })
        .await
        .unwrap();
    while other.get(id).unwrap().bytes != 4 {
        tokio::task::yield_now().await;
    }
    owner.cancel(id, true).await.unwrap();
    assert_eq!(owner.wait(id).await.unwrap().bytes, 9);
}
