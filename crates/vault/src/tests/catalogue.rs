//! The catalogue: what is listed, for how many requests, and what is not believed.

use std::sync::Arc;

use ostler_store::{Counters, Counting, Key, Store, Verb};
use ostler_vocabulary::{BackupId, Classified, ErrorKind, OperationId, ProcessIdentity, Timestamp};

use super::world::{NOW, World, lease, record};
use crate::{Facts, Intent, MarkAction, MarkRecord, ProofRecord, Record};

fn proof(ok: bool, at: i64) -> ProofRecord {
    ProofRecord {
        method: "verify_data".into(),
        at: Timestamp::from_second(at).unwrap(),
        ok,
        files: 3,
        bytes: 4,
        problems: vec![("/a".into(), "it is gone".into())],
        operation: None,
        part: None,
    }
}

fn mark(action: MarkAction, at: i64) -> MarkRecord {
    MarkRecord {
        at: Timestamp::from_second(at).unwrap(),
        action,
    }
}

fn intent(backup: BackupId) -> Intent {
    Intent {
        backup,
        operation: OperationId::random(),
        started: Timestamp::from_second(NOW).unwrap(),
        host: "host".into(),
        paths: vec!["/data".into()],
        name: None,
        owner: ProcessIdentity::current(),
        attempt: None,
    }
}

async fn commit(world: &World, record: &Record) {
    super::world::commit(&world.vault, record).await.unwrap();
}

#[tokio::test]
async fn a_thousand_backups_are_listed_in_five_requests() {
    let counters = Arc::new(std::sync::Mutex::new(None::<Counters>));
    let slot = Arc::clone(&counters);
    let world = World::over(move |store| {
        let counting = Counting::new(store);
        *slot.lock().unwrap() = Some(counting.counters());
        Arc::new(counting)
    })
    .await;
    let counters = counters.lock().unwrap().clone().unwrap();
    for i in 0..1000 {
        let mut record = record("00".repeat(32), "database-01.example.com", NOW + i);
        record.name = Some("nightly".into());
        record.tags.insert("env".into(), "production".into());
        commit(&world, &record).await;
        world
            .vault
            .add_proof(record.backup, &proof(true, NOW + i))
            .await
            .unwrap();
    }
    counters.reset();
    let catalogue = world.vault.catalogue().await.unwrap();
    assert_eq!(catalogue.len(), 1000);
    assert!(
        catalogue
            .iter()
            .all(|entry| entry.committed.is_some() && entry.proofs.len() == 1)
    );
    assert!(counters.of(Verb::List).requests <= 5);
    assert_eq!(counters.total().requests, counters.of(Verb::List).requests);
}

