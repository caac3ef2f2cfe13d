//! Moving chunks to another pack.

use super::fixture::{Fixture, SUITES, samples};
use crate::Index;

#[tokio::test]
async fn chunks_move_to_another_pack_without_being_compressed_again() {
    for suite in SUITES {
        let fixture = Fixture::new(suite).await;
        let (ids, _) = fixture.put(&samples()).await;
        let (vault, index) = (&fixture.vault, fixture.vault.index(false).await.unwrap());
        let reader = vault.reader(std::sync::Arc::clone(&index));
        let moved = ids.clone();
        let upload = vault.upload(std::sync::Arc::new(Index::build(Vec::new())));
        let mut sink = upload.sink();
        tokio::task::spawn_blocking(move || {
            let mut encoded = Vec::new();
            for id in &moved {
                let place = reader.index().get(id).unwrap();
                let end = place.offset + u64::from(place.stored);
                let stored = reader.span(&place.pack, place.offset..end).unwrap();
                reader.open_chunk(id, &place, &stored, &mut encoded).unwrap();
                assert!(sink.put_encoded(*id, &place, &encoded).unwrap().new);
                assert!(!sink.put_encoded(*id, &place, &encoded).unwrap().new);
            }
            sink.finish().unwrap();
        })
        .await
        .unwrap();
        upload.finish().await.unwrap();
        for pack in index.all_packs() {
            let key = crate::index::pack_key(&pack.id).unwrap();
            ostler_store::Store::delete(&*fixture.store, &key).await.unwrap();
        }
        for (id, chunk) in ids.iter().zip(samples()) {
            assert_eq!(fixture.get(*id).await.unwrap(), chunk);
        }
    }
}
