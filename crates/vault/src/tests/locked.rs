//! A vault that locks what it stores: what a stolen key cannot do, and how locks come to their end.

use std::sync::Arc;
use std::time::Duration;

use ostler_store::{Key, Store, VersionedMemory, Versions};
use ostler_vocabulary::{Classified, Clock, ErrorKind, ManualClock, Progress, Timestamp, Unit};
use tokio_util::sync::CancellationToken;

use super::world::{NOW, backup, check, collect, lease, verify};
use crate::{Collected, Collecting, InitOptions, Protect, Record, Unlock, Vault, Writers};

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
