//! `vault mirror` under every fault.

use std::time::Duration;

use ostler_api::document::{BackupState, MirrorReport, Outcome};
use ostler_api::request::{Mirror, Work};
use ostler_backup::{Context, create, mirror};
use ostler_operations::{OperationRecord, State};
use ostler_vault::{Intent, LeaseHolder, MarkAction, MarkRecord};
use ostler_vocabulary::{BackupId, OperationId, Timestamp};

use crate::world::{World, exercise_plan, request};

fn all() -> Mirror {
    Mirror {
        to: "test".into(),
        all: true,
        ..Mirror::default()
    }
}

async fn source(backups: usize) -> World {
    let mut world = World::new().await;
    world.context.vault_name = "source".into();
    for number in 0..backups {
        world.write("/data/b", &format!("version {number}"));
        let plan = create::plan(request(), &world.context).await.unwrap();
        world.seed(&plan).await;
    }
    world
}

async fn run(to: &World, from: &Context, request: Mirror) -> OperationRecord {
    let plan = mirror::plan(request, from, &to.context).await.unwrap();
    let from = from.clone();
    to.run(mirror::KIND, plan, move |plan, op, to| {
        mirror::run(plan, op, to, from)
    })
    .await
}

/// What another mirror said that it would copy, before it died.
fn intent(id: BackupId, to: &World) -> Intent {
    Intent {
        backup: id,
        operation: OperationId::random(),
        started: to.context.clock.now(),
        host: "alpha".into(),
        paths: vec!["/data".into()],
        name: None,
        owner: to.context.process.clone(),
        attempt: None,
    }
}

