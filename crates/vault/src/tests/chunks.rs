//! Storing chunks and getting them back.

use std::sync::Arc;

use ostler_store::{Faults, Memory, Misfortune, Store, Verb};
use ostler_vocabulary::{Classified, ErrorKind};

use super::fixture::{Fixture, SUITES, clock, noise, samples};
use crate::{ChunkId, ChunkKind, InitOptions, Vault, nonce_witness};

#[tokio::test]
async fn chunks_come_back_as_they_were_under_every_suite() {
    for suite in SUITES {
        let fixture = Fixture::new(suite).await;
        let chunks = samples();
        let (ids, totals) = fixture.put(&chunks).await;
        for (id, chunk) in ids.iter().zip(&chunks) {
            assert_eq!(fixture.get(*id).await.unwrap(), *chunk, "{suite:?}");
        }
        // Every other one is of a list, and lists are not what people have.
        let contents = chunks.iter().step_by(2).map(|chunk| chunk.len() as u64);
        assert_eq!(totals.new_bytes, contents.sum::<u64>());
        let kept: Vec<_> = [fixture.keys_below("packs/"), fixture.keys_below("index/")].concat();
        let mut bytes = 0;
        for key in &kept {
            bytes += fixture.body(key).await.len() as u64;
        }
        assert_eq!(totals.stored_bytes, bytes);
        assert_eq!(totals.packs.len(), 2, "one of data and one of lists");
        let missing = fixture.get(ChunkId([0; 32])).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn what_the_vault_has_is_not_stored_again_and_its_pack_is_still_needed() {
    let fixture = Fixture::new(SUITES[1]).await;
    let (ids, first) = fixture.put(&samples()).await;
    let objects = fixture.store.keys();
    let (again, second) = fixture.put(&samples()).await;
    assert_eq!(again, ids);
    assert_eq!((second.new_bytes, second.stored_bytes), (0, 0));
    assert_eq!(second.packs, first.packs);
    assert_eq!(fixture.store.keys(), objects);

    let upload = fixture.vault.upload(fixture.vault.index(false).await.unwrap());
    assert!(upload.reuse(&ids[0]).unwrap());
    assert!(!upload.reuse(&ChunkId([9; 32])).unwrap());
    assert_eq!(upload.finish().await.unwrap().packs.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sinks_in_parallel_store_each_chunk_once() {
    let fixture = Fixture::new(SUITES[1]).await;
    let upload = fixture.vault.upload(fixture.vault.index(false).await.unwrap());
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let mut sink = upload.sink();
            std::thread::spawn(move || {
                let mut new = 0;
                for number in 0..200_u64 {
                    let seed = (number * 7 + worker * 50) % 200;
                    let stored = sink.put(ChunkKind::Data, &noise(seed, 100_000)).unwrap();
                    new += usize::from(stored.new);
                }
                sink.finish().unwrap();
                new
            })
        })
        .collect();
    let joined = tokio::task::spawn_blocking(|| {
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum::<usize>()
    });
    assert_eq!(joined.await.unwrap(), 200);
    let totals = upload.finish().await.unwrap();
    assert_eq!(totals.new_bytes, 200 * 100_000);
    for seed in 0..200 {
        let chunk = noise(seed, 100_000);
        let id = crate::upload::chunk_id(&fixture.vault, &chunk);
        assert_eq!(fixture.get(id).await.unwrap(), chunk);
    }
    assert!(
        nonce_witness::pairs() >= 200,
        "the witness saw every chunk and would have panicked"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_packs_are_in_segments_before_the_session_ends() {
    let fixture = Fixture::new(SUITES[2]).await;
    let upload = fixture.vault.upload(fixture.vault.index(false).await.unwrap());
    let mut sink = upload.sink();
    tokio::task::spawn_blocking(move || {
        // Packs of lists are smaller; 20 of them make one segment on the way.
        for seed in 0..170 {
            sink.put(ChunkKind::List, &noise(seed, 1 << 20)).unwrap();
        }
        sink.finish().unwrap();
    })
    .await
    .unwrap();
    let totals = upload.finish().await.unwrap();
    assert!(totals.packs.len() > 16);
    assert_eq!(fixture.keys_below("index/").len(), 2);
    let index = fixture.vault.index(false).await.unwrap();
    assert_eq!((index.chunks(), index.packs()), (170, totals.packs.len()));
    assert_eq!(index.bytes(), fixture.vault.index(true).await.unwrap().bytes());
}

#[tokio::test]
async fn packs_that_a_killed_run_left_behind_are_adopted() {
    let fixture = Fixture::new(SUITES[1]).await;
    let (ids, first) = fixture.put(&samples()).await;
    for key in fixture.keys_below("index/") {
        fixture.store.delete(&key).await.unwrap();
    }
    assert_eq!(fixture.vault.index(false).await.unwrap().chunks(), 0);
    // One that is cut off and one that is not a pack at all are left out, and said to be.
    let bad = ostler_store::Key::new(format!("packs/ab/ab{}", "0".repeat(62))).unwrap();
    let good = fixture.body(&fixture.keys_below("packs/")[0]).await;
    fixture.store.tamper(&bad, good[..good.len() - 5].to_vec());
    fixture.store.tamper(
        &ostler_store::Key::new(format!("packs/cd/cd{}", "0".repeat(62))).unwrap(),
        vec![1; 3],
    );
    let index = fixture.vault.index(true).await.unwrap();
    assert_eq!((index.chunks(), index.packs()), (samples().len(), 2));
    assert_eq!(index.ignored().len(), 2);

    let (again, totals) = fixture.put_with(index, &samples()).await;
    assert_eq!((again, totals.new_bytes), (ids.clone(), 0));
    assert_eq!(totals.packs, first.packs);
    for (id, chunk) in ids.iter().zip(samples()) {
        assert_eq!(
            fixture.get(*id).await.unwrap(),
            chunk,
            "the session gave them a segment"
        );
    }
}

#[tokio::test]
async fn a_failing_store_fails_the_sink_and_the_session() {
    let memory = Arc::new(Memory::new());
    let faults = Arc::new(Faults::new(Arc::clone(&memory) as Arc<dyn Store>));
    let options = InitOptions {
        protect: vec![],
        clock: clock(),
    };
    let vault = Arc::new(
        Vault::init(Arc::clone(&faults) as _, options)
            .await
            .unwrap()
            .vault,
    );
    let upload = vault.upload(vault.index(false).await.unwrap());
    faults.once(Verb::Create, "packs/", Misfortune::DiskFull);
    let mut sink = upload.sink();
    tokio::task::spawn_blocking(move || {
        sink.put(ChunkKind::Data, b"some").unwrap();
        let _ = sink.finish();
    })
    .await
    .unwrap();
    let error = upload.finish().await.unwrap_err();
    assert!(error.to_string().contains("could not create"), "{error}");
    assert!(vault.index(true).await.unwrap().packs() == 0);
}

#[tokio::test]
async fn a_sink_that_is_dropped_half_way_fails_the_session() {
    let fixture = Fixture::new(SUITES[0]).await;
    let upload = fixture.vault.upload(fixture.vault.index(false).await.unwrap());
    let mut sink = upload.sink();
    sink.put(ChunkKind::Data, b"never handed over").unwrap();
    drop(sink);
    assert!(upload.finish().await.is_err());
}

#[tokio::test]
async fn a_chunk_may_not_be_longer_than_a_reader_would_allocate() {
    let fixture = Fixture::new(SUITES[0]).await;
    let upload = fixture.vault.upload(fixture.vault.index(false).await.unwrap());
    let error = upload
        .sink()
        .put(ChunkKind::Data, &vec![0; (16 << 20) + 1])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    upload.finish().await.unwrap();
}