#[tokio::test]
async fn what_was_said_of_a_backup_is_listed_in_order() {
    let world = World::new().await;
    let mut later = record("00".repeat(32), "host", NOW + 10);
    later.nodes[0].paths = vec![format!("/{}", "long/".repeat(200)).into()];
    let earlier = record("00".repeat(32), "host", NOW);
    commit(&world, &later).await;
    commit(&world, &earlier).await;
    let vault = &world.vault;
    let marks = [
        mark(MarkAction::Hold(Some("why ".repeat(100))), NOW + 20),
        mark(
            MarkAction::Tag {
                key: "a".into(),
                value: Some("b".into()),
            },
            NOW + 21,
        ),
        mark(MarkAction::Release, NOW + 22),
    ];
    for mark in marks.iter().rev() {
        vault.add_mark(later.backup, mark).await.unwrap();
        vault.add_mark(later.backup, mark).await.unwrap();
    }
    vault
        .add_proof(later.backup, &proof(false, NOW + 31))
        .await
        .unwrap();
    vault
        .add_proof(later.backup, &proof(true, NOW + 30))
        .await
        .unwrap();
    let begun = intent(BackupId::random());
    drop(vault.begin(&begun).await.unwrap());
    drop(vault.begin(&begun).await.unwrap());

    let listed = vault.catalogue().await.unwrap();
    let mut ids: Vec<_> = listed.iter().map(|entry| entry.backup).collect();
    assert_eq!(ids.pop(), Some(later.backup));
    ids.sort();
    let mut first = vec![earlier.backup, begun.backup];
    first.sort();
    assert_eq!(ids, first);
    let entry = &listed[2];
    assert_eq!(entry.committed, Some(Facts::from(&later)));
    assert_eq!(entry.marks, marks);
    assert_eq!(
        entry.proofs.iter().map(|proof| proof.ok).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(
        vault.proofs(later.backup).await.unwrap(),
        [proof(true, NOW + 30), proof(false, NOW + 31)]
    );
    let listed = listed.iter().find(|entry| entry.backup == begun.backup).unwrap();
    assert_eq!((listed.intent.as_ref(), &listed.committed), (Some(&begun), &None));
}

#[tokio::test]
async fn a_commit_is_repeatable_and_never_replaced() {
    let world = World::new().await;
    let mut record = record("00".repeat(32), "host", NOW);
    record.nodes[0].paths = vec![std::path::PathBuf::from(std::ffi::OsString::from(
        <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"/not \xff utf-8"),
    ))];
    commit(&world, &record).await;
    commit(&world, &record).await;
    assert_eq!(world.vault.record(record.backup).await.unwrap(), record);
    let other = Record {
        partial: true,
        ..record.clone()
    };
    let error = super::world::commit(&world.vault, &other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn forged_copied_and_foreign_notes_change_nothing() {
    let world = World::new().await;
    let (one, two) = (
        record("00".repeat(32), "host", NOW),
        record("00".repeat(32), "host", NOW + 1),
    );
    commit(&world, &one).await;
    commit(&world, &two).await;
    world
        .vault
        .add_proof(one.backup, &proof(true, NOW + 2))
        .await
        .unwrap();
    let before = world.vault.catalogue().await.unwrap();
    for key in world.store.keys() {
        let Some(rest) = key.as_str().strip_prefix(&format!("notes/{}.", one.backup)) else {
            continue;
        };
        let mut flipped = rest.to_owned();
        flipped.pop();
        let body = world.store.get(&key).await.unwrap();
        for name in [
            format!("notes/{}.{rest}", two.backup),
            format!("notes/{}.{rest}", BackupId::random()),
            format!("notes/{}.{flipped}", one.backup),
            format!("notes/{}.1.AAAA", one.backup),
            "notes/nothing".to_owned(),
        ] {
            world.store.tamper(&Key::new(name).unwrap(), body.clone());
        }
    }
    assert_eq!(world.vault.catalogue().await.unwrap(), before);
    assert_eq!(world.vault.proofs(two.backup).await.unwrap(), []);
}

#[tokio::test]
async fn a_record_without_facts_is_read_and_a_damaged_one_is_named() {
    let world = World::new().await;
    let (good, bad) = (
        record("00".repeat(32), "host", NOW),
        record("00".repeat(32), "host", NOW),
    );
    for record in [&good, &bad] {
        commit(&world, record).await;
    }
    for key in world.store.keys() {
        if key.as_str().starts_with("notes/") {
            world.store.delete(&key).await.unwrap();
        }
    }
    let key = Key::new(format!("backups/{}", bad.backup)).unwrap();
    world.store.tamper(&key, "nonsense");
    for entry in world.vault.catalogue().await.unwrap() {
        if entry.backup == good.backup {
            assert_eq!(
                (entry.committed, entry.unreadable),
                (Some(Facts::from(&good)), None)
            );
        } else {
            assert!(entry.committed.is_none() && entry.unreadable.is_some());
        }
    }
}

#[tokio::test]
async fn a_deleted_backup_leaves_nothing_and_can_be_deleted_again() {
    let world = World::new().await;
    let record = record("00".repeat(32), "host", NOW);
    commit(&world, &record).await;
    world
        .vault
        .add_proof(record.backup, &proof(true, NOW))
        .await
        .unwrap();
    let lease = lease(&world.vault).await.unwrap();
    assert!(world.vault.delete_backup(record.backup, &lease).await.unwrap() > 0);
    assert_eq!(world.vault.delete_backup(record.backup, &lease).await.unwrap(), 0);
    assert_eq!(world.vault.catalogue().await.unwrap(), []);
    let id = record.backup.to_string();
    assert!(world.store.keys().iter().all(|key| !key.as_str().contains(&id)));
    let error = world
        .vault
        .add_proof(record.backup, &proof(true, NOW))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
