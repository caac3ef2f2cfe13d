//! How many answers of the store what is done waits for, one after another: what it costs where every answer takes long.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;
use ostler_store::{Key, Memory, Object, Page, Store};
use ostler_vocabulary::{BackupId, Progress, Unit};
use tokio_util::sync::CancellationToken;

use super::fixture::noise;
use super::world::{World, intent_of, lease, store_files};
use crate::Collecting;

/// More turns than it takes to ask for everything that is asked at the same time.
const TURNS: usize = 100;

/// A store that answers only when everything was asked that does not wait for an answer; it counts how many answers the last
/// one waited for.
#[derive(Debug)]
struct Patient {
    inner: Arc<Memory>,
    waited: AtomicU64,
}

impl Patient {
    async fn answer<T>(&self, request: impl Future<Output = T>) -> T {
        let before = self.waited.load(Ordering::SeqCst);
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let answer = request.await;
        self.waited.fetch_max(before + 1, Ordering::SeqCst);
        answer
    }

    /// What this waits for.
    async fn waits<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        let before = self.waited.load(Ordering::SeqCst);
        let done = work.await;
        (self.waited.load(Ordering::SeqCst) - before, done)
    }
}

#[async_trait]
impl Store for Patient {
    fn location(&self) -> &str {
        "patient"
    }
    async fn create(&self, key: &Key, body: Bytes) -> Result<(), ostler_store::Error> {
        self.answer(self.inner.create(key, body)).await
    }
    async fn get(&self, key: &Key) -> Result<Bytes, ostler_store::Error> {
        self.answer(self.inner.get(key)).await
    }
    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, ostler_store::Error> {
        self.answer(self.inner.get_range(key, range)).await
    }
    async fn head(&self, key: &Key) -> Result<Object, ostler_store::Error> {
        self.answer(self.inner.head(key)).await
    }
    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, ostler_store::Error> {
        self.answer(self.inner.list(prefix, after)).await
    }
    async fn delete(&self, key: &Key) -> Result<(), ostler_store::Error> {
        self.answer(self.inner.delete(key)).await
    }
}

/// A vault with eight backups of which none is like another, behind such a store.
async fn lived_in() -> (World, Arc<Patient>, Arc<crate::Vault>, Vec<BackupId>) {
    let world = World::new().await;
    let mut backups = Vec::new();
    for i in 0..8 {
        let record = world.backup(&[("data/own", noise(i, 300_000))]).await;
        backups.push(record.backup);
    }
    let patient = Arc::new(Patient {
        inner: Arc::clone(&world.store),
        waited: AtomicU64::new(0),
    });
    let vault = world.open(Arc::clone(&patient) as _).await;
    (world, patient, vault, backups)
}

#[tokio::test]
async fn a_prune_waits_for_few_answers_however_many_backups_go() {
    let (_world, patient, vault, backups) = lived_in().await;
    let gone = &backups[..6];
    let cancel = CancellationToken::new();
    let (catalogue, (listed, glance)) = patient
        .waits(async { futures::join!(vault.catalogue(), vault.glance()) })
        .await;
    assert_eq!(listed.unwrap().len(), 8);
    let (plan, planned) = patient.waits(vault.collect_plan(glance.unwrap(), gone)).await;
    assert!(planned.unwrap().free_packs > 0);
    let (leased, guard) = patient.waits(lease(&vault)).await;
    let guard = guard.unwrap();
    let (again, glance) = patient.waits(vault.glance()).await;
    let looked = vault.recall(gone, &glance.unwrap());
    assert!(looked.is_some(), "nothing happened since the plan");
    let deletions = join_all(gone.iter().map(|id| vault.delete_backup(*id, &guard)));
    let (deletion, deleted) = patient.waits(deletions).await;
    assert!(deleted.iter().all(Result::is_ok));
    let progress = Progress::new(Unit::Bytes);
    let how = Collecting::default();
    let collection = vault.collect_looked(looked.unwrap(), &guard, how, &progress, &cancel);
    let (collection, collected) = patient.waits(collection).await;
    assert!(collected.unwrap().packs_deleted > 0);
    let (released, ended) = patient.waits(guard.release()).await;
    ended.unwrap();
    let told = format!(
        "catalogue {catalogue}, plan {plan}, lease {leased}, glance {again}, deletions {deletion}, collection {collection}, release {released}"
    );
    println!("{told}");
    assert!(catalogue <= 1, "{told}");
    assert!(plan <= 5, "{told}");
    assert!(leased <= 3, "{told}");
    assert!(again <= 1, "{told}");
    assert!(deletion <= 5, "{told}");
    assert!(collection <= 8, "{told}");
    assert!(released <= 1, "{told}");
}

#[tokio::test]
async fn a_backup_waits_for_few_answers() {
    let (_world, patient, vault, _) = lived_in().await;
    let record = store_files(&vault, &[("data/own", noise(1, 300_000))])
        .await
        .unwrap();
    let intent = intent_of(&record);
    let (begun, writer) = patient.waits(vault.begin(&intent)).await;
    let writer = writer.unwrap();
    let (first, index) = patient.waits(vault.index_of(record.backup, false)).await;
    index.unwrap();
    let (second, index) = patient.waits(vault.index_to_read(false)).await;
    index.unwrap();
    let (whole, index) = patient.waits(vault.index_to_read(true)).await;
    index.unwrap();
    let (committed, read) = patient.waits(writer.commit_and_read(&record, &[])).await;
    assert_eq!(read.unwrap(), Some(record));
    let told = format!(
        "begin {begun}, index {first}, index to read {second}, of all packs {whole}, commit {committed}"
    );
    println!("{told}");
    assert!(
        begun <= 2 && first <= 2 && second <= 2 && whole <= 2 && committed <= 2,
        "{told}"
    );
}
