//! Collection of garbage: nothing needed is lost, whenever it is interrupted.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use ostler_store::{Key, Memory, Object, Page, Store};
use ostler_vocabulary::{BackupId, Classified, ErrorKind};

use super::fixture::noise;
use super::rotation::rotate;
use super::world::{World, check, collect, delete, plan, store_files, verify};
use crate::Record;
use crate::index::Scratch;

/// A store whose user is killed after so many changes.
#[derive(Debug)]
pub(super) struct Mortal {
    inner: Arc<Memory>,
    left: AtomicI64,
}

impl Mortal {
    pub(super) fn new(inner: Arc<Memory>, left: i64) -> Self {
        let left = AtomicI64::new(left);
        Self { inner, left }
    }

    fn live(&self, key: &Key, changes: bool) -> Result<(), ostler_store::Error> {
        let left = self.left.fetch_sub(i64::from(changes), Ordering::Relaxed);
        if left > 0 {
            Ok(())
        } else {
            Err(ostler_store::Error::ReadOnly(ostler_store::Attempt::new(
                ostler_store::Verb::Create,
                key.as_str(),
                "mortal",
            )))
        }
    }
}

#[async_trait]
impl Store for Mortal {
    fn location(&self) -> &str {
        "mortal"
    }
    async fn create(&self, key: &Key, body: Bytes) -> Result<(), ostler_store::Error> {
        self.live(key, true)?;
        self.inner.create(key, body).await
    }
    async fn get(&self, key: &Key) -> Result<Bytes, ostler_store::Error> {
        self.live(key, false)?;
        self.inner.get(key).await
    }
    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, ostler_store::Error> {
        self.live(key, false)?;
        self.inner.get_range(key, range).await
    }
    async fn head(&self, key: &Key) -> Result<Object, ostler_store::Error> {
        self.live(key, false)?;
        self.inner.head(key).await
    }
    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, ostler_store::Error> {
        self.inner.list(prefix, after).await
    }
    async fn delete(&self, key: &Key) -> Result<(), ostler_store::Error> {
        self.live(key, true)?;
        self.inner.delete(key).await
    }
}

/// A vault of which half is garbage: twelve backups that share a file, of which some are deleted again.
async fn littered() -> (World, Vec<Record>) {
    let world = World::new().await;
    let shared = noise(1, 300_000);
    let mut records = Vec::new();
    for i in 0..12 {
        let own = noise(100 + i, 500_000);
        records.push(
            world
                .backup(&[("data/own", own), ("data/shared", shared.clone())])
                .await,
        );
    }
    for i in [9, 4, 0] {
        world.delete(&records.remove(i)).await;
    }
    (world, records)
}

#[tokio::test]
async fn what_a_plan_found_holds_while_nothing_changes_and_for_one_run() {
    let (world, records) = littered().await;
    let vault = &world.vault;
    let gone = [records[0].backup];
    let recalled = async |gone: &[BackupId]| vault.recall(gone, &vault.glance().await.unwrap()).is_some();
    assert!(!recalled(&[]).await, "nothing was planned");
    plan(vault, &gone).await.unwrap();
    assert!(recalled(&gone).await);
    assert!(!recalled(&gone).await, "it is there once");
    plan(vault, &gone).await.unwrap();
    assert!(!recalled(&[]).await, "others go");
    // Whatever is written or deleted, by whomever.
    plan(vault, &gone).await.unwrap();
    world.backup(&[("data/new", noise(99, 1000))]).await;
    assert!(!recalled(&gone).await, "a backup was made");
    plan(vault, &gone).await.unwrap();
    collect(&world.open(Arc::clone(&world.store) as _).await)
        .await
        .unwrap();
    assert!(!recalled(&gone).await, "another freed space");
    plan(vault, &gone).await.unwrap();
    rotate(vault, false).await.unwrap();
    assert!(!recalled(&gone).await, "keys were rotated");
}

