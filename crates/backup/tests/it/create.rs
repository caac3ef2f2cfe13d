//! `backup create` under every fault.

use std::sync::Arc;

use ostler_api::document::BackupState;
use ostler_api::request::{HookFailure, Hooks, Verify, Work};
use ostler_backup::{create, verify};
use ostler_operations::State;
use ostler_store::{Faults, Misfortune, Verb};
use ostler_vocabulary::ErrorKind;

use crate::world::{World, exercise_plan, request, selector};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_never_falsely_complete_and_always_comes_to_its_end() {
    let mut request = request();
    request.hooks = Hooks {
        before: Some("before".into()),
        after: Some("after".into()),
        on_failure: HookFailure::Fail,
    };
    let plan = create::plan(request, &World::new().await.context).await.unwrap();
    let id = plan.backups[0];
    exercise_plan(
        create::KIND,
        plan,
        World::new,
        create::run,
        move |world, record, said| async move {
            world.no_false_complete(&said).await;
            let backups = world.backups().await;
            match record.state {
                State::Succeeded => {
                    assert_eq!(world.states().await, [BackupState::Complete], "after {said}");
                    assert_eq!(backups[0].id, id);
                }
                State::Cancelled => {
                    assert!(backups.is_empty(), "after {said}: {backups:?}");
                    let commands = world.node.commands.lock().unwrap().clone();
                    let last = commands.last().map(String::as_str);
                    assert_ne!(last, Some("before"), "after {said}: the service stays stopped");
                }
                _ => assert!(
                    backups.iter().all(|b| b.state == BackupState::Incomplete)
                        || record.steps.iter().any(|s| s.name == "commit"),
                    "after {said}: {backups:?}"
                ),
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_makes_it_partial_with_its_list() {
    let world = World::new().await;
    world.node.unreadable.lock().unwrap().push("/data/b".into());
    let plan = create::plan(request(), &world.context).await.unwrap();
    let record = world.run(create::KIND, plan, create::run).await;
    assert_eq!(record.state, State::Partial);
    assert!(
        record.reasons[0].contains("/data/b: permission denied"),
        "{:?}",
        record.reasons
    );
    assert_eq!(world.states().await, [BackupState::Partial]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_source_takes_the_last_one_as_parent() {
    let world = World::new().await;
    let first = create::plan(request(), &world.context).await.unwrap();
    world.seed(&first).await;
    let second = create::plan(request(), &world.context).await.unwrap();
    let Work::CreateBackup(work) = &second.work else {
        panic!()
    };
    assert_eq!(work.parent, Some(first.backups[0]));
    world.seed(&second).await;
    let stored = &world.backups().await[0].counts;
    assert_eq!(stored.new_bytes, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_names_that_cannot_be_are_refused() {
    let world = World::new().await;
    let with = |change: &dyn Fn(&mut ostler_api::request::CreateBackup)| {
        let mut request = request();
        change(&mut request);
        request
    };
    for wrong in [
        with(&|r| r.paths.clear()),
        with(&|r| r.paths.push("relative".into())),
        with(&|r| r.name = Some(String::new())),
        with(&|r| r.name = Some("latest".into())),
        with(&|r| r.name = Some("latest~2".into())),
        with(&|r| {
            r.tags.insert(String::new(), "x".into());
        }),
    ] {
        let error = create::plan(wrong.clone(), &world.context).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{wrong:?}");
    }
    let nested = with(&|r| r.paths = vec!["/b/./c".into(), "/b/c/d".into(), "/a".into(), "/b/c".into()]);
    let plan = create::plan(nested, &world.context).await.unwrap();
    assert_eq!(plan.subject, "alpha:/a,/b/c");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_the_store_took_in_damaged_is_stored_again() {
    for pack in 0..2 {
        let world = World::new().await;
        let faults = Faults::new(world.store.clone());
        for _ in 0..pack {
            faults.once(Verb::Create, "packs/", Misfortune::Pass);
        }
        faults.once(Verb::Create, "packs/", Misfortune::FlipByte(60));
        let seen = world.seen_through(Arc::new(faults.clone())).await;
        let backup = async || {
            let plan = create::plan(request(), &seen.context).await.unwrap();
            let record = seen.run(create::KIND, plan, create::run).await;
            assert_eq!(record.state, State::Succeeded, "{record:#?}");
        };
        let verify = async || {
            let request = Verify {
                backup: selector(&seen.backups().await[0].id.to_string()),
                read_data: true,
                part: None,
                include: Vec::new(),
            };
            let plan = verify::plan(request, &seen.context).await.unwrap();
            seen.run(verify::KIND, plan, verify::run).await.state
        };
        backup().await;
        assert_eq!(faults.left(), 0, "pack {pack} is never stored");
        // What is wrong with data only reading finds, and then the next backup heals it.
        if verify().await == State::Failed {
            backup().await;
        }
        assert_eq!(verify().await, State::Succeeded, "pack {pack}");
    }
}
