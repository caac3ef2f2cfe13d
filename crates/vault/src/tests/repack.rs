//! Moving chunks to another pack.

use super::fixture::{Fixture, SUITES, samples};
use crate::pack::PackBuilder;

#[tokio::test]
async fn chunks_move_to_another_pack_without_being_compressed_again() {
    for suite in SUITES {
        let fixture = Fixture::new(suite).await;
        let (ids, _) = fixture.put(&samples()).await;
        let (vault, index) = (&fixture.vault, fixture.vault.index(false).await.unwrap());
        let reader = vault.reader(std::sync::Arc::clone(&index));
        let moved = ids.clone();
        let finished = tokio::task::spawn_blocking({
            let vault = std::sync::Arc::clone(vault);
            move || {
                let mut pack = PackBuilder::new(&vault, Vec::new()).unwrap();
                let mut encoded = Vec::new();
                for id in &moved {
                    let place = reader.index().get(id).unwrap();
                    let end = place.offset + u64::from(place.stored);
                    let stored = reader.span(&place.pack, place.offset..end).unwrap();
                    reader.open_chunk(id, &place, &stored, &mut encoded).unwrap();
                    pack.push_encoded(place.kind, place.encoding, *id, place.length, &encoded)
                        .unwrap();
                }
                pack.finish().unwrap()
            }
        })
        .await
        .unwrap();
        let table = vault.store_pack(finished).await.unwrap();
        vault.write_segment(&[table]).await.unwrap();
        for pack in index.all_packs() {
            let key = crate::index::pack_key(&pack.id).unwrap();
            ostler_store::Store::delete(&*fixture.store, &key).await.unwrap();
        }
        for (id, chunk) in ids.iter().zip(samples()) {
            assert_eq!(fixture.get(*id).await.unwrap(), chunk);
        }
    }
}