#[tokio::test]
async fn what_only_deleted_backups_needed_is_freed() {
    let (world, records) = littered().await;
    let before = world.store.bytes();
    let now = plan(&world.vault, &[]).await.unwrap();
    assert!(now.free_packs >= 4 && now.repack_packs >= 1, "{now:?}");
    assert_eq!(world.store.bytes(), before, "a plan changes nothing");
    let more = plan(&world.vault, &[records[0].backup]).await.unwrap();
    assert!(more.free_bytes > now.free_bytes);

    let collected = collect(&world.vault).await.unwrap();
    assert!(collected.bytes_freed > 1_400_000, "{collected:?}");
    assert!(before - world.store.bytes() >= collected.bytes_freed);
    for record in &records {
        assert_eq!(verify(&world.vault, record).await.unwrap(), []);
    }
    let found = check(&world.vault, true).await;
    assert_eq!(
        (found.problems, found.damaged, found.orphans),
        (vec![], vec![], 0)
    );
    let again = collect(&world.vault).await.unwrap();
    assert_eq!(
        (again.packs_deleted, again.packs_rewritten, again.bytes_freed),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn a_collection_by_an_index_on_disk_does_the_same() {
    let (world, records) = littered().await;
    let scratch = Scratch::new();
    let on_disk = async |store: &Arc<Memory>| {
        let vault = world.try_open(Arc::clone(store) as _).await.unwrap();
        Arc::new(vault.with_cache_above(&scratch.0, 0))
    };
    let (one, other) = (world.copy().await, world.copy().await);
    let gone = [records[0].backup];
    let in_memory = world.open(Arc::clone(&one) as _).await;
    let cached = on_disk(&other).await;
    assert_eq!(
        plan(&cached, &gone).await.unwrap(),
        plan(&in_memory, &gone).await.unwrap()
    );
    assert_eq!(
        collect(&cached).await.unwrap(),
        collect(&in_memory).await.unwrap()
    );
    // What it knew of before is gone, and what it wrote is known.
    let cached = on_disk(&other).await;
    let again = collect(&cached).await.unwrap();
    assert_eq!((again.packs_deleted, again.packs_rewritten), (0, 0));
    for record in &records {
        assert_eq!(verify(&cached, record).await.unwrap(), []);
    }
    assert_eq!(check(&cached, true).await.problems, []);
    // A segment that was damaged since the cache read it is described anew by what its packs say.
    let keys = other.keys();
    for key in keys.iter().filter(|key| key.as_str().starts_with("index/")) {
        other.tamper(key, vec![0; 100]);
    }
    delete(&cached, &records[1]).await;
    collect(&cached).await.unwrap();
    let fresh = world.open(Arc::clone(&other) as _).await;
    for record in &records[2..] {
        assert_eq!(verify(&fresh, record).await.unwrap(), []);
    }
    for pack in other
        .keys()
        .iter()
        .filter(|key| key.as_str().starts_with("packs/"))
    {
        other.delete(pack).await.unwrap();
    }
    assert_eq!(check(&cached, false).await.damaged.len(), records.len() - 1);
}

#[tokio::test]
async fn a_collection_killed_at_any_change_loses_nothing_and_can_be_repeated() {
    let (world, records) = littered().await;
    let whole = world.copy().await;
    let vault = world.open(Arc::clone(&whole) as _).await;
    collect(&vault).await.unwrap();
    let done = check(&vault, false).await;
    for changes in 0..1000 {
        let store = world.copy().await;
        let mortal = Mortal::new(Arc::clone(&store), changes + 1);
        let vault = world.open(Arc::new(mortal)).await;
        let ended = collect(&vault).await.is_ok();
        let vault = world.open(Arc::clone(&store) as _).await;
        for record in &records {
            assert_eq!(
                verify(&vault, record).await.unwrap(),
                [],
                "after {changes} changes"
            );
        }
        collect(&vault).await.unwrap();
        let found = check(&vault, false).await;
        assert_eq!(found.problems, [], "after {changes} changes");
        assert_eq!(
            (found.packs, found.chunks, found.orphans, found.damaged),
            (done.packs, done.chunks, 0, vec![]),
            "after {changes} changes"
        );
        if ended {
            assert!(changes > 10);
            return;
        }
    }
    panic!("it never ends");
}

#[tokio::test]
async fn nothing_is_freed_while_a_record_or_list_cannot_be_read() {
    for prefix in ["backups/", "packs/"] {
        let (world, records) = littered().await;
        let key = if prefix == "packs/" {
            let index = world.vault.index(false).await.unwrap();
            let list = index
                .get(&records[0].nodes[0].list.parse().unwrap())
                .unwrap()
                .unwrap();
            crate::index::pack_key(&list.pack).unwrap()
        } else {
            Key::new(format!("backups/{}", records[0].backup)).unwrap()
        };
        let mut body = world.store.get(&key).await.unwrap().to_vec();
        for byte in body.iter_mut().skip(200) {
            *byte ^= 1;
        }
        world.store.tamper(&key, body);
        let before = world.store.keys();
        let error = collect(&world.vault).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        let packs = |keys: &[Key]| {
            keys.iter()
                .filter(|key| key.as_str().starts_with("packs/"))
                .count()
        };
        assert_eq!(packs(&world.store.keys()), packs(&before));
    }
}

#[tokio::test]
async fn orphans_are_freed_only_when_no_backup_is_begun() {
    let world = World::new().await;
    let kept = world.backup(&[("data/a", noise(1, 100_000))]).await;
    let begun = store_files(&world.vault, &[("data/b", noise(2, 100_000))])
        .await
        .unwrap();
    // As if it had been killed before the index was written.
    let segments: Vec<Key> = world.store.keys();
    for key in segments.iter().filter(|key| key.as_str().starts_with("index/")) {
        world.store.delete(key).await.unwrap();
    }
    let intent = crate::Intent {
        backup: begun.backup,
        operation: begun.operation,
        started: begun.started,
        host: "host".into(),
        paths: vec![],
        name: None,
        owner: super::world::ghost().process,
        attempt: None,
    };
    drop(world.vault.begin(&intent).await.unwrap());
    assert_eq!(collect(&world.vault).await.unwrap().packs_deleted, 0);
    assert_eq!(verify(&world.vault, &begun).await.unwrap(), []);
    world.clock.advance(std::time::Duration::from_secs(25 * 3600));
    assert!(collect(&world.vault).await.unwrap().packs_deleted > 0);
    assert_eq!(verify(&world.vault, &kept).await.unwrap(), []);
    assert_eq!(world.vault.catalogue().await.unwrap().len(), 1);
}
