//! Stopping: undone, left, or refused.

use std::sync::{Arc, Mutex};

use ostler_operations::{Engine, Event, Finished, Operation, State};
use ostler_vocabulary::{ErrorKind, Failure, OperationId};
use serde_json::json;

use crate::{done, doomed_engine, engine, engines, journals, spec};

/// Waits in a step until it is told to stop.
async fn wait(op: &Operation) -> Result<(), Failure> {
    op.step("wait")
        .run(|step| async move {
            step.cancelled.cancelled().await;
            Err::<(), _>(Failure::new(ErrorKind::Cancelled, "stopped"))
        })
        .await
}

async fn until_waiting(engine: &Engine, id: OperationId) {
    let mut events = engine.watch(id).await.unwrap();
    let waiting = Event::StepStarted { step: "wait".into() };
    while events.recv().await.unwrap() != waiting {}
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
        until_waiting(&engine, id).await;
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
        assert_eq!(undone, [Some("b".to_owned()), Some("a".to_owned())]);
        let refused = engine.cancel(id, false).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_commit_a_cancel_is_refused_and_a_leave_is_not() {
    for (engine, _directory) in engines() {
        let id = engine
            .start(spec(), |op: Operation| async move {
                op.commit().await?;
                wait(&op).await?;
                done(json!(null))
            })
            .await
            .unwrap();
        until_waiting(&engine, id).await;
        let refused = engine.cancel(id, false).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused);
        assert!(refused.hint().unwrap().contains("--leave"));
        engine.cancel(id, true).await.unwrap();
        assert_eq!(engine.wait(id).await.unwrap().state, State::Interrupted);
        engine
            .resume(id, "count", 2, |op: Operation| async move {
                op.commit().await?;
                op.step("wait").run(|_| async { Ok(()) }).await?;
                done(json!(null))
            })
            .await
            .unwrap();
        assert_eq!(engine.wait(id).await.unwrap().state, State::Succeeded);
    }
}

fn undoable(
    log: Arc<Mutex<Vec<&'static str>>>,
    ill: bool,
    stop: bool,
) -> impl FnOnce(Operation) -> std::pin::Pin<Box<dyn Future<Output = Result<Finished, Failure>> + Send>>
+ Send
+ 'static {
    move |op| {
        Box::pin(async move {
            for name in ["first", "second"] {
                let log = log.clone();
                op.step(name)
                    .run_with_undo(
                        |_| async { Ok(1) },
                        move |_| {
                            let log = log.clone();
                            async move {
                                if ill && name == "second" {
                                    return Err(Failure::new(ErrorKind::Denied, "stuck"));
                                }
                                log.lock().unwrap().push(name);
                                Ok(())
                            }
                        },
                    )
                    .await?;
            }
            if stop {
                wait(&op).await?;
            }
            done(json!(null))
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_fails_is_named_and_a_resume_tries_it_again() {
    for (engine, _directory) in engines() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let id = engine
            .start(spec(), undoable(log.clone(), true, true))
            .await
            .unwrap();
        until_waiting(&engine, id).await;
        engine.cancel(id, false).await.unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!(record.state, State::Failed);
        assert!(
            record
                .reasons
                .iter()
                .any(|r| r.contains("`second`") && r.contains("stuck")),
            "{record:?}"
        );
        assert_eq!(record.steps[1].state, "undo_failed");
        assert_eq!(*log.lock().unwrap(), ["first"]);
        engine
            .resume(id, "count", 2, undoable(log.clone(), false, true))
            .await
            .unwrap();
        assert_eq!(engine.wait(id).await.unwrap().state, State::Cancelled);
        assert_eq!(*log.lock().unwrap(), ["first", "second"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_an_interrupted_operation_is_done_by_its_resume() {
    for stop in [true, false] {
        for (journal, _directory) in journals() {
            let log = Arc::new(Mutex::new(Vec::new()));
            let doomed = doomed_engine(journal.clone());
            let id = doomed
                .start(spec(), undoable(log.clone(), false, true))
                .await
                .unwrap();
            until_waiting(&doomed, id).await;
            doomed.shutdown().await;
            let engine = engine(journal);
            engine.cancel(id, false).await.unwrap();
            assert!(engine.get(id).unwrap().cancel_requested);
            // Also when all its steps were done: it was to be undone.
            engine
                .resume(id, "count", 2, undoable(log.clone(), false, stop))
                .await
                .unwrap();
            let record = engine.wait(id).await.unwrap();
            assert_eq!(record.state, State::Cancelled, "{record:?}");
            assert_eq!(*log.lock().unwrap(), ["second", "first"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_cancels_and_watches_through_the_journal() {
    for (journal, _directory) in journals() {
        let (owner, other) = (engine(journal.clone()), engine(journal));
        let id = owner
            .start(spec(), |op: Operation| async move {
                op.step("count")
                    .run(|step| async move {
                        step.progress.add_done(5);
                        Ok(())
                    })
                    .await?;
                wait(&op).await?;
                done(json!(null))
            })
            .await
            .unwrap();
        until_waiting(&other, id).await;
        let mut events = other.watch(id).await.unwrap();
        other.cancel(id, false).await.unwrap();
        let mut seen = Vec::new();
        while let Some(event) = events.recv().await {
            seen.push(event);
        }
        assert_eq!(seen.first(), Some(&Event::StepStarted { step: "wait".into() }));
        assert!(
            seen.contains(&Event::StepEnded {
                step: "wait".into(),
                ok: false
            }),
            "{seen:?}"
        );
        assert_eq!(
            seen.last(),
            Some(&Event::Ended {
                state: State::Cancelled
            })
        );
        let late = other.watch(id).await.unwrap().recv().await;
        assert_eq!(
            late,
            Some(Event::Ended {
                state: State::Cancelled
            })
        );
    }
}
