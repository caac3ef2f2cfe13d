//! Epochs that are given up: nothing needs them afterwards, and nobody believes them.

use std::sync::Arc;

use ostler_store::{Key, Memory, Store};
use ostler_vocabulary::{Classified, ErrorKind, OperationId, Progress, Unit};
use tokio_util::sync::CancellationToken;

use super::collect::Mortal;
use super::fixture::noise;
use super::rotation::rotate;
use super::world::{World, check, collect, intent_of, lease, plan, store_files, verify};
use crate::envelope::epoch_of;
use crate::keys::sealed_epoch;
use crate::{CatalogueEntry, Collecting, Error, MarkAction, MarkRecord, ProofRecord, Record, Vault};

/// What `vault key rotate --compromised` does.
pub(super) async fn give_up(vault: &Arc<Vault>) -> Result<Vec<String>, Error> {
    if vault.giving_up().is_none() {
        rotate(vault, true).await?;
    }
    let lease = lease(vault).await?;
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    vault.settle_old_writers(Collecting::default(), &cancel).await?;
    vault
        .collect(&lease, Collecting::default(), &progress, &cancel)
        .await?;
    vault.seal_anew(&lease, &progress, &cancel).await?;
    let left = vault.give_up_old_epochs(&lease, &cancel).await?;
    lease.release().await?;
    Ok(left)
}

/// Epochs of all objects that name one.
async fn epochs(store: &Memory, prefix: &str) -> Vec<(Key, u32)> {
    let mut epochs = Vec::new();
    for key in store.keys() {
        if !key.as_str().starts_with(prefix) {
            continue;
        }
        let bytes = store.get(&key).await.unwrap();
        let epoch = match key.as_str().starts_with("packs/") {
            true => Some(u32::from_be_bytes(bytes[12..16].try_into().unwrap())),
            false => epoch_of(&bytes),
        };
        epochs.extend(epoch.map(|epoch| (key, epoch)));
    }
    epochs
}

/// A vault with backups, of which one is held, one proven, one gone, and one was given up while it was made.
async fn lived_in() -> (World, Vec<Record>) {
    let world = World::new().await;
    let shared = noise(1, 200_000);
    let mut records = Vec::new();
    for i in 0..4 {
        let own = noise(10 + i, 200_000);
        records.push(
            world
                .backup(&[("data/own", own), ("data/shared", shared.clone())])
                .await,
        );
    }
    world.delete(&records.remove(2)).await;
    let at = records[0].ended;
    let action = MarkAction::Hold(Some("a reason that is longer than a name can hold ".repeat(10)));
    let mark = MarkRecord { at, action };
    world.vault.add_mark(records[0].backup, &mark).await.unwrap();
    let proof = ProofRecord {
        method: "verify".into(),
        at,
        ok: true,
        files: 2,
        bytes: 400_000,
        problems: vec![],
        operation: None,
        part: None,
    };
    world.vault.add_proof(records[1].backup, &proof).await.unwrap();
    let ghost = store_files(&world.vault, &[("data/x", noise(99, 100_000))])
        .await
        .unwrap();
    drop(world.vault.begin(&intent_of(&ghost)).await.unwrap());
    assert!(world.vault.rule_out(ghost.backup).await.unwrap());
    (world, records)
}

async fn is_whole(vault: &Arc<Vault>, records: &[Record], catalogue: &[CatalogueEntry], context: &str) {
    for record in records {
        assert_eq!(verify(vault, record).await.unwrap(), [], "{context}");
        assert_eq!(vault.record(record.backup).await.unwrap(), *record, "{context}");
    }
    assert_eq!(vault.catalogue().await.unwrap(), catalogue, "{context}");
    let found = check(vault, true).await;
    assert_eq!((found.problems, found.damaged), (vec![], vec![]), "{context}");
}

#[tokio::test]
async fn given_up_epochs_are_needed_by_nothing_and_gone() {
    let (world, records) = lived_in().await;
    let catalogue = world.vault.catalogue().await.unwrap();
    // One more backup is being made by somebody who opened before.
    let early = world.open(Arc::clone(&world.store) as _).await;
    assert_eq!(give_up(&world.vault).await.unwrap(), [""; 0]);
    for prefix in ["packs/", "index/", "notes/", "rounds/"] {
        for (key, epoch) in epochs(&world.store, prefix).await {
            assert_eq!(epoch, 2, "{key}");
        }
    }
    for key in world.store.keys() {
        assert!(!key.as_str().ends_with("/epoch-00000001"), "{key}");
    }
    let fresh = world.open(Arc::clone(&world.store) as _).await;
    assert_eq!(fresh.epochs().len(), 1);
    is_whole(&fresh, &records, &catalogue, "given up").await;
    is_whole(&early, &records, &catalogue, "opened before").await;
    let late = super::world::backup(&early, &[("data/late", noise(7, 100_000))]).await;
    assert_eq!(verify(&fresh, &late).await.unwrap(), []);
    // And again, with what was sealed anew once.
    assert_eq!(give_up(&fresh).await.unwrap(), [""; 0]);
    let mut all = records.clone();
    all.push(late);
    let fresh = world.open(Arc::clone(&world.store) as _).await;
    let catalogue = fresh.catalogue().await.unwrap();
    is_whole(&fresh, &all, &catalogue, "given up twice").await;
    for record in &all {
        let guard = lease(&fresh).await.unwrap();
        fresh.delete_backup(record.backup, &guard).await.unwrap();
        guard.release().await.unwrap();
    }
    collect(&fresh).await.unwrap();
    let left: Vec<Key> = world
        .store
        .keys()
        .into_iter()
        .filter(|key| key.as_str().starts_with("packs/"))
        .collect();
    assert_eq!(left, []);
}

