//! A vault that locks what it stores: what a stolen key cannot do, and how locks come to their end.

use std::sync::Arc;
use std::time::Duration;

use ostler_store::{Key, Store, VersionedMemory, Versions};
use ostler_vocabulary::{Classified, Clock, ErrorKind, ManualClock, Progress, Timestamp, Unit};
use tokio_util::sync::CancellationToken;

use super::giving_up::give_up;
use super::rotation::rotate;
use super::world::{NOW, backup, check, collect, lease, verify};
use crate::{Collected, Collecting, Error, InitOptions, NewKey, Protect, Record, Unlock, Vault, Writers};

const DAY: Duration = Duration::from_secs(86_400);
const SPAN: Duration = Duration::from_secs(30 * 86_400);

struct Bucket {
    memory: VersionedMemory,
    clock: Arc<ManualClock>,
    unlock: Vec<Unlock>,
}

impl Bucket {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(NOW).unwrap()));
        let memory = VersionedMemory::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let options = InitOptions {
            protect: vec![Protect::KeyFile],
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let store = Arc::new(memory.clone());
        let made = Vault::init_for(store, options, None, Writers::Many, Some(SPAN))
            .await
            .unwrap();
        Self {
            memory,
            clock,
            unlock: made.key_file.into_iter().map(Unlock::KeyFile).collect(),
        }
    }

    async fn open(&self, store: &VersionedMemory) -> Arc<Vault> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let store = Arc::new(store.clone());
        let vault = Vault::open_locked(store, &self.unlock, clock, Some(SPAN))
            .await
            .unwrap();
        Arc::new(vault)
    }

    /// With credentials that may write and not delete versions.
    async fn writer(&self) -> Arc<Vault> {
        self.open(&self.memory.for_writers()).await
    }

    /// With credentials that may delete what is not locked.
    async fn keeper(&self) -> Arc<Vault> {
        self.open(&self.memory).await
    }

    fn versions(&self) -> Arc<dyn Versions> {
        Store::versions(&self.memory).unwrap()
    }

    async fn keys(&self, prefix: &str) -> Vec<Key> {
        let listed = self.versions().list(prefix, None).await.unwrap();
        listed.keys.into_iter().map(|(key, _)| key).collect()
    }

    /// The end of the lock on what was written first.
    async fn until(&self, key: &Key) -> Option<Timestamp> {
        let first = self.versions().of(key).await.unwrap().remove(0);
        self.versions().locked_until(key, &first.id).await.unwrap()
    }
}

fn noise(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

async fn two_backups(vault: &Arc<Vault>) -> [Record; 2] {
    let shared = noise(1, 300_000);
    [
        backup(vault, &[("old", noise(2, 400_000)), ("shared", shared.clone())]).await,
        backup(vault, &[("new", noise(3, 400_000)), ("shared", shared)]).await,
    ]
}

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

#[tokio::test]
async fn a_store_without_versions_cannot_lock() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_second(NOW).unwrap()));
    let options = InitOptions {
        protect: vec![Protect::KeyFile],
        clock,
    };
    let store = Arc::new(ostler_store::Memory::new());
    let refused = Vault::init_for(store, options, None, Writers::Many, Some(SPAN))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
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
