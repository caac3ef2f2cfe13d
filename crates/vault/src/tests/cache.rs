//! The index on disk, as a vault uses it.

use std::sync::Arc;

use ostler_store::Store;

use super::fixture::{Fixture, SUITES};
use crate::index::Scratch;
use crate::{ChunkId, Vault};

/// The same vault as another process opens it, which keeps its index on disk.
async fn with_cache(fixture: &Fixture, scratch: &Scratch) -> Arc<Vault> {
    Arc::new(fixture.reopen().await.unwrap().with_cache_above(&scratch.0, 0))
}

/// Stores some chunks in a session of its own, so that there is one more segment.
async fn put(fixture: &Fixture, seed: u64) -> Vec<ChunkId> {
    let chunks: Vec<Vec<u8>> = (0..20_u64)
        .map(|at| [seed.to_le_bytes(), at.to_le_bytes()].concat())
        .collect();
    fixture.put(&chunks).await.0
}

/// Reads these chunks through the index that the vault gives.
async fn read(vault: &Arc<Vault>, ids: &[ChunkId]) -> Result<(), crate::Error> {
    let reader = vault.reader(vault.index(false).await?);
    let ids = ids.to_vec();
    let read = tokio::task::spawn_blocking(move || ids.iter().try_for_each(|id| reader.chunk(id).map(drop)));
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_segments_are_added_and_old_ones_drop_out() {
    let (fixture, scratch) = (Fixture::new(SUITES[1]).await, Scratch::new());
    let mut all = Vec::new();
    for seed in 0..12 {
        all.extend(put(&fixture, seed).await);
        let vault = with_cache(&fixture, &scratch).await;
        read(&vault, &all).await.unwrap();
        let (disk, memory) = (
            vault.index(true).await.unwrap(),
            fixture.vault.index(true).await.unwrap(),
        );
        assert_eq!(
            (disk.packs(), disk.chunks(), disk.bytes()),
            (memory.packs(), memory.chunks(), memory.bytes())
        );
    }
    // A collector takes a segment and its pack away.
    let vault = with_cache(&fixture, &scratch).await;
    let index = vault.index(false).await.unwrap();
    let gone = index.get(&all[0]).unwrap().unwrap().pack;
    for key in fixture.keys_below("index/") {
        let tables = crate::index::parse_segment(&vault, &key, &fixture.body(&key).await).unwrap();
        if tables.iter().any(|table| table.id == gone) {
            fixture.store.delete(&key).await.unwrap();
        }
    }
    fixture
        .store
        .delete(&crate::index::pack_key(&gone).unwrap())
        .await
        .unwrap();
    for _ in 0..2 {
        let index = vault.index(false).await.unwrap();
        assert_eq!(index.get(&all[0]).unwrap(), None);
        assert!(index.get(all.last().unwrap()).unwrap().is_some());
        assert_eq!(index.packs(), fixture.vault.index(false).await.unwrap().packs());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_is_damaged_or_gone_is_made_again() {
    let (fixture, scratch) = (Fixture::new(SUITES[1]).await, Scratch::new());
    let mut ids = Vec::new();
    for seed in 0..4 {
        ids.extend(put(&fixture, seed).await);
        read(&with_cache(&fixture, &scratch).await, &ids).await.unwrap();
    }
    let files = || -> Vec<_> {
        let folders = std::fs::read_dir(scratch.0.join("index")).unwrap();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().path()).collect()
    };
    for way in 0..3 {
        for file in files() {
            if file.ends_with("lock") {
                continue;
            }
            match way {
                0 => std::fs::remove_file(&file).unwrap(),
                1 => std::fs::write(&file, b"something else").unwrap(),
                _ => {
                    let mut bytes = std::fs::read(&file).unwrap();
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 1;
                    std::fs::write(&file, bytes).unwrap();
                }
            }
            // The first try may find it out in the middle.
            let vault = with_cache(&fixture, &scratch).await;
            if let Err(error) = read(&vault, &ids).await {
                assert!(matches!(error, crate::Error::CacheDamaged { .. }), "{error}");
            }
            read(&vault, &ids).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_share_a_cache() {
    let (fixture, scratch) = (Fixture::new(SUITES[0]).await, Scratch::new());
    let mut ids = Vec::new();
    for seed in 0..10 {
        ids.extend(put(&fixture, seed).await);
        let readers = (0..4).map(|_| async {
            let vault = with_cache(&fixture, &scratch).await;
            read(&vault, &ids).await
        });
        for outcome in futures::future::join_all(readers).await {
            outcome.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_written_the_index_is_in_memory() {
    let fixture = Fixture::new(SUITES[0]).await;
    let ids = put(&fixture, 1).await;
    let vault = fixture.reopen().await.unwrap();
    let vault = Arc::new(vault.with_cache_above(std::path::Path::new("/proc/none"), 0));
    read(&vault, &ids).await.unwrap();
}