#[tokio::test]
async fn giving_up_killed_at_any_change_loses_nothing_and_goes_on() {
    let (world, records) = lived_in().await;
    let catalogue = world.vault.catalogue().await.unwrap();
    for changes in 0..1000 {
        let store = world.copy().await;
        let mortal = world
            .open(Arc::new(Mortal::new(Arc::clone(&store), changes + 1)))
            .await;
        let ended = give_up(&mortal).await.is_ok();
        let context = format!("after {changes} changes");
        let vault = world.open(Arc::clone(&store) as _).await;
        for record in &records {
            assert_eq!(verify(&vault, record).await.unwrap(), [], "{context}");
        }
        assert_eq!(vault.catalogue().await.unwrap(), catalogue, "{context}");
        let left = give_up(&vault).await.unwrap();
        assert_eq!(left, [""; 0], "{context}");
        let fresh = world.open(Arc::clone(&store) as _).await;
        assert_eq!(fresh.epochs().len(), 1, "{context}");
        is_whole(&fresh, &records, &catalogue, &context).await;
        if ended {
            assert!(changes > 20);
            return;
        }
    }
    panic!("it never ends");
}

#[tokio::test]
async fn a_backup_that_began_with_a_leaked_epoch_keeps_it_until_it_is_over() {
    let world = World::new().await;
    let early = world.open(Arc::clone(&world.store) as _).await;
    let record = store_files(&early, &[("data/a", noise(1, 100_000))])
        .await
        .unwrap();
    let mut intent = intent_of(&record);
    intent.owner = ostler_vocabulary::ProcessIdentity::current();
    let writer = early.begin(&intent).await.unwrap();
    rotate(&world.vault, true).await.unwrap();
    let guard = lease(&world.vault).await.unwrap();
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    world.vault.seal_anew(&guard, &progress, &cancel).await.unwrap();
    let left = world.vault.give_up_old_epochs(&guard, &cancel).await.unwrap();
    assert!(left.iter().any(|key| key.starts_with("intents/")), "{left:?}");
    guard.release().await.unwrap();
    writer.commit(&record, &[]).await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(give_up(&world.vault).await.unwrap(), [""; 0]);
    let fresh = world.open(Arc::clone(&world.store) as _).await;
    assert_eq!(verify(&fresh, &record).await.unwrap(), []);
}

#[tokio::test]
async fn rubbish_in_the_place_of_secrets_that_do_not_count_keeps_nobody_from_opening() {
    let (world, records) = lived_in().await;
    let catalogue = world.vault.catalogue().await.unwrap();
    assert_eq!(give_up(&world.vault).await.unwrap(), [""; 0]);
    let folders: Vec<String> = world
        .store
        .keys()
        .into_iter()
        .filter(|key| key.as_str().starts_with("keys/"))
        .filter_map(|key| Some(key.as_str().strip_suffix("/epoch-00000002")?.to_owned()))
        .collect();
    assert_eq!(folders.len(), 1);
    let put = async |number: u32| {
        let key = Key::new(format!("{}/epoch-{number:08}", folders[0])).unwrap();
        world.store.create(&key, "rubbish".into()).await.unwrap();
    };
    put(1).await;
    put(7).await;
    let fresh = world.open(Arc::clone(&world.store) as _).await;
    assert_eq!(fresh.current_epoch(), 2);
    is_whole(&fresh, &records, &catalogue, "with rubbish").await;
    put(3).await;
    // The next rotation takes a number that nobody used.
    assert_eq!(rotate(&fresh, false).await.unwrap(), 4);
    let fresh = world.open(Arc::clone(&world.store) as _).await;
    let numbers: Vec<u32> = fresh.epochs().iter().map(|epoch| epoch.number).collect();
    assert_eq!(numbers, [2, 4]);
    is_whole(&fresh, &records, &catalogue, "rotated").await;

    // Where the oldest epoch that counts is unreadable, that is said, and nothing is left out in silence.
    let key = Key::new(format!("{}/epoch-00000002", folders[0])).unwrap();
    world.store.tamper(&key, "rubbish");
    let opened = world.try_open(Arc::clone(&world.store) as _).await;
    assert!(matches!(opened, Err(Error::Damaged { .. })), "{opened:?}");
}

