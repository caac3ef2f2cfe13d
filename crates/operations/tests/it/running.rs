//! Start, step, resume, cancel, watch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ostler_operations::{Engine, Event, Finished, Operation, Spec, State};
use ostler_vocabulary::{ErrorKind, Failure, SystemClock};
use serde_json::json;

fn engines() -> Vec<(Engine, Option<tempfile::TempDir>)> {
    let clock = Arc::new(SystemClock::default());
    let directory = tempfile::tempdir().unwrap();
    vec![
        (Engine::in_memory(clock.clone()), None),
        (Engine::open(directory.path(), clock).unwrap(), Some(directory)),
    ]
}

fn spec() -> Spec {
    Spec {
        kind: "count",
        version: 1,
        subject: "numbers".into(),
        plan: json!({"to": 3}),
    }
}

fn done(outcome: serde_json::Value) -> Result<Finished, Failure> {
    Ok(Finished {
        outcome,
        partial: vec![],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_recorded_with_its_steps_and_outcome() {
    for (engine, _directory) in engines() {
        let id = engine
            .start(spec(), |op: Operation| async move {
                let one: u32 = op.step("one").run(|_| async { Ok(1) }).await?;
                let two: u32 = op
                    .step("add")
                    .key("two")
                    .run(|_| async move { Ok(one + 1) })
                    .await?;
                op.audit("delete number", "0", 8, "too small").await?;
                op.commit().await?;
                done(json!({"sum": two}))
            })
            .await
            .unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!(record.state, State::Succeeded, "{record:?}");
        assert!(record.committed);
        assert_eq!(record.outcome, Some(json!({"sum": 2})));
        let labels: Vec<_> = record.steps.iter().map(|step| step.label()).collect();
        assert_eq!(labels, ["one", "add two", "commit"]);
        assert_eq!(record.audit.len(), 1);
        assert_eq!(engine.find(&id.short()).unwrap(), id);
        assert_eq!(engine.list(10).unwrap().len(), 1);
        assert_eq!(engine.get(id).unwrap(), record);
        assert_eq!(engine.export().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_operation_resumes_without_running_its_finished_steps_again() {
    for (engine, _directory) in engines() {
        let runs = Arc::new(AtomicU32::new(0));
        let function = |fail: bool, runs: Arc<AtomicU32>| {
            move |op: Operation| async move {
                let n: u32 = op
                    .step("first")
                    .run(|_| async { Ok(runs.fetch_add(1, Ordering::SeqCst)) })
                    .await?;
                op.step("second")
                    .run(|_| async move {
                        if fail {
                            return Err(Failure::new(ErrorKind::Denied, "no"));
                        }
                        Ok(())
                    })
                    .await?;
                done(json!(n))
            }
        };
        let id = engine.start(spec(), function(true, runs.clone())).await.unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!(
            (record.state, record.failure),
            (State::Failed, Some(ErrorKind::Denied))
        );
        assert_eq!(record.reasons, ["no"]);
        engine
            .resume(id, "count", 1, function(false, runs.clone()))
            .await
            .unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!((record.state, record.epoch), (State::Succeeded, 2), "{record:?}");
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(record.steps[1].attempts, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_undoes_in_reverse_and_the_watcher_sees_the_end() {
    for (engine, _directory) in engines() {
        let undone = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = undone.clone();
        let id = engine
            .start(spec(), move |op: Operation| async move {
                for name in ["a", "b"] {
                    let seen = seen.clone();
                    op.step(name)
                        .leaves("dust")
                        .run_with_undo(
                            |_| async { Ok(name.to_owned()) },
                            move |result| {
                                let seen = seen.clone();
                                async move {
                                    seen.lock().unwrap().push(result);
                                    Ok(())
                                }
                            },
                        )
                        .await?;
                }
                op.step("wait")
                    .run(|step| async move {
                        step.cancelled.cancelled().await;
                        Err::<(), _>(Failure::new(ErrorKind::Cancelled, "stopped"))
                    })
                    .await?;
                done(json!(null))
            })
            .await
            .unwrap();
        let mut events = engine.watch(id).await.unwrap();
        engine.cancel(id, false).await.unwrap();
        let mut last = None;
        while let Some(event) = events.recv().await {
            last = Some(event);
        }
        assert_eq!(
            last,
            Some(Event::Ended {
                state: State::Cancelled
            })
        );
        let record = engine.get(id).unwrap();
        assert_eq!(record.state, State::Cancelled);
        assert!(
            record.reasons.contains(&"left behind: dust".to_owned()),
            "{record:?}"
        );
        let undone = undone.lock().unwrap().clone();
        let reverse = [Some("b".to_owned()), Some("a".to_owned())];
        assert!(reverse.ends_with(&undone), "{undone:?}");
        let refused = engine.cancel(id, false).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused);
    }
}
