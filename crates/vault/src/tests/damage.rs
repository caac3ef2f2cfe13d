//! Whatever is changed in a vault is noticed before it is believed.

use ostler_store::{Key, Store};
use ostler_vocabulary::{BackupId, Classified, ErrorKind};

use super::fixture::{Fixture, SUITES, noise};
use crate::envelope::{Mode, ObjectKind};
use crate::sealed_name::NameKind;
use crate::{ChunkId, Location, OpenBlock, PackId};

/// Everything that a reader can see of a small vault with a block of two chunks and one of one; an error where it sees damage.
async fn look(fixture: &Fixture, ids: &[ChunkId]) -> Result<Vec<Vec<u8>>, crate::Error> {
    let vault = std::sync::Arc::new(fixture.reopen().await?);
    vault.wrappers().await?;
    let index = vault.index(false).await?;
    if let Some((object, reason)) = index.ignored().first() {
        return Err(crate::Error::damaged(object, reason));
    }
    let reader = vault.reader(index);
    let ids = ids.to_vec();
    tokio::task::spawn_blocking(move || {
        for pack in reader.index().all_packs() {
            reader.check_pack(&pack?.id)?;
        }
        ids.iter().map(|id| reader.chunk(id)).collect()
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn any_changed_byte_of_any_object_is_found() {
    for suite in SUITES {
        let fixture = Fixture::new(suite).await;
        let chunks = vec![
            b"some words, some words, some words, some words".to_vec(),
            noise(1, 40),
            b"words of another chunk of the same block".to_vec(),
        ];
        let (ids, _) = fixture.put(&chunks).await;
        assert_eq!(look(&fixture, &ids).await.unwrap(), chunks);
        for key in fixture.store.keys() {
            let good = fixture.body(&key).await;
            for place in 0..good.len() {
                let mut bad = good.clone();
                bad[place] ^= 1 << (place % 8);
                fixture.store.tamper(&key, bad);
                let seen = look(&fixture, &ids).await;
                assert!(seen.is_err(), "{suite:?}: byte {place} of {key}");
            }
            for length in [0, 1, good.len() / 2, good.len() - 1] {
                fixture.store.tamper(&key, good[..length].to_vec());
                assert!(look(&fixture, &ids).await.is_err(), "{key} cut to {length}");
            }
            fixture.store.delete(&key).await.unwrap();
            assert!(look(&fixture, &ids).await.is_err(), "{key} gone");
            fixture.store.tamper(&key, good);
        }
        assert_eq!(look(&fixture, &ids).await.unwrap(), chunks);
    }
}

#[tokio::test]
async fn a_damaged_chunk_is_named_and_its_neighbours_are_read() {
    for suite in SUITES {
        let fixture = Fixture::new(suite).await;
        let chunks: Vec<_> = (0..9).map(|seed| noise(seed, 70_000)).collect();
        let (ids, _) = fixture.put(&chunks).await;
        let index = fixture.vault.index(false).await.unwrap();
        let place = index.get(&ids[4]).unwrap().unwrap();
        let key = crate::index::pack_key(&place.pack).unwrap();
        let mut body = fixture.body(&key).await;
        body[place.offset as usize + 3] ^= 1;
        fixture.store.tamper(&key, body);
        for (number, id) in ids.iter().enumerate() {
            match fixture.get(*id).await {
                Ok(chunk) => assert!(number != 4 && chunk == chunks[number]),
                Err(error) => {
                    assert_eq!((number, error.kind()), (4, ErrorKind::Corrupt));
                    assert!(error.to_string().contains(&id.to_string()));
                }
            }
        }
        fixture.store.delete(&key).await.unwrap();
        let error = fixture.get(ids[0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        fixture.store.tamper(&key, vec![0; 10]);
        assert_eq!(fixture.get(ids[0]).await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn a_damaged_block_takes_its_chunks_with_it_and_no_others() {
    for suite in SUITES {
        let fixture = Fixture::new(suite).await;
        // Every other one is of a list: ten to a block of each kind.
        let chunks: Vec<_> = (0..60).map(|seed| noise(seed, 12_000)).collect();
        let (ids, _) = fixture.put(&chunks).await;
        let index = fixture.vault.index(false).await.unwrap();
        let place = index.get(&ids[30]).unwrap().unwrap();
        assert!(place.shared && place.at > 0);
        let key = crate::index::pack_key(&place.pack).unwrap();
        let mut body = fixture.body(&key).await;
        body[place.offset as usize + 3] ^= 1;
        fixture.store.tamper(&key, body);
        for (id, chunk) in ids.iter().zip(&chunks) {
            let other = index.get(id).unwrap().unwrap();
            let hit = (other.pack, other.offset) == (place.pack, place.offset);
            match fixture.get(*id).await {
                Ok(found) => assert!(!hit && found == *chunk),
                Err(error) => {
                    assert!(hit && error.kind() == ErrorKind::Corrupt);
                    assert!(error.to_string().contains(&id.to_string()));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_chunk_of_a_shared_block_is_known_by_its_bytes() {
    let fixture = Fixture::new(SUITES[1]).await;
    let chunks: Vec<_> = (0..8).map(|seed| noise(seed, 700)).collect();
    let (ids, _) = fixture.put(&chunks).await;
    let index = fixture.vault.index(false).await.unwrap();
    let reader = fixture.vault.reader(std::sync::Arc::clone(&index));
    tokio::task::spawn_blocking(move || {
        let (a, b) = (
            index.get(&ids[0]).unwrap().unwrap(),
            index.get(&ids[2]).unwrap().unwrap(),
        );
        assert_eq!(a.offset, b.offset);
        let stored = reader
            .span(&a.pack, a.offset..a.offset + u64::from(a.stored))
            .unwrap();
        let mut open = OpenBlock::default();
        assert_eq!(reader.decode(&ids[0], &a, &stored, &mut open).unwrap(), chunks[0]);
        assert_eq!(reader.decode(&ids[2], &b, &stored, &mut open).unwrap(), chunks[2]);
        // An index that gives one the other's place, or a place that cannot be.
        assert!(reader.decode(&ids[0], &b, &stored, &mut open).is_err());
        let beyond = Location {
            at: b.at + 5 * 700,
            ..b
        };
        assert!(reader.decode(&ids[2], &beyond, &stored, &mut open).is_err());
        // The block is itself in its place only, and says how many chunks it has.
        for wrong in [
            Location {
                number: a.number + 1,
                ..a
            },
            Location { shared: false, ..a },
            Location {
                block: a.block - 1,
                ..a
            },
            Location {
                kind: crate::ChunkKind::List,
                ..a
            },
        ] {
            let mut open = OpenBlock::default();
            assert!(reader.decode(&ids[0], &wrong, &stored, &mut open).is_err());
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn swapped_packs_and_chunks_are_refused() {
    let fixture = Fixture::new(SUITES[1]).await;
    let (first, _) = fixture.put(&[noise(1, 500)]).await;
    let (second, _) = fixture.put(&[noise(2, 500)]).await;
    let packs = fixture.keys_below("packs/");
    let (a, b) = (fixture.body(&packs[0]).await, fixture.body(&packs[1]).await);
    assert_eq!(a.len(), b.len(), "only their contents tell them apart");
    fixture.store.tamper(&packs[0], b.clone());
    fixture.store.tamper(&packs[1], a.clone());
    for id in [first[0], second[0]] {
        assert_eq!(fixture.get(id).await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
    fixture.store.tamper(&packs[0], a);
    fixture.store.tamper(&packs[1], b);

    // Two blocks of one pack change places.
    let (ids, _) = fixture.put(&[noise(3, 70_000), vec![], noise(4, 70_000)]).await;
    let index = fixture.vault.index(false).await.unwrap();
    let places: Vec<_> = [ids[0], ids[2]]
        .iter()
        .map(|id| index.get(id).unwrap().unwrap())
        .collect();
    let key = crate::index::pack_key(&places[0].pack).unwrap();
    let mut body = fixture.body(&key).await;
    let (x, y, length) = (
        places[0].offset as usize,
        places[1].offset as usize,
        places[0].stored as usize,
    );
    let moved = body[x..x + length].to_vec();
    body.copy_within(y..y + length, x);
    body[y..y + length].copy_from_slice(&moved);
    fixture.store.tamper(&key, body);
    for id in [ids[0], ids[2]] {
        assert_eq!(fixture.get(id).await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn a_second_copy_of_a_chunk_stands_in_for_a_damaged_one() {
    let fixture = Fixture::new(SUITES[2]).await;
    let empty = fixture.vault.index(false).await.unwrap();
    let chunk = noise(1, 500);
    let (ids, _) = fixture
        .put_with(std::sync::Arc::clone(&empty), std::slice::from_ref(&chunk))
        .await;
    fixture.put_with(empty, std::slice::from_ref(&chunk)).await;
    let packs = fixture.keys_below("packs/");
    assert_eq!(packs.len(), 2);
    let index = fixture.vault.index(false).await.unwrap();
    assert_eq!((index.chunks(), index.copies(&ids[0]).unwrap().len()), (1, 2));
    for key in &packs {
        let good = fixture.body(key).await;
        fixture.store.delete(key).await.unwrap();
        assert_eq!(fixture.get(ids[0]).await.unwrap(), chunk);
        fixture.store.tamper(key, good);
    }
}

#[tokio::test]
async fn a_sealed_object_is_only_itself() {
    for suite in SUITES {
        let fixture = Fixture::new(suite).await;
        let other = Fixture::new(suite).await;
        let vault = &fixture.vault;
        let at = Key::new("intents/here").unwrap();
        for mode in [Mode::Writer, Mode::Public] {
            let sealed = vault
                .seal(ObjectKind::Intent, mode, &at, b"what it says")
                .unwrap();
            assert_ne!(
                sealed,
                vault
                    .seal(ObjectKind::Intent, mode, &at, b"what it says")
                    .unwrap()
            );
            assert_eq!(
                vault.unseal(ObjectKind::Intent, &at, &sealed).unwrap(),
                b"what it says"
            );
            assert!(vault.unseal(ObjectKind::Tombstone, &at, &sealed).is_err());
            assert!(vault.unseal(ObjectKind::Record, &at, &sealed).is_err());
            assert!(
                vault
                    .unseal(ObjectKind::Intent, &Key::new("intents/there").unwrap(), &sealed)
                    .is_err()
            );
            assert!(other.vault.unseal(ObjectKind::Intent, &at, &sealed).is_err());
            for place in 0..sealed.len() {
                let mut bad = sealed.clone();
                bad[place] ^= 1 << (place % 8);
                let error = vault.unseal(ObjectKind::Intent, &at, &bad).unwrap_err();
                assert_eq!(
                    error.kind(),
                    ErrorKind::Corrupt,
                    "{suite:?} {mode:?} byte {place}"
                );
                assert!(vault.unseal(ObjectKind::Intent, &at, &sealed[..place]).is_err());
            }
        }
    }
}

#[tokio::test]
async fn a_sealed_name_is_only_its_own() {
    let fixture = Fixture::new(SUITES[0]).await;
    let vault = &fixture.vault;
    let backup = BackupId::random();
    let facts = noise(1, crate::sealed_name::name_room(1));
    let name = vault.seal_name(NameKind::Facts, backup, &facts).unwrap();
    assert_eq!(
        name,
        vault.seal_name(NameKind::Facts, backup, &facts).unwrap(),
        "the same facts, the same name"
    );
    assert!(format!("{backup}.{name}").len() <= 255);
    assert!(Key::new(format!("notes/{backup}.{name}")).is_ok());
    assert!(
        vault
            .seal_name(NameKind::Facts, backup, &noise(1, facts.len() + 1))
            .is_err()
    );
    assert_eq!(vault.unseal_name(NameKind::Facts, backup, &name).unwrap(), facts);
    assert!(matches!(vault.unseal_any_name(backup, &name), Ok((NameKind::Facts, found)) if found == facts));
    assert!(vault.unseal_name(NameKind::Mark, backup, &name).is_err());
    assert!(
        vault
            .unseal_name(NameKind::Facts, BackupId::random(), &name)
            .is_err()
    );
    for place in 0..name.len() {
        for other in ["A", "b", "-", "1", "."] {
            let mut bad = name.clone();
            bad.replace_range(place..=place, other);
            assert!(bad == name || vault.unseal_name(NameKind::Facts, backup, &bad).is_err());
        }
    }
}

#[test]
fn a_pack_is_named_by_64_digits_only() {
    let name = "a".repeat(64);
    assert!(name.parse::<PackId>().is_ok());
    for bad in ["", "abc", &name.to_uppercase(), &name[1..]] {
        assert!(bad.parse::<PackId>().is_err());
    }
}
