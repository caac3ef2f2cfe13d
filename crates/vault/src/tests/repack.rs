//! Moving chunks to another pack.

use std::collections::HashSet;
use std::sync::Arc;

use super::fixture::{Fixture, SUITES, noise, samples};
use crate::{ChunkId, Index, Location};

/// Copies these chunks to new packs as the collector does, and takes the old packs away.
async fn repack(fixture: &Fixture, ids: &[ChunkId]) -> u64 {
    let (vault, index) = (&fixture.vault, fixture.vault.index(false).await.unwrap());
    let upload = vault.upload(Arc::new(Index::build(Vec::new())));
    let (mut sink, wanted) = (upload.sink(), ids.to_vec());
    let (copied, from) = (Arc::clone(vault), Arc::clone(&index));
    tokio::task::spawn_blocking(move || {
        let reader = copied.reader(Arc::clone(&from));
        for pack in from.all_packs().map(Result::unwrap) {
            let locations = wanted.iter().map(|id| from.get(id).unwrap().unwrap());
            let here = locations.filter(|location| location.pack == pack.id);
            let mut spots: Vec<_> = here.map(|location| location.spot()).collect();
            spots.sort_unstable();
            crate::collect::copy_pack(&reader, &mut sink, (pack.id, pack.size), &spots).unwrap();
        }
        sink.finish().unwrap();
    })
    .await
    .unwrap();
    let totals = upload.finish().await.unwrap();
    for pack in index.all_packs().map(Result::unwrap) {
        let key = crate::index::pack_key(&pack.id).unwrap();
        ostler_store::Store::delete(&*fixture.store, &key).await.unwrap();
    }
    for key in fixture.keys_below("index/") {
        let segment = fixture.body(&key).await;
        let tables = crate::index::parse_segment(vault, &key, &segment).unwrap();
        if tables
            .iter()
            .any(|table| index.pack(&table.id).unwrap().is_some())
        {
            ostler_store::Store::delete(&*fixture.store, &key).await.unwrap();
        }
    }
    totals.stored_bytes
}

/// What a chunk's block takes: equal for blocks that were moved as they are.
fn block(location: Location) -> (u32, u32, u32, bool) {
    (location.stored, location.at, location.block, location.shared)
}

#[tokio::test]
async fn blocks_of_which_all_is_needed_move_as_they_are() {
    for suite in SUITES {
        let fixture = Fixture::new(suite).await;
        let (ids, _) = fixture.put(&samples()).await;
        let before = fixture.vault.index(false).await.unwrap();
        repack(&fixture, &ids).await;
        let after = fixture.vault.index(false).await.unwrap();
        for (id, chunk) in ids.iter().zip(samples()) {
            assert_eq!(fixture.get(*id).await.unwrap(), chunk);
            assert_eq!(
                block(before.get(id).unwrap().unwrap()),
                block(after.get(id).unwrap().unwrap())
            );
        }
    }
}

#[tokio::test]
async fn of_blocks_that_are_needed_in_part_the_rest_goes() {
    let fixture = Fixture::new(SUITES[1]).await;
    let chunks: Vec<_> = (0..100).map(|seed| noise(seed, 5000)).collect();
    let (ids, _) = fixture.put(&chunks).await;
    // Of the first block one chunk is needed, of the others all or every third.
    let needed: Vec<_> = (0..100)
        .filter(|n| *n == 6 || *n > 60 && (*n > 80 || n % 3 == 0))
        .collect();
    let kept: Vec<_> = needed.iter().map(|n| ids[*n]).collect();
    let stored = repack(&fixture, &kept).await;
    let bytes = needed.len() as u64 * 5000;
    assert!(
        (bytes..bytes * 11 / 10).contains(&stored),
        "{stored} bytes for {bytes}"
    );
    let index = fixture.vault.index(false).await.unwrap();
    let there: HashSet<_> = kept.iter().collect();
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(index.get(id).unwrap().is_some(), there.contains(id), "chunk {n}");
        if there.contains(id) {
            assert_eq!(fixture.get(*id).await.unwrap(), chunks[n]);
        }
    }
}