fn report(record: &OperationRecord) -> MirrorReport {
    match serde_json::from_value(record.outcome.clone().unwrap()).unwrap() {
        Outcome::Mirror(report) => report,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_never_leaves_a_false_copy_and_always_comes_to_its_end() {
    let from = source(2).await;
    let plan = mirror::plan(all(), &from.context, &World::new().await.context)
        .await
        .unwrap();
    let ids = plan.backups.clone();
    let source = from.context.clone();
    exercise_plan(
        mirror::KIND,
        plan,
        World::new,
        move |plan, op, to| mirror::run(plan, op, to, source.clone()),
        move |world, record, said| {
            let ids = ids.clone();
            async move {
                world.no_false_complete(&said).await;
                let backups = world.backups().await;
                let complete = |state: &BackupState| *state == BackupState::Complete;
                match record.state {
                    State::Succeeded => {
                        let mut found: Vec<_> = backups.iter().rev().map(|b| b.id).collect();
                        found.sort_by_key(|id| ids.iter().position(|other| other == id));
                        assert_eq!(found, ids, "after {said}");
                        assert!(world.states().await.iter().all(complete), "after {said}");
                    }
                    State::Cancelled => assert!(
                        world.states().await.iter().all(complete),
                        "after {said}: {backups:?}"
                    ),
                    _ => {}
                }
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_the_same_backup_and_says_where_it_comes_from() {
    let (from, to) = (source(2).await, World::new().await);
    let first = run(&to, &from.context, all()).await;
    assert_eq!(first.state, State::Succeeded, "{:?}", first.reasons);
    assert_eq!(report(&first).copied.len(), 2);
    let (here, there) = (from.backups().await, to.backups().await);
    let facts = |b: &ostler_api::document::BackupSummary| {
        (
            b.id,
            b.name.clone(),
            b.source.clone(),
            b.started,
            b.duration_ms,
            b.counts.files,
        )
    };
    assert_eq!(
        here.iter().map(facts).collect::<Vec<_>>(),
        there.iter().map(facts).collect::<Vec<_>>()
    );
    let record = to.context.record(there[0].id).await.unwrap();
    let origin = record.origin.unwrap();
    assert_eq!(
        (origin.vault, origin.backup),
        (from.context.vault.id(), here[0].id)
    );
    assert_eq!(
        origin.lists,
        [from.context.record(here[0].id).await.unwrap().nodes[0]
            .list
            .clone()]
    );
    let proofs = to.context.vault.proofs(there[0].id).await.unwrap();
    assert_eq!(proofs[0].method, "mirror");

    from.write("/data/b", "another version");
    let plan = create::plan(request(), &from.context).await.unwrap();
    from.seed(&plan).await;
    let second = report(&run(&to, &from.context, all()).await);
    assert_eq!((second.copied.len(), second.there), (1, 2));
    assert_eq!(second.copied[0].read_bytes, "another version".len() as u64);
    to.no_false_complete("the second mirror").await;

    let third = mirror::plan(all(), &from.context, &to.context).await.unwrap();
    let Work::Mirror(work) = third.work else { panic!() };
    assert_eq!((work.items.len(), work.there), (0, 3));
}

/// Says something of a backup, so many seconds after some moment in the past.
async fn say(world: &World, id: BackupId, seconds: i64, action: MarkAction) {
    let at = Timestamp::from_second(1_700_000_000 + seconds).unwrap();
    let marked = world.context.vault.add_mark(id, &MarkRecord { at, action }).await;
    marked.unwrap();
}

fn tag(value: &str) -> MarkAction {
    MarkAction::Tag {
        key: "job".into(),
        value: Some(value.into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_and_tags_follow_their_backup_and_a_release_does_not() {
    let (from, to) = (source(2).await, World::new().await);
    let ids: Vec<BackupId> = from.backups().await.iter().map(|backup| backup.id).collect();
    say(&from, ids[0], 1, MarkAction::Hold(Some("audit".into()))).await;
    let first = report(&run(&to, &from.context, all()).await);
    assert_eq!((first.copied.len(), first.marked), (2, vec![]));
    let held = async |world: &World| -> Vec<(bool, Option<String>)> {
        let backups = world.context.backups().await.unwrap();
        let shown = backups
            .into_iter()
            .map(|b| (b.hold.is_some(), b.summary.tags.get("job").cloned()));
        shown.collect()
    };
    assert_eq!(held(&to).await, [(true, None), (false, None)]);

    // Said after the copies were made.
    say(&from, ids[1], 2, MarkAction::Hold(None)).await;
    say(&from, ids[1], 3, tag("a")).await;
    let second = report(&run(&to, &from.context, all()).await);
    assert_eq!((second.there, second.marked), (2, vec![ids[1]]));
    assert_eq!(held(&to).await, [(true, None), (true, Some("a".into()))]);
    let again = mirror::plan(all(), &from.context, &to.context).await.unwrap();
    let Work::Mirror(work) = again.work else { panic!() };
    assert_eq!((work.marked, work.there), (vec![], 2));

    // What is let go in one vault is let go in no other, and not held again behind the back of who did.
    say(&from, ids[0], 4, MarkAction::Release).await;
    say(&to, ids[1], 5, MarkAction::Release).await;
    assert_eq!(report(&run(&to, &from.context, all()).await).marked, []);
    assert_eq!(held(&from).await, [(false, None), (true, Some("a".into()))]);
    assert_eq!(held(&to).await, [(true, None), (false, Some("a".into()))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_given_up_is_made_under_another_id_and_known_as_the_same() {
    let (from, to) = (source(1).await, World::new().await);
    let id = from.backups().await[0].id;
    // Another mirror began it and died; a collection ruled its commit out.
    let intent = intent(id, &to);
    let vault = &to.context.vault;
    drop(vault.begin(&intent).await.unwrap());
    vault.abandon(id, false).await.unwrap();
    let copied = report(&run(&to, &from.context, all()).await).copied;
    assert_ne!(copied[0].copy, id);
    assert_eq!(to.backups().await[0].id, copied[0].copy);
    let again = mirror::plan(all(), &from.context, &to.context).await.unwrap();
    let Work::Mirror(work) = again.work else { panic!() };
    assert_eq!((work.items.len(), work.there), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_mirror_left_is_gone_on_with() {
    let (from, to) = (source(1).await, World::new().await);
    let id = from.backups().await[0].id;
    let intent = intent(id, &to);
    drop(to.context.vault.begin(&intent).await.unwrap());
    let copied = report(&run(&to, &from.context, all()).await).copied;
    assert_eq!(copied[0].copy, id);
    to.no_false_complete("the mirror").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_deleted_is_copied_again_under_another_id() {
    let (from, to) = (source(1).await, World::new().await);
    let id = from.backups().await[0].id;
    let vault = &to.context.vault;
    let mut copies = Vec::new();
    for _ in 0..3 {
        let copied = report(&run(&to, &from.context, all()).await).copied;
        copies.push(copied[0].copy);
        to.no_false_complete("a mirror").await;
        let holder = LeaseHolder {
            process: to.context.process.clone(),
            operation: OperationId::random(),
            purpose: "a test".into(),
        };
        let lease = vault.lease(holder, Duration::ZERO, &|_| {}).await.unwrap();
        vault.delete_backup(copied[0].copy, &lease).await.unwrap();
        lease.release().await.unwrap();
        assert!(to.backups().await.is_empty());
    }
    assert_eq!(copies[0], id);
    copies.dedup();
    assert_eq!(copies.len(), 3, "no id is used again: {copies:?}");
}
