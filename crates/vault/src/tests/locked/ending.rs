//! How locks come to their end.

use std::sync::Arc;

use ostler_store::Key;
use ostler_vocabulary::{Classified, Clock, ErrorKind, Progress, Timestamp, Unit};
use tokio_util::sync::CancellationToken;

use super::super::giving_up::give_up;
use super::super::world::{NOW, backup, check, collect, lease, verify};
use super::{Bucket, DAY, SPAN, noise, two_backups};
use crate::{Collected, Collecting, Error, NewKey, Record, Unlock, Vault};

#[tokio::test(flavor = "multi_thread")]
async fn locks_of_what_is_needed_grow_and_others_end() {
    let bucket = Bucket::new().await;
    let [old, new] = two_backups(&bucket.writer().await).await;
    let ends = bucket.clock.now() + SPAN;
    for prefix in ["packs/", "backups/", "keys/", "vault.json"] {
        for key in bucket.keys(prefix).await {
            assert_eq!(bucket.until(&key).await, Some(ends), "{key}");
        }
    }
    for prefix in ["leases/", "index/", "notes/"] {
        for key in bucket.keys(prefix).await {
            assert_eq!(bucket.until(&key).await, None, "{key}");
        }
    }

    // Too early for the keep rules' wish.
    let keeper = bucket.keeper().await;
    assert_eq!(keeper.backup_locked_until(old.backup).await.unwrap(), Some(ends));
    let held = lease(&keeper).await.unwrap();
    let refused = keeper.delete_backup(old.backup, &held).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied, "{refused}");
    held.release().await.unwrap();
    assert_eq!(verify(&keeper, &old).await.unwrap(), []);

    bucket.clock.advance(DAY * 10);
    assert_eq!(
        collect(&keeper).await.unwrap().locks_extended,
        0,
        "more than half is left"
    );
    bucket.clock.advance(DAY * 10);
    let collected = collect_for(&keeper, &old).await;
    assert!(collected.locks_extended > 3, "{collected:?}");
    let longer = bucket.clock.now() + SPAN;
    let record_of = |record: &Record| Key::new(format!("backups/{}", record.backup)).unwrap();
    assert_eq!(bucket.until(&record_of(&new)).await, Some(longer));
    assert_eq!(bucket.until(&record_of(&old)).await, Some(ends), "it is to go");
    let packs = bucket.keys("packs/").await;
    let mut grown = 0;
    for pack in &packs {
        grown += usize::from(bucket.until(pack).await == Some(longer));
    }
    assert!((1..packs.len()).contains(&grown), "{grown} of {}", packs.len());

    bucket.clock.advance(DAY * 11);
    assert_eq!(keeper.backup_locked_until(old.backup).await.unwrap(), None);
    let held = lease(&keeper).await.unwrap();
    keeper.delete_backup(old.backup, &held).await.unwrap();
    held.release().await.unwrap();
    let collected = collect(&keeper).await.unwrap();
    assert!(collected.packs_deleted > 0, "{collected:?}");
    assert!(bucket.keys("packs/").await.len() < packs.len());
    assert_eq!(verify(&bucket.writer().await, &new).await.unwrap(), []);
    let check = check(&keeper, true).await;
    assert!(check.problems.is_empty(), "{:?}", check.problems);
}

/// Collects while a backup is only waiting for the end of its lock.
async fn collect_for(vault: &Arc<Vault>, expiring: &Record) -> Collected {
    let held = lease(vault).await.unwrap();
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    let how = Collecting {
        expiring: &[expiring.backup],
        ..Collecting::default()
    };
    let collected = vault.collect(&held, how, &progress, &cancel).await.unwrap();
    held.release().await.unwrap();
    collected
}

