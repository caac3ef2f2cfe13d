//! Keys that are added, removed and rotated.

use std::sync::Arc;

use ostler_store::{Key, Store};
use ostler_vocabulary::{Classified, ErrorKind, OperationId, Secret};

use super::collect::Mortal;
use super::fixture::{Fixture, SUITES, noise};
use super::world::{World, check, collect, commit, intent_of, lease, store_files, verify};
use crate::envelope::epoch_of;
use crate::{Error, NewKey, PassphraseCost, Unlock, Vault};

pub(super) async fn rotate(vault: &Arc<Vault>, gives_up: bool) -> Result<u32, Error> {
    let lease = lease(vault).await?;
    let after = vault.current_epoch();
    let epoch = vault
        .rotate(after, gives_up, OperationId::random(), &lease)
        .await?;
    lease.release().await?;
    Ok(epoch)
}

#[tokio::test]
async fn keys_are_added_and_removed_and_each_opens_everything() {
    let world = World::new().await;
    let record = world.backup(&[("data/a", noise(1, 100_000))]).await;
    assert_eq!(rotate(&world.vault, false).await.unwrap(), 2);
    let later = world.backup(&[("data/b", noise(2, 100_000))]).await;
    let guard = lease(&world.vault).await.unwrap();
    let file = world.vault.new_key_file().unwrap();
    let passphrase = Secret::new("correct horse");
    let new = [
        (NewKey::KeyFile(file.clone()), Unlock::KeyFile(file)),
        (
            NewKey::Passphrase(passphrase.clone(), PassphraseCost::CHEAP),
            Unlock::Passphrase(passphrase),
        ),
    ];
    let mut last = Arc::clone(&world.vault);
    for (key, unlock) in &new {
        let id = Vault::new_wrapper_id().unwrap();
        for _ in 0..2 {
            let added = world.vault.add_wrapper(&id, key, &guard).await.unwrap();
            assert_eq!(added.epochs, [1, 2]);
        }
        let vault = Vault::open(
            Arc::clone(&world.store) as _,
            std::slice::from_ref(unlock),
            world.clock.clone(),
        )
        .await;
        let vault = Arc::new(vault.unwrap());
        for record in [&record, &later] {
            assert_eq!(verify(&vault, record).await.unwrap(), []);
        }
        last = vault;
    }
    let mut wrappers = last.wrappers().await.unwrap();
    wrappers.sort_by_key(|wrapper| wrapper.opened_by);
    let ids: Vec<String> = wrappers.into_iter().map(|wrapper| wrapper.id).collect();
    assert_eq!(ids.len(), 3);
    for id in &ids[..2] {
        last.remove_wrapper(id, &guard).await.unwrap();
        last.remove_wrapper(id, &guard).await.unwrap();
    }
    let removed = world.vault.renew_keys().await.unwrap_err();
    assert_eq!(removed.kind(), ErrorKind::Denied, "{removed}");
    let last = last.remove_wrapper(&ids[2], &guard).await.unwrap_err();
    assert_eq!(last.kind(), ErrorKind::Refused, "{last}");
    let gone = Vault::open(Arc::clone(&world.store) as _, &world.unlock, world.clock.clone()).await;
    assert!(matches!(gone, Err(Error::WrongKey { .. })));
    let empty = NewKey::Passphrase(Secret::new(""), PassphraseCost::CHEAP);
    let refused = world
        .vault
        .add_wrapper(&ids[0], &empty, &guard)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn who_opened_before_a_rotation_reads_what_came_after_it_and_begins_with_the_new_epoch() {
    let world = World::new().await;
    let before = world.backup(&[("data/a", noise(1, 100_000))]).await;
    let early = world.open(Arc::clone(&world.store) as _).await;
    let half = store_files(&early, &[("data/half", noise(3, 100_000))])
        .await
        .unwrap();
    let writer = early.begin(&intent_of(&half)).await.unwrap();
    rotate(&world.vault, false).await.unwrap();
    let after = world.backup(&[("data/b", noise(2, 100_000))]).await;
    // Begun before: it goes on with its epoch, and everybody can read it.
    writer.commit(&half, &[]).await.unwrap();
    writer.finish().await.unwrap();
    let fresh = world.open(Arc::clone(&world.store) as _).await;
    for vault in [&fresh, &world.vault, &early] {
        for record in [&before, &half, &after] {
            assert_eq!(verify(vault, record).await.unwrap(), []);
        }
        assert_eq!(vault.catalogue().await.unwrap().len(), 3);
    }
    let third = world.open(Arc::clone(&world.store) as _).await;
    rotate(&world.vault, false).await.unwrap();
    let begun = store_files(&third, &[("data/c", noise(4, 1000))]).await.unwrap();
    commit(&third, &begun).await.unwrap();
    let key = Key::new(format!("backups/{}", begun.backup)).unwrap();
    assert_eq!(epoch_of(&world.store.get(&key).await.unwrap()), Some(3));
    // A collector that opened before knows what it sees.
    let old = world.open(Arc::clone(&world.store) as _).await;
    rotate(&world.vault, false).await.unwrap();
    let last = world.backup(&[("data/d", noise(5, 100_000))]).await;
    collect(&old).await.unwrap();
    assert_eq!(verify(&fresh, &last).await.unwrap(), []);
    assert_eq!(check(&world.vault, true).await.problems, []);
}

#[tokio::test]
async fn a_rotation_killed_anywhere_has_happened_or_not_and_the_next_one_leaves_nothing_of_it() {
    let world = World::new().await;
    let guard = lease(&world.vault).await.unwrap();
    let passphrase = NewKey::Passphrase(Secret::new("correct horse"), PassphraseCost::CHEAP);
    let id = Vault::new_wrapper_id().unwrap();
    world.vault.add_wrapper(&id, &passphrase, &guard).await.unwrap();
    guard.release().await.unwrap();
    let record = world.backup(&[("data/a", noise(1, 1000))]).await;
    for changes in 0..100 {
        let store = world.copy().await;
        let mortal = world
            .open(Arc::new(Mortal::new(Arc::clone(&store), changes + 1)))
            .await;
        let ended = rotate(&mortal, false).await.is_ok();
        let vault = world.open(Arc::clone(&store) as _).await;
        let half = vault.current_epoch();
        assert!(half == 1 || half == 2, "after {changes} changes");
        super::world::backup(&vault, &[("data/b", noise(2, 1000))]).await;
        let next = rotate(&vault, false).await.unwrap();
        assert!(next > half);
        let unlock = [Unlock::Passphrase(Secret::new("correct horse"))];
        let other = Vault::open(Arc::clone(&store) as _, &unlock, world.clock.clone()).await;
        let other = Arc::new(other.unwrap());
        assert_eq!(other.current_epoch(), next);
        for vault in [&vault, &other] {
            assert_eq!(
                verify(vault, &record).await.unwrap(),
                [],
                "after {changes} changes"
            );
            assert_eq!(vault.catalogue().await.unwrap().len(), 2);
        }
        let sealed: Vec<usize> = other
            .wrappers()
            .await
            .unwrap()
            .iter()
            .map(|w| w.epochs.len())
            .collect();
        let expected = if half == 1 { 2 } else { 3 };
        assert_eq!(sealed, [expected, expected], "after {changes} changes");
        if ended {
            return;
        }
    }
    panic!("it never ends");
}

#[tokio::test]
async fn of_two_rotations_at_once_one_wins() {
    let world = World::new().await;
    let guard = lease(&world.vault).await.unwrap();
    let operations = [(); 2].map(|()| OperationId::random());
    let first = world.vault.rotate(1, false, operations[0], &guard).await.unwrap();
    // Told again: what its own attempt did is its own.
    assert_eq!(
        world.vault.rotate(1, false, operations[0], &guard).await.unwrap(),
        first
    );
    let late = world
        .vault
        .rotate(1, false, operations[1], &guard)
        .await
        .unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn an_epoch_without_the_proof_of_the_one_before_is_refused() {
    let world = World::new().await;
    rotate(&world.vault, false).await.unwrap();
    rotate(&world.vault, false).await.unwrap();
    let other = Fixture::new(SUITES[1]).await;
    for tampered in ["rounds/epoch-00000002", "rounds/epoch-00000003"] {
        let store = world.copy().await;
        let key = Key::new(tampered).unwrap();
        let mut body = store.get(&key).await.unwrap().to_vec();
        body[60] ^= 1;
        store.tamper(&key, body);
        let opened = Vault::open(store as _, &world.unlock, world.clock.clone()).await;
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::Corrupt);
    }
    drop(other);
}

#[tokio::test]
async fn a_rotation_that_slept_while_its_secrets_were_replaced_locks_nobody_out() {
    let world = World::new().await;
    let mut slept = Vec::new();
    for _ in 0..2 {
        let store = world.copy().await;
        let vault = world.open(Arc::clone(&store) as _).await;
        assert_eq!(rotate(&vault, false).await.unwrap(), 2);
        let secrets = store.list("keys/", None).await.unwrap().objects;
        let secrets = secrets.into_iter().map(|object| object.key);
        let mut secrets = secrets.filter(|key| key.as_str().ends_with("/epoch-00000002"));
        slept.push((store, secrets.next().unwrap()));
    }
    let late = &slept[0].1;
    let secrets = slept[0].0.get(late).await.unwrap();
    world.store.create(late, secrets.clone()).await.unwrap();
    assert_eq!(rotate(&world.vault, false).await.unwrap(), 3);
    let record = world.backup(&[("data/a", noise(1, 1000))]).await;
    // It was removed as nobody's, and arrives once more; the other one says that its own secrets count.
    world.store.create(late, secrets).await.unwrap();
    let said = Key::new("rounds/epoch-00000002").unwrap();
    let saying = slept[1].0.get(&said).await.unwrap();
    world.store.create(&said, saying).await.unwrap();
    let vault = world.open(Arc::clone(&world.store) as _).await;
    assert_eq!(vault.current_epoch(), 3);
    assert_eq!(verify(&vault, &record).await.unwrap(), []);
    assert_eq!(rotate(&vault, false).await.unwrap(), 4);
}
