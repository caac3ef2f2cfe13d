//! Operations over items: what is over stays, what is not is undone, and nothing of one item moves another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ostler_operations::{Engine, Finished, Operation, OperationRecord, State, UndoEnd};
use ostler_vocabulary::{ErrorKind, Failure, OperationId};
use serde_json::json;

use crate::{done, engine, journals, spec};

/// Items by name; those that are gone are not there.
type World = Arc<Mutex<BTreeMap<&'static str, &'static str>>>;

const ITEMS: [&str; 3] = ["a", "b", "c"];

fn world() -> World {
    Arc::new(Mutex::new(ITEMS.map(|name| (name, "shown")).into()))
}

/// Which calls fail: the world is away for them.
type Away = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

fn call(away: &Away, what: &str, item: &str) -> Result<(), Failure> {
    match away(what, item) {
        true => Err(Failure::new(
            ErrorKind::Unavailable,
            format!("{what} {item}: it is away"),
        )),
        false => Ok(()),
    }
}

async fn remove(op: Operation, world: World, away: Away) -> Result<Finished, Failure> {
    let mut removed = 0_u64;
    for (number, name) in ITEMS.into_iter().enumerate() {
        let op = op.item(number as u64);
        let (shown, back, there) = (world.clone(), away.clone(), world.clone());
        op.step("hide")
            .key(name)
            .run_with_undo(
                |_| async {
                    call(&away, "hide", name)?;
                    if let Some(item) = there.lock().unwrap().get_mut(name) {
                        *item = "hidden";
                    }
                    Ok(())
                },
                move |_| {
                    let (shown, back) = (shown.clone(), back.clone());
                    async move {
                        call(&back, "show", name)?;
                        match shown.lock().unwrap().get_mut(name) {
                            None => Ok(UndoEnd::Complete(format!("{name} is gone"))),
                            Some(item) => {
                                *item = "shown";
                                Ok(UndoEnd::Undone)
                            }
                        }
                    }
                },
            )
            .await?;
        let there: bool = op
            .step("count")
            .key(name)
            .run(|_| async { Ok(world.lock().unwrap().contains_key(name)) })
            .await?;
        // One that is gone takes fewer steps.
        if there {
            op.step("drop")
                .key(name)
                .run(|_| async {
                    world.lock().unwrap().remove(name);
                    call(&away, "drop", name)
                })
                .await?;
            removed += 1;
        }
        op.settle(name, format!("{name} is removed"));
    }
    done(json!(removed))
}

fn present() -> Away {
    Arc::new(|_, _| false)
}

async fn start(engine: &Engine, world: &World, away: Away) -> OperationRecord {
    let world = world.clone();
    let id = engine
        .start(spec(), move |op| remove(op, world, away))
        .await
        .unwrap();
    engine.wait(id).await.unwrap()
}

async fn resume(engine: &Engine, id: OperationId, world: &World, away: Away) -> OperationRecord {
    let world = world.clone();
    engine
        .resume(id, "count", 2, move |op| remove(op, world, away))
        .await
        .unwrap();
    engine.wait(id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_over_is_not_undone_and_the_next_one_is() {
    for (journal, _directory) in journals() {
        let (engine, world) = (engine(journal), world());
        let away: Away = Arc::new(|what, item| (what, item) == ("hide", "b"));
        let record = start(&engine, &world, away).await;
        assert_eq!(record.state, State::Failed, "{record:?}");
        assert!(
            record.reasons.contains(&"finished: a is removed".to_owned()),
            "{record:?}"
        );
        let left: Vec<_> = world.lock().unwrap().clone().into_iter().collect();
        assert_eq!(left, [("b", "shown"), ("c", "shown")]);
        let record = resume(&engine, record.id, &world, present()).await;
        assert_eq!((record.state, record.outcome), (State::Succeeded, Some(json!(3))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_answer_was_lost_is_not_run_as_another_one() {
    for (journal, _directory) in journals() {
        let (engine, world) = (engine(journal), world());
        // It is gone, and nobody heard.
        let away: Away = Arc::new(|what, item| (what, item) == ("drop", "b"));
        let record = start(&engine, &world, away).await;
        assert_eq!(record.state, State::Failed, "{record:?}");
        assert!(
            record.reasons.contains(&"finished: b is gone".to_owned()),
            "{record:?}"
        );
        let record = resume(&engine, record.id, &world, present()).await;
        assert_eq!((record.state, record.outcome), (State::Succeeded, Some(json!(3))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_whose_undo_failed_may_vanish_before_the_resume() {
    for (journal, _directory) in journals() {
        for vanishes in [None, Some("a"), Some("b"), Some("c")] {
            let (engine, world) = (engine(journal.clone()), world());
            let away: Away = Arc::new(|what, item| matches!((what, item), ("drop" | "show", "b")));
            let keep: Away = {
                let world = world.clone();
                Arc::new(move |what, item| {
                    if (what, item) == ("drop", "b") {
                        // The drop itself did not happen either.
                        world.lock().unwrap().insert("b", "hidden");
                    }
                    away(what, item)
                })
            };
            let record = start(&engine, &world, keep).await;
            assert_eq!(record.state, State::Failed, "{record:?}");
            assert_eq!(world.lock().unwrap().get("b"), Some(&"hidden"));
            if let Some(name) = vanishes {
                world.lock().unwrap().remove(name);
            }
            let record = resume(&engine, record.id, &world, present()).await;
            assert_eq!(record.state, State::Succeeded, "{vanishes:?}: {record:?}");
            assert!(world.lock().unwrap().is_empty(), "{vanishes:?}");
            let again = engine.cancel(record.id, false).await.unwrap_err();
            assert_eq!(again.kind(), ErrorKind::Refused);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_one_that_failed_undoes_what_was_not_undone() {
    for (journal, _directory) in journals() {
        let (engine, world) = (engine(journal), world());
        let back = world.clone();
        let away: Away = Arc::new(move |what, item| {
            if (what, item) == ("drop", "b") {
                back.lock().unwrap().insert("b", "hidden");
            }
            matches!((what, item), ("drop" | "show", "b"))
        });
        let record = start(&engine, &world, away).await;
        assert_eq!(record.state, State::Failed, "{record:?}");
        engine.cancel(record.id, false).await.unwrap();
        let record = resume(&engine, record.id, &world, present()).await;
        assert_eq!(record.state, State::Cancelled, "{record:?}");
        assert!(
            record.reasons.contains(&"finished: a is removed".to_owned()),
            "{record:?}"
        );
        let left: Vec<_> = world.lock().unwrap().clone().into_iter().collect();
        assert_eq!(left, [("b", "shown"), ("c", "shown")]);
        let again = engine.cancel(record.id, false).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Refused);
    }
}

/// The commit reads the request in the journal before its process does.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_only_the_commit_saw_ends_as_cancelled() {
    for (journal, _directory) in journals() {
        let engine = engine(journal.clone());
        let id = engine
            .start(spec(), move |op: Operation| async move {
                let id = op.id();
                op.step("work")
                    .run(|_| async { journal.request(id, false).map_err(Failure::from) })
                    .await?;
                op.commit().await?;
                done(json!(null))
            })
            .await
            .unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!(record.state, State::Cancelled, "{record:?}");
    }
}
