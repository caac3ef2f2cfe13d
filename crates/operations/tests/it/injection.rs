//! The generic step injection, on an operation that makes and removes names in a set.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ostler_operations::testing::exercise;
use ostler_operations::{Finished, Operation, OperationRecord, State};
use ostler_vocabulary::Failure;
use serde_json::json;

use crate::{done, spec};

type World = Arc<Mutex<BTreeSet<String>>>;

async fn make(world: World, op: Operation) -> Result<Finished, Failure> {
    for key in ["a", "b"] {
        let (made, unmade) = (world.clone(), world.clone());
        op.step("make")
            .key(key)
            .retries(1)
            .run_with_undo(
                move |_| {
                    made.lock().unwrap().insert(key.to_owned());
                    async { Ok(()) }
                },
                move |_| {
                    unmade.lock().unwrap().remove(key);
                    async { Ok(()) }
                },
            )
            .await?;
    }
    let count: usize = op
        .step("count")
        .run(|_| async { Ok(world.lock().unwrap().len()) })
        .await?;
    op.commit().await?;
    op.step("publish")
        .run(|_| async {
            world.lock().unwrap().insert("published".to_owned());
            Ok(())
        })
        .await?;
    done(json!(count))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_may_fail_repeat_and_crash() {
    let world = || async { World::default() };
    exercise(
        spec(),
        world,
        make,
        |world: World, record: OperationRecord, said| async move {
            let names: Vec<_> = world.lock().unwrap().iter().cloned().collect();
            match record.state {
                State::Succeeded => {
                    assert_eq!(names, ["a", "b", "published"], "{said}");
                    assert_eq!(record.outcome, Some(json!(2)), "{said}");
                }
                State::Cancelled => assert!(names.is_empty(), "{said}: {names:?}"),
                State::Failed if !record.committed => assert!(names.is_empty(), "{said}: {names:?}"),
                _ => {}
            }
            assert!(
                !names.contains(&"published".to_owned()) || record.committed,
                "{said}"
            );
        },
    )
    .await;
}

/// The same without undo: what a cancel leaves behind must be found.
async fn make_for_good(world: World, op: Operation) -> Result<Finished, Failure> {
    op.step("make")
        .run(|_| async {
            world.lock().unwrap().insert("a".to_owned());
            Ok(())
        })
        .await?;
    op.commit().await?;
    done(json!(null))
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "left behind after Cancel")]
async fn a_missing_undo_is_found() {
    let world = || async { World::default() };
    exercise(
        spec(),
        world,
        make_for_good,
        |world: World, record: OperationRecord, said| async move {
            let left = !world.lock().unwrap().is_empty();
            assert!(
                record.state != State::Cancelled || !left,
                "left behind after {said}"
            );
        },
    )
    .await;
}

/// A step that is not safe to run twice.
async fn count_up(world: World, op: Operation) -> Result<Finished, Failure> {
    op.step("count")
        .run(|_| async {
            let mut names = world.lock().unwrap();
            let next = names.len().to_string();
            names.insert(next);
            Ok(())
        })
        .await?;
    done(json!(null))
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "counted twice after")]
async fn a_step_that_must_not_run_twice_is_found() {
    let world = || async { World::default() };
    exercise(
        spec(),
        world,
        count_up,
        |world: World, _: OperationRecord, said| async move {
            assert!(world.lock().unwrap().len() < 2, "counted twice after {said}");
        },
    )
    .await;
}