#[tokio::test]
async fn what_was_given_up_and_is_stored_again_counts_for_nobody() {
    let (world, records) = lived_in().await;
    let catalogue = world.vault.catalogue().await.unwrap();
    rotate(&world.vault, false).await.unwrap();
    let mut secrets = Vec::new();
    for key in world.store.keys() {
        if key.as_str().starts_with("keys/") && sealed_epoch(&key).is_some() {
            secrets.push((key.clone(), world.store.get(&key).await.unwrap()));
        }
    }
    // Whoever knew epoch 1, and can write to the store, would go on from there.
    let thief = world.open(Arc::clone(&world.store) as _).await;
    assert_eq!(give_up(&world.vault).await.unwrap(), [""; 0]);
    let forged = thief.seal_new_epoch().await.unwrap().unwrap();
    let (key, bytes) = {
        let keys = thief.keys();
        let leaked = keys.epoch(1, "").unwrap();
        thief
            .activation(leaked, &forged, false, OperationId::random())
            .unwrap()
    };
    secrets.push((key, bytes.into()));
    for (key, bytes) in secrets {
        // Of the epochs that count they are there still.
        let _ = world.store.create(&key, bytes).await;
    }
    let fresh = world.open(Arc::clone(&world.store) as _).await;
    let numbers: Vec<u32> = fresh.epochs().iter().map(|epoch| epoch.number).collect();
    assert_eq!((numbers, fresh.current_epoch()), (vec![3], 3));
    assert_eq!(fresh.giving_up(), None);
    is_whole(&fresh, &records, &catalogue, "with what came late").await;
    // The next rotation takes no number that was seen, and clears up.
    assert_eq!(rotate(&fresh, false).await.unwrap(), 5);
    let keys = world.store.keys().into_iter();
    let sealed = keys.filter(|key| key.as_str().starts_with("keys/"));
    let left: Vec<u32> = sealed.filter_map(|key| sealed_epoch(&key)).collect();
    assert_eq!(left, [3, 4, 5]);
}

#[tokio::test]
async fn a_request_to_seal_a_record_anew_that_comes_after_the_deletion_brings_nothing_back() {
    for opened_before in [false, true] {
        let world = World::new().await;
        let record = world.backup(&[("data/a", noise(1, 100_000))]).await;
        let early = world.open(Arc::clone(&world.store) as _).await;
        rotate(&world.vault, true).await.unwrap();
        // What is on its way: the same as is done to a copy of the vault.
        let (key, bytes) = {
            let copy = world.copy().await;
            let vault = world.open(Arc::clone(&copy) as _).await;
            assert_eq!(give_up(&vault).await.unwrap(), [""; 0]);
            let anew = |key: &Key| key.as_str() == format!("backups/{}.00000002", record.backup);
            let key = copy.keys().into_iter().find(anew).unwrap();
            let bytes = copy.get(&key).await.unwrap();
            (key, bytes)
        };
        let vault = if opened_before { &early } else { &world.vault };
        let guard = lease(vault).await.unwrap();
        vault.delete_backup(record.backup, &guard).await.unwrap();
        guard.release().await.unwrap();
        let late = world.store.create(&key, bytes.clone()).await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::AlreadyExists);
        let is_gone = async || {
            let fresh = world.open(Arc::clone(&world.store) as _).await;
            let read = fresh.record(record.backup).await;
            assert!(matches!(read, Err(Error::NotFound(_))), "{read:?}");
            assert_eq!(fresh.catalogue().await.unwrap(), []);
            collect(&fresh).await.unwrap();
            fresh
        };
        let fresh = is_gone().await;
        // Later the key is free again, and another counts for more.
        assert_eq!(give_up(&fresh).await.unwrap(), [""; 0]);
        assert_eq!(give_up(&fresh).await.unwrap(), [""; 0]);
        world.store.create(&key, bytes).await.unwrap();
        let fresh = is_gone().await;
        assert_eq!(plan(&fresh, &[]).await.unwrap().free_packs, 0);
    }
}

#[tokio::test]
async fn what_a_probe_found_outlives_the_epoch_that_sealed_it() {
    let world = World::new().await;
    world.backup(&[("data/a", noise(1, 100_000))]).await;
    for _ in 0..2 {
        world.vault.keep_probe(Default::default()).await.unwrap();
    }
    let probes = |store: &Memory| -> Vec<Key> {
        let keys = store.keys().into_iter();
        keys.filter(|key| key.as_str().starts_with("probes/")).collect()
    };
    let old = probes(&world.store).pop().unwrap();
    let bytes = world.store.get(&old).await.unwrap();
    let found = world.vault.last_probe().await.unwrap().unwrap();
    assert_eq!(give_up(&world.vault).await.unwrap(), Vec::<String>::new());
    assert_eq!(world.vault.last_probe().await.unwrap(), Some(found.clone()));
    assert_eq!(epochs(&world.store, "probes/").await.len(), 1);
    assert_eq!(check(&world.vault, true).await.problems, []);
    // A rotation of an earlier version left it.
    world.store.create(&old, bytes).await.unwrap();
    assert_eq!(check(&world.vault, false).await.problems, []);
    assert_eq!(world.vault.last_probe().await.unwrap(), Some(found));
    collect(&world.vault).await.unwrap();
    assert!(!probes(&world.store).contains(&old));
    assert_eq!(probes(&world.store).len(), 1);
}
