//! Backup and restore of a cluster in memory under every fault.

use ostler_api::document::BackupState;
use ostler_api::request::{CreateBackup, Plan};
use ostler_operations::State;
use ostler_operations::testing::exercise;
use ostler_vault::NodeRecord;
use ostler_vocabulary::BackupId;

use super::MemoryNode;
use super::driver::{Stand, Subject, restoring, spec};
use crate::{create, restore};

pub(super) async fn backup_under_every_fault<S: Subject>() {
    let plan = Stand::<S>::new().await.backup().await;
    let of_run = plan.clone();
    exercise(
        spec(create::KIND, &plan),
        Stand::<S>::new,
        move |stand: Stand<S>, op| create::run(of_run.clone(), op, stand.context),
        |stand: Stand<S>, record, said| async move {
            // Kept is what a backup needs that was committed, and nothing is held still once it is over.
            let recorded = stand.recorded().await;
            let (held, kept) = (stand.subject.held(), stand.subject.kept());
            assert!(
                kept.is_superset(&recorded),
                "after {said}: {kept:?}, {recorded:?}"
            );
            match record.state {
                State::Succeeded | State::Cancelled => {
                    assert!(held.is_empty(), "after {said}: {held:?} hold still");
                    assert_eq!(kept, recorded, "after {said}");
                }
                _ => {}
            }
            let states = stand.context.backups().await.unwrap();
            let states: Vec<_> = states.iter().map(crate::state::Backup::state).collect();
            if record.state == State::Succeeded {
                assert_eq!(states, [BackupState::Complete], "after {said}");
            }
        },
    )
    .await;
}

/// What a node has once its database has merged its files, and what it had written before.
fn merge(node: &MemoryNode) {
    let files = [("/data/merged".to_owned(), b"own and new".to_vec())];
    *node.files.lock().unwrap() = files.into();
    let increments = [("/data/new".to_owned(), b"new".to_vec())];
    *node.increments.lock().unwrap() = increments.into();
}

/// A stand with that backup in its vault.
async fn backed_up<S: Subject>(backup: &Plan) -> Stand<S> {
    let stand = Stand::<S>::new().await;
    let record = stand.make(backup.clone()).await;
    assert_eq!(record.state, State::Succeeded, "{record:#?}");
    stand
}

pub(super) async fn delta_under_every_fault<S: Subject>() {
    let stand = Stand::<S>::new().await;
    if stand.subject.driver().increments(BackupId::random()).is_none() {
        return;
    }
    let first = stand.backup().await;
    let world = || async {
        let stand = backed_up::<S>(&first).await;
        stand.nodes.iter().for_each(|node| merge(node));
        stand
    };
    let request = CreateBackup {
        cluster: Some("shop".into()),
        delta: true,
        ..CreateBackup::default()
    };
    let plan = create::plan(request, &world().await.context).await.unwrap();
    let of_run = plan.clone();
    exercise(
        spec(create::KIND, &plan),
        world,
        move |stand: Stand<S>, op| create::run(of_run.clone(), op, stand.context),
        |stand: Stand<S>, record, said| async move {
            let held = stand.subject.held();
            assert!(held.is_empty(), "after {said}: {held:?} hold still");
            if record.state != State::Succeeded {
                return;
            }
            let backups = stand.context.backups().await.unwrap();
            assert_eq!(backups.len(), 2, "after {said}");
            let record = stand.context.record(backups[0].id()).await.unwrap();
            for node in &stand.nodes {
                let part = |part: &&NodeRecord| Some(&part.host) == node.name.as_ref();
                let list = &record.nodes.iter().find(part).unwrap().list;
                let names = node.read(list).await.unwrap().into_iter().map(|(name, _)| name);
                let names: Vec<String> = names.collect();
                assert_eq!(names, ["/data/new", "/data/own"], "after {said}");
            }
        },
    )
    .await;
}

pub(super) async fn restore_under_every_fault<S: Subject>() {
    let backup = Stand::<S>::new().await.backup().await;
    let world = || backed_up::<S>(&backup);
    let plan = restore::plan(restoring(backup.backups[0]), &world().await.context)
        .await
        .unwrap();
    let of_run = plan.clone();
    exercise(
        spec(restore::KIND, &plan),
        world,
        move |stand: Stand<S>, op| restore::run(of_run.clone(), op, stand.context),
        |stand: Stand<S>, record, said| async move {
            if record.state != State::Succeeded {
                return;
            }
            for node in &stand.nodes {
                let (files, disk) = (node.files.lock().unwrap(), node.disk.lock().unwrap());
                assert_eq!(*files, *disk, "after {said}: node {:?}", node.name);
            }
        },
    )
    .await;
}