#[tokio::test(flavor = "multi_thread")]
async fn leaked_secrets_are_given_up_when_the_last_lock_on_what_they_sealed_is_over() {
    let bucket = Bucket::new().await;
    let [first, second] = two_backups(&bucket.writer().await).await;
    bucket.clock.advance(DAY * 20);
    let keeper = bucket.keeper().await;
    let left = give_up(&keeper).await.unwrap();
    // Everything was sealed anew at once, and what it was sealed with before is waiting.
    let kinds = |left: &[String], kind: &str| left.iter().filter(|key| key.starts_with(kind)).count();
    assert!(kinds(&left, "packs/") > 1, "{left:?}");
    assert_eq!(kinds(&left, "backups/"), 2, "{left:?}");
    assert_eq!(kinds(&left, "index/") + kinds(&left, "notes/"), 0, "{left:?}");
    let waits = keeper.locked_for(&left).await.unwrap();
    assert_eq!(
        waits,
        Some(bucket.clock.now() + SPAN),
        "the collection made locks of records longer"
    );
    let whole = async |context: &str| {
        for vault in [bucket.writer().await, bucket.keeper().await] {
            for record in [&first, &second] {
                assert_eq!(vault.record(record.backup).await.unwrap(), *record, "{context}");
                assert_eq!(verify(&vault, record).await.unwrap(), [], "{context}");
            }
            let check = check(&vault, true).await;
            assert!(check.problems.is_empty(), "{context}: {:?}", check.problems);
        }
    };
    whole("waiting").await;
    // A second time it has nothing to do.
    let packs = bucket.keys("packs/").await;
    assert_eq!(give_up(&keeper).await.unwrap(), left);
    assert_eq!(bucket.keys("packs/").await, packs);

    // Collections make locks longer meanwhile, but not those.
    bucket.clock.advance(DAY * 16);
    collect(&keeper).await.unwrap();
    bucket.clock.advance(DAY * 15);
    assert_eq!(give_up(&keeper).await.unwrap(), [""; 0]);
    whole("given up").await;
    assert_eq!(bucket.keeper().await.epochs().len(), 1);
    let old = |key: &Key| left.contains(&key.to_string());
    assert!(!bucket.keys("packs/").await.iter().any(old));
    assert!(!bucket.keys("backups/").await.iter().any(old));
    // The secrets themselves were needed until now, so that their lock was made longer.
    let secrets = bucket.keys("keys/").await;
    assert!(
        secrets
            .iter()
            .any(|key| key.as_str().ends_with("/epoch-00000001")),
        "{secrets:?}"
    );
    bucket.clock.advance(DAY * 16);
    collect(&bucket.keeper().await).await.unwrap();
    let secrets = bucket.keys("keys/").await;
    assert!(
        !secrets
            .iter()
            .any(|key| key.as_str().ends_with("/epoch-00000001")),
        "{secrets:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_locked_pack_is_written_anew_before_its_lock_is_made_longer() {
    let bucket = Bucket::new().await;
    let [old, new] = two_backups(&bucket.writer().await).await;
    bucket.clock.advance(DAY * 20);
    let keeper = bucket.keeper().await;
    collect_for(&keeper, &old).await;
    let ends = bucket.clock.now() + SPAN;
    bucket.clock.advance(DAY * 11);
    let held = lease(&keeper).await.unwrap();
    keeper.delete_backup(old.backup, &held).await.unwrap();
    held.release().await.unwrap();
    // Half of the pack with what both needed is unneeded now, and locked for 19 days more.
    collect(&keeper).await.unwrap();
    let before = bucket.keys("packs/").await;
    bucket.clock.advance(DAY * 5);
    assert!(collect(&keeper).await.unwrap().bytes_anew > 0);
    let after = bucket.keys("packs/").await;
    assert!(before.iter().all(|pack| after.contains(pack)), "it is locked");
    assert!(after.len() > before.len());
    assert_eq!(collect(&keeper).await.unwrap().bytes_anew, 0, "once is enough");
    assert_eq!(bucket.keys("packs/").await, after);

    bucket.clock.advance(DAY * 15);
    assert!(bucket.clock.now() > ends);
    collect(&keeper).await.unwrap();
    let last = bucket.keys("packs/").await;
    let gone: Vec<&Key> = before.iter().filter(|pack| !last.contains(pack)).collect();
    assert_eq!(gone.len(), 1);
    assert_eq!(
        bucket
            .until(&last[0])
            .await
            .map(|until| until > bucket.clock.now()),
        Some(true)
    );
    assert_eq!(verify(&bucket.writer().await, &new).await.unwrap(), []);
    let check = check(&keeper, true).await;
    assert!(check.problems.is_empty(), "{:?}", check.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_locked_gets_no_new_secrets_once_it_was_removed_and_goes_when_its_lock_is_over() {
    let bucket = Bucket::new().await;
    let keeper = bucket.keeper().await;
    let [first, _] = two_backups(&keeper).await;
    bucket.clock.advance(DAY * 10);
    let held = lease(&keeper).await.unwrap();
    let leaked = keeper.wrappers().await.unwrap().remove(0).id;
    let file = keeper.new_key_file().unwrap();
    let id = Vault::new_wrapper_id().unwrap();
    keeper
        .add_wrapper(&id, &NewKey::KeyFile(file.clone()), &held)
        .await
        .unwrap();
    let until = keeper.remove_wrapper(&leaked, &held).await.unwrap();
    assert_eq!(until, Some(Timestamp::from_second(NOW).unwrap() + SPAN));
    let listed: Vec<String> = keeper
        .wrappers()
        .await
        .unwrap()
        .into_iter()
        .map(|w| w.id)
        .collect();
    assert_eq!(listed, std::slice::from_ref(&id));
    let last = keeper.remove_wrapper(&id, &held).await;
    assert!(matches!(last, Err(Error::LastKey(_))), "{last:?}");
    held.release().await.unwrap();

    let open = async |key: &Unlock| {
        let clock = Arc::clone(&bucket.clock) as Arc<dyn Clock>;
        let store = Arc::new(bucket.memory.clone());
        Vault::open_locked(store, std::slice::from_ref(key), clock, Some(SPAN)).await
    };
    let keeper = Arc::new(open(&Unlock::KeyFile(file.clone())).await.unwrap());
    give_up(&keeper).await.unwrap();
    let later = backup(&keeper, &[("later", noise(6, 100_000))]).await;
    // Whoever has it opens what it was sealed, and nothing that came later.
    let thief = Arc::new(open(&bucket.unlock[0]).await.unwrap());
    assert_eq!(thief.record(first.backup).await.unwrap(), first);
    assert!(thief.record(later.backup).await.is_err());

    bucket.clock.advance(DAY * 21);
    collect(&keeper).await.unwrap();
    for key in bucket.keys(&format!("keys/{leaked}/")).await {
        assert!(key.as_str().contains("/retired-"), "{key}");
    }
    let opened = open(&bucket.unlock[0]).await;
    assert!(matches!(opened, Err(Error::WrongKey { .. })), "{opened:?}");
    let keeper = Arc::new(open(&Unlock::KeyFile(file)).await.unwrap());
    for record in [&first, &later] {
        assert_eq!(verify(&keeper, record).await.unwrap(), []);
    }
}
