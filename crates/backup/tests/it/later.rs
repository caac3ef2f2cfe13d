//! What is done with backups later, under every fault.

use ostler_api::document::BackupState;
use ostler_api::request::{CheckVault, Drill, Plan, Prune, Restore, Verify};
use ostler_backup::{check, create, drill, prune, restore, verify};
use ostler_operations::State;
use ostler_store::{Store as _, list_all};
use ostler_vocabulary::{BackupId, ErrorKind};

use crate::world::{World, exercise_plan, request, selector};

/// Plans of two backups, whose ids every world then has.
async fn plans() -> [Plan; 2] {
    let world = World::new().await;
    let first = create::plan(request(), &world.context).await.unwrap();
    let second = create::plan(request(), &world.context).await.unwrap();
    [first, second]
}

/// A world with these two backups, the second of changed files.
async fn two(plans: [Plan; 2]) -> World {
    let world = World::new().await;
    world.seed(&plans[0]).await;
    world.write("/data/a", "changed");
    world.write("/data/e", "new");
    world.seed(&plans[1]).await;
    world
}

fn newest(plans: &[Plan; 2]) -> BackupId {
    plans[1].backups[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_comes_to_its_end() {
    let plans = plans().await;
    let request = Restore {
        backup: selector(&newest(&plans).to_string()),
        to: Some("/to".into()),
        include: Vec::new(),
        overwrite: Default::default(),
        delete_extra: false,
        allow_incomplete: false,
        onto: None,
    };
    let plan = restore::plan(request, &two(plans.clone()).await.context)
        .await
        .unwrap();
    exercise_plan(
        restore::KIND,
        plan,
        || two(plans.clone()),
        restore::run,
        |world, record, said| async move {
            if record.state == State::Succeeded {
                let (disk, files) = (world.node.disk.lock().unwrap(), world.node.files.lock().unwrap());
                assert_eq!(*disk, *files, "after {said}");
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_stores_its_proof() {
    let plans = plans().await;
    let request = Verify {
        backup: selector(&newest(&plans).to_string()),
        read_data: true,
        part: None,
        include: Vec::new(),
    };
    let plan = verify::plan(request, &two(plans.clone()).await.context)
        .await
        .unwrap();
    exercise_plan(
        verify::KIND,
        plan,
        || two(plans.clone()),
        verify::run,
        |world, record, said| async move {
            let state = world.backups().await[0].state;
            if record.state == State::Succeeded {
                assert_eq!(state, BackupState::Verified, "after {said}");
            }
            assert_ne!(state, BackupState::Damaged, "after {said}");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_leaves_no_scratch_behind() {
    let plans = plans().await;
    let request = Drill {
        backup: selector(&newest(&plans).to_string()),
        scratch: None,
        check: Some("check".into()),
        start: false,
    };
    let plan = drill::plan(request, &two(plans.clone()).await.context)
        .await
        .unwrap();
    exercise_plan(
        drill::KIND,
        plan,
        || two(plans.clone()),
        drill::run,
        |world, record, said| async move {
            let state = world.backups().await[0].state;
            assert_ne!(state, BackupState::Damaged, "after {said}");
            if record.state.is_over() {
                assert!(world.scratch_is_empty(), "after {said}");
            }
            if record.state == State::Succeeded {
                assert_eq!(state, BackupState::Verified, "after {said}");
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_whose_check_fails_damages_nothing() {
    let plans = plans().await;
    let world = two(plans.clone()).await;
    let request = Drill {
        backup: selector("latest"),
        scratch: None,
        check: Some("fail".into()),
        start: false,
    };
    let plan = drill::plan(request, &world.context).await.unwrap();
    let record = world.run(drill::KIND, plan, drill::run).await;
    assert_eq!(record.state, State::Failed);
    assert!(
        record.reasons[0].contains("`fail` ended with exit code 1: said so"),
        "{:?}",
        record.reasons
    );
    assert_eq!(world.states().await[0], BackupState::Complete);
    let proofs = world.context.vault.proofs(newest(&plans)).await.unwrap();
    assert_eq!(proofs.last().unwrap().method, "drill_failed");
    assert!(world.scratch_is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_keeps_what_is_needed_and_comes_to_its_end() {
    let plans = plans().await;
    let mut request = Prune::default();
    request.keep.last = Some(1);
    let plan = prune::plan(request, &two(plans.clone()).await.context)
        .await
        .unwrap();
    let kept = newest(&plans);
    assert_eq!(plan.backups, [plans[0].backups[0]]);
    exercise_plan(
        prune::KIND,
        plan,
        || two(plans.clone()),
        prune::run,
        move |world, record, said| async move {
            world.no_false_complete(&said).await;
            let backups = world.backups().await;
            assert_eq!(backups[0].id, kept, "after {said}");
            assert_eq!(backups[0].state, BackupState::Complete, "after {said}");
            if record.state == State::Succeeded {
                assert_eq!(backups.len(), 1, "after {said}");
                assert_eq!(record.audit[0].action, "delete backup", "after {said}");
            }
            if record.state == State::Cancelled {
                assert_eq!(backups.len(), 2, "after {said}");
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_a_good_vault_finds_nothing() {
    let plans = plans().await;
    let request = CheckVault {
        vault: None,
        read_data: true,
    };
    let plan = check::plan(request, &two(plans.clone()).await.context)
        .await
        .unwrap();
    exercise_plan(
        check::KIND,
        plan,
        || two(plans.clone()),
        check::run,
        |world, _, said| async move {
            assert_eq!(world.states().await, [BackupState::Complete; 2], "after {said}");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_without_rules_frees_what_interrupted_backups_left() {
    let plans = plans().await;
    let world = two(plans.clone()).await;
    let lost = create::plan(request(), &world.context).await.unwrap();
    let intent = ostler_vault::Intent {
        backup: lost.backups[0],
        operation: ostler_vocabulary::OperationId::random(),
        started: "2026-01-01T00:00:00Z".parse().unwrap(),
        host: "alpha".into(),
        paths: vec!["/data".into()],
        name: None,
        owner: world.context.process.clone(),
        attempt: None,
    };
    drop(world.context.vault.begin(&intent).await.unwrap());
    assert_eq!(world.states().await[2], BackupState::Incomplete);
    let plan = prune::plan(Prune::default(), &world.context).await.unwrap();
    assert_eq!(plan.backups, lost.backups);
    let record = world.run(prune::KIND, plan, prune::run).await;
    assert_eq!(record.state, State::Succeeded, "{:?}", record.reasons);
    assert_eq!(world.states().await, [BackupState::Complete; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_prune_has_the_same_digest_and_another_has_not() {
    let plans = plans().await;
    let world = two(plans).await;
    let rules = |last| {
        let mut prune = Prune::default();
        prune.keep.last = Some(last);
        prune
    };
    let digest = async |last| prune::plan(rules(last), &world.context).await.unwrap().digest;
    assert_eq!(digest(1).await, digest(1).await);
    assert_ne!(digest(1).await, digest(2).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_object_of_a_backup_is_damage_after_the_proof_is_stored() {
    let plans = plans().await;
    let world = two(plans).await;
    let objects = list_all(&*world.store, "packs/").await.unwrap();
    for object in objects {
        world.store.delete(&object.key).await.unwrap();
    }
    let request = Verify {
        backup: selector("latest"),
        read_data: false,
        part: None,
        include: Vec::new(),
    };
    let plan = verify::plan(request, &world.context).await.unwrap();
    let record = world.run(verify::KIND, plan, verify::run).await;
    assert_eq!(record.failure, Some(ErrorKind::Corrupt));
    assert_eq!(world.states().await[0], BackupState::Damaged);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_without_a_disk_conforms() {
    let world = World::new().await;
    let found = ostler_api::conformance::check(&*world.node, "/scratch".as_ref(), "/data".as_ref()).await;
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_database_to_start_in_a_backup_of_files() {
    let world = two(plans().await).await;
    let request = Drill {
        backup: selector("latest"),
        scratch: None,
        check: None,
        start: true,
    };
    let refused = drill::plan(request, &world.context).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("no database to start"), "{refused}");
}
