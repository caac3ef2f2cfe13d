//! Start, step, resume, cancel, watch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ostler_operations::{Event, Operation, State};
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::json;
use tokio::sync::Notify;

use crate::{done, engines, spec};

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
        assert_eq!(engine.list(10, None).unwrap().len(), 1);
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
            .resume(id, "count", 2, function(false, runs.clone()))
            .await
            .unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!((record.state, record.epoch), (State::Succeeded, 2), "{record:?}");
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(record.steps[1].attempts, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_transient_failures_are_tried_again_and_only_so_often() {
    for (kind, retries, expected, state) in [
        (ErrorKind::Unavailable, 2, 3, State::Succeeded),
        (ErrorKind::Unavailable, 1, 2, State::Failed),
        (ErrorKind::Denied, 5, 1, State::Failed),
    ] {
        for (engine, _directory) in engines() {
            let id = engine
                .start(spec(), move |op: Operation| async move {
                    op.step("flaky")
                        .retries(retries)
                        .run(|step| async move {
                            if step.attempt < 3 {
                                return Err(Failure::new(kind, "not now"));
                            }
                            Ok(())
                        })
                        .await?;
                    done(json!(null))
                })
                .await
                .unwrap();
            let record = engine.wait(id).await.unwrap();
            assert_eq!(
                (record.state, record.steps[0].attempts),
                (state, expected),
                "{record:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_fails_the_operation_and_not_the_process() {
    for (engine, _directory) in engines() {
        let id = engine
            .start(spec(), |op: Operation| async move {
                op.step("broken")
                    .run(|_| async { Ok(Vec::<u8>::new()[..1].len()) })
                    .await?;
                done(json!(null))
            })
            .await
            .unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!(
            (record.state, record.failure),
            (State::Failed, Some(ErrorKind::Internal))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_too_large_for_the_journal_fails_its_step() {
    for (engine, _directory) in engines() {
        let id = engine
            .start(spec(), |op: Operation| async move {
                op.step("large")
                    .run(|_| async { Ok("x".repeat(64 * 1024)) })
                    .await?;
                done(json!(null))
            })
            .await
            .unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!(record.state, State::Failed);
        assert!(record.reasons[0].contains("`large`"), "{:?}", record.reasons);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_may_own_what_cannot_be_shared() {
    for (engine, _directory) in engines() {
        let id = engine
            .start(spec(), |op: Operation| async move {
                let counter = std::cell::Cell::new(1);
                op.step("own")
                    .run(move |_| {
                        counter.set(counter.get() + 1);
                        let value = counter.get();
                        async move { Ok(value) }
                    })
                    .await?;
                done(json!(null))
            })
            .await
            .unwrap();
        assert_eq!(engine.wait(id).await.unwrap().steps[0].result, Some(json!(2)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_to_watch_late_still_gets_the_messages() {
    for (engine, _directory) in engines() {
        let (told, late) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (Arc::clone(&told), Arc::clone(&late));
        let id = engine
            .start(spec(), move |op: Operation| async move {
                op.message("the key is here");
                tell.notify_one();
                wait.notified().await;
                op.commit().await?;
                done(json!({}))
            })
            .await
            .unwrap();
        told.notified().await;
        let mut events = engine.watch(id).await.unwrap();
        late.notify_one();
        let mut messages = Vec::new();
        while let Some(event) = events.recv().await {
            if let Event::Message { text } = event {
                messages.push(text);
            }
        }
        assert_eq!(messages, ["the key is here"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_after_the_end_or_from_another_process_gets_the_messages_too() {
    for (engine, _directory) in engines() {
        let id = engine
            .start(spec(), move |op: Operation| async move {
                op.message("one");
                op.message("two");
                op.message("one");
                op.commit().await?;
                done(json!({}))
            })
            .await
            .unwrap();
        let record = engine.wait(id).await.unwrap();
        let said: Vec<_> = record
            .messages
            .iter()
            .map(|message| message.text.as_str())
            .collect();
        assert_eq!(said, ["one", "two"]);
        let mut events = engine.watch(id).await.unwrap();
        let mut seen = Vec::new();
        while let Some(event) = events.recv().await {
            seen.push(event);
        }
        let message = |text: &str| Event::Message { text: text.into() };
        let ended = Event::Ended {
            state: State::Succeeded,
        };
        assert_eq!(seen, [message("one"), message("two"), ended]);
    }
}
