//! What a stolen key that may write cannot do.

use std::collections::HashSet;

use bytes::Bytes;
use ostler_store::{Key, Store};

use super::super::rotation::rotate;
use super::super::world::{backup, check, collect, lease, verify};
use super::{Bucket, DAY, SPAN, noise, two_backups};
use crate::{Error, PackId};

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_key_harms_no_backup_and_is_noticed() {
    let bucket = Bucket::new().await;
    let records = two_backups(&bucket.writer().await).await;
    let thief = bucket.memory.for_writers();
    let mut attacked = 0;
    for (number, key) in bucket.keys("").await.into_iter().enumerate() {
        if key.as_str().starts_with("leases/") {
            continue;
        }
        if number % 3 != 0 {
            thief.overwrite(&key, noise(9, 1000));
        }
        if number % 3 != 1 {
            thief.delete(&key).await.unwrap();
        }
        for version in bucket.versions().of(&key).await.unwrap() {
            let versions = Store::versions(&thief).unwrap();
            versions.delete_version(&key, &version.id).await.unwrap_err();
        }
        attacked += 1;
    }
    assert!(attacked > 8, "{attacked}");
    for vault in [bucket.writer().await, bucket.keeper().await] {
        for record in &records {
            assert_eq!(vault.record(record.backup).await.unwrap(), *record);
            assert_eq!(verify(&vault, record).await.unwrap(), []);
        }
        assert!(
            vault.tampering().iter().all(|one| one.is_readable),
            "{:?}",
            vault.tampering()
        );
        let packs = bucket.keys("packs/").await.len();
        let told = vault.tampering();
        let of_packs = told.iter().filter(|one| one.key.as_str().starts_with("packs/"));
        assert_eq!(of_packs.count(), packs, "{told:?}");
    }
    // A new backup is made beside what the thief left, and what it relies on is right.
    let record = backup(&bucket.writer().await, &[("shared", noise(1, 300_000))]).await;
    assert_eq!(verify(&bucket.keeper().await, &record).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_does_not_take_the_place_of_a_record_that_is_hidden() {
    let bucket = Bucket::new().await;
    let [first, _] = two_backups(&bucket.writer().await).await;
    let key = Key::new(format!("backups/{}", first.backup)).unwrap();
    bucket.memory.for_writers().delete(&key).await.unwrap();
    let vault = bucket.keeper().await;
    assert!(!vault.rule_out(first.backup).await.unwrap(), "it is committed");
    assert_eq!(vault.record(first.backup).await.unwrap(), first);
    assert_eq!(verify(&vault, &first).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_key_cannot_hide_which_epochs_count() {
    let bucket = Bucket::new().await;
    let keeper = bucket.keeper().await;
    let [first, _] = two_backups(&keeper).await;
    rotate(&keeper, false).await.unwrap();
    let later = backup(&keeper, &[("later", noise(5, 100_000))]).await;
    let thief = bucket.memory.for_writers();
    let epochs = bucket.keys("rounds/epoch-").await;
    assert_eq!(epochs.len(), 1);
    for hidden in [false, true] {
        match hidden {
            false => thief.overwrite(&epochs[0], noise(9, 1000)),
            true => thief.delete(&epochs[0]).await.unwrap(),
        }
        for vault in [bucket.writer().await, bucket.keeper().await] {
            assert_eq!(vault.current_epoch(), 2, "{hidden}");
            for record in [&first, &later] {
                assert_eq!(verify(&vault, record).await.unwrap(), [], "{hidden}");
            }
        }
    }
    let next = rotate(&bucket.keeper().await, false).await.unwrap();
    assert_eq!(next, 3);
}

/// What whoever sees the names of objects can create.
async fn forge(thief: &impl Store, name: &str, body: impl Into<Bytes>) {
    let key = Key::new(name).unwrap();
    thief.create(&key, body.into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn key_epochs_that_a_stolen_key_makes_up_stop_nobody() {
    let bucket = Bucket::new().await;
    let keeper = bucket.keeper().await;
    let [first, _] = two_backups(&keeper).await;
    rotate(&keeper, false).await.unwrap();
    let early = bucket.writer().await;
    let thief = bucket.memory.for_writers();
    let genuine = Key::new("rounds/epoch-00000002").unwrap();
    let genuine = thief.get(&genuine).await.unwrap();
    let opened_by = keeper.wrappers().await.unwrap().remove(0).id;
    // Numbers that come next, the last one there is, and that of an epoch whose own object is not there.
    for number in ["00000001", "00000003", "99999999"] {
        forge(&thief, &format!("rounds/epoch-{number}"), noise(9, 300)).await;
    }
    // The same bytes, and secrets that go with it.
    forge(&thief, "rounds/epoch-00000005", genuine).await;
    forge(&thief, &format!("keys/{opened_by}/epoch-00000005"), noise(9, 300)).await;

    for vault in [early, bucket.writer().await, bucket.keeper().await] {
        let record = backup(&vault, &[("more", noise(4, 100_000))]).await;
        assert_eq!(vault.current_epoch(), 2);
        for record in [&first, &record] {
            assert_eq!(verify(&bucket.keeper().await, record).await.unwrap(), []);
        }
    }
    // Numbers that were made up are used by nobody.
    let keeper = bucket.keeper().await;
    assert_eq!(rotate(&keeper, false).await.unwrap(), 4);
    let later = backup(&bucket.writer().await, &[("later", noise(5, 100_000))]).await;
    assert_eq!(rotate(&keeper, false).await.unwrap(), 6);
    collect(&keeper).await.unwrap();
    assert_eq!(verify(&keeper, &later).await.unwrap(), []);
    // Whoever looks is told.
    let told: Vec<String> = check(&keeper, true)
        .await
        .problems
        .into_iter()
        .map(|problem| problem.key)
        .collect();
    let made_up = ["00000001", "00000003", "00000005", "99999999"];
    assert_eq!(told, made_up.map(|number| format!("rounds/epoch-{number}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_place_of_an_epoch_that_is_just_being_made_stops_nobody() {
    let bucket = Bucket::new().await;
    let keeper = bucket.keeper().await;
    let [first, _] = two_backups(&keeper).await;
    let half = keeper.seal_new_epoch().await.unwrap().unwrap();
    assert_eq!(half.number, 2);
    forge(
        &bucket.memory.for_writers(),
        "rounds/epoch-00000002",
        noise(9, 300),
    )
    .await;
    for vault in [bucket.writer().await, bucket.keeper().await] {
        assert_eq!(vault.current_epoch(), 1);
        let record = backup(&vault, &[("more", noise(4, 100_000))]).await;
        assert_eq!(verify(&vault, &record).await.unwrap(), []);
    }
    assert_eq!(rotate(&keeper, false).await.unwrap(), 3);
    assert_eq!(verify(&bucket.writer().await, &first).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_read_stops_nobody_who_has_another() {
    let bucket = Bucket::new().await;
    let [first, _] = two_backups(&bucket.writer().await).await;
    let thief = bucket.memory.for_writers();
    let genuine = bucket.keys("keys/").await;
    let id = "00000000000000000000000000000000";
    forge(&thief, &format!("keys/{id}/wrapper.json"), noise(9, 300)).await;
    // One that says to be for the same key file.
    let genuine = genuine.iter().find(|key| key.as_str().ends_with("/wrapper.json"));
    let genuine = thief.get(genuine.unwrap()).await.unwrap();
    let other = "00000000000000000000000000000001";
    let mut said: serde_json::Value = serde_json::from_slice(&genuine).unwrap();
    said["id"] = other.into();
    let said = serde_json::to_vec(&said).unwrap();
    forge(&thief, &format!("keys/{other}/wrapper.json"), said).await;
    let keeper = bucket.keeper().await;
    assert_eq!(verify(&keeper, &first).await.unwrap(), []);
    assert_eq!(rotate(&keeper, false).await.unwrap(), 2);
    assert_eq!(bucket.writer().await.current_epoch(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_stolen_key_adds_gets_no_secrets_and_is_not_the_last_one() {
    let bucket = Bucket::new().await;
    let [first, _] = two_backups(&bucket.writer().await).await;
    // The thief's own vault has keys as they should be.
    let other = Bucket::new().await;
    let thief = bucket.memory.for_writers();
    let mut planted = 0;
    for key in other.keys("keys/").await {
        let body = other.memory.get(&key).await.unwrap();
        forge(&thief, key.as_str(), body).await;
        planted += 1;
    }
    assert_eq!(planted, 2, "a wrapper and its epoch");
    let keeper = bucket.keeper().await;
    let own = keeper.wrappers().await.unwrap();
    let own = own.iter().find(|wrapper| wrapper.opened_by).unwrap();
    assert_eq!(rotate(&keeper, true).await.unwrap(), 2);
    let sealed: Vec<Key> = bucket
        .keys("keys/")
        .await
        .into_iter()
        .filter(|key| key.as_str().ends_with("/epoch-00000002"))
        .collect();
    assert_eq!(sealed.len(), 1, "{sealed:?}");
    assert!(sealed[0].as_str().contains(&own.id));
    // That there is another one does not make ours dispensable.
    forge(
        &thief,
        &format!(
            "keys/{}/epoch-00000002",
            other.keeper().await.wrappers().await.unwrap()[0].id
        ),
        noise(9, 300),
    )
    .await;
    let held = lease(&keeper).await.unwrap();
    let last = keeper.remove_wrapper(&own.id, &held).await;
    assert!(matches!(last, Err(Error::LastKey(_))), "{last:?}");
    assert_eq!(verify(&bucket.keeper().await, &first).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn rounds_that_a_stolen_key_makes_up_stop_nobody_and_hide_nothing() {
    let bucket = Bucket::new().await;
    let keeper = bucket.keeper().await;
    let [old, new] = two_backups(&keeper).await;
    let thief = bucket.memory.for_writers();
    forge(&thief, "rounds/0000000001/done", "").await;
    forge(&thief, "rounds/9999999999/done", "").await;
    forge(&thief, "rounds/9999999998/marked", noise(9, 300)).await;
    let more = backup(&bucket.writer().await, &[("more", noise(4, 100_000))]).await;
    // What the writer stored was not stored anew because of them.
    let packs = bucket.keys("packs/").await.len();
    backup(&bucket.writer().await, &[("more", noise(4, 100_000))]).await;
    assert!(bucket.keys("packs/").await.len() <= packs + 1);

    // A genuine round is open beside them, over which the thief lays another.
    let marked: HashSet<PackId> = HashSet::from([PackId([7; 32])]);
    let next = keeper.rounds().await.unwrap().next;
    assert_eq!(next, 2, "the first is taken");
    assert!(keeper.open_round(next, &marked).await.unwrap().is_some());
    let key = Key::new("rounds/0000000002/marked").unwrap();
    thief.overwrite(&key, noise(9, 300));
    forge(&thief, "rounds/0000000002/done", noise(9, 100)).await;
    thief.delete(&key).await.unwrap();
    for vault in [bucket.writer().await, bucket.keeper().await] {
        let rounds = vault.rounds().await.unwrap();
        assert_eq!((rounds.highest, rounds.next), (2, 3));
        assert_eq!(rounds.open.unwrap().packs, marked);
    }

    bucket.clock.advance(SPAN + DAY);
    let held = lease(&keeper).await.unwrap();
    keeper.delete_backup(old.backup, &held).await.unwrap();
    held.release().await.unwrap();
    let collected = collect(&keeper).await.unwrap();
    assert!(collected.packs_deleted > 0, "{collected:?}");
    assert_eq!(keeper.rounds().await.unwrap().highest, 3);
    for record in [&new, &more] {
        assert_eq!(verify(&bucket.writer().await, record).await.unwrap(), []);
    }
}
