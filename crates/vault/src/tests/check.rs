//! Checks: every kind of damage is found, and nothing but damage.

use std::sync::Arc;

use ostler_store::{Faults, Gate, Key, Misfortune, Store, Verb};
use ostler_vocabulary::{Classified, ErrorKind, Progress, Unit};
use tokio_util::sync::CancellationToken;

use super::fixture::noise;
use super::world::{World, check, collect, verify};
use crate::Record;

async fn two() -> (World, Record, Record) {
    let world = World::new().await;
    let shared = noise(1, 200_000);
    let one = world
        .backup(&[("data/a", noise(2, 200_000)), ("data/shared", shared.clone())])
        .await;
    let two = world
        .backup(&[("data/b", noise(3, 200_000)), ("data/shared", shared)])
        .await;
    (world, one, two)
}

async fn pack_of(world: &World, chunk: &[u8]) -> (Key, u64) {
    let id = crate::upload::chunk_id(&world.vault, chunk);
    let place = world.vault.index(false).await.unwrap().get(&id).unwrap().unwrap();
    (crate::index::pack_key(&place.pack).unwrap(), place.offset)
}

#[tokio::test]
async fn a_good_vault_has_no_problems() {
    let (world, one, two) = two().await;
    for read_data in [false, true] {
        let found = check(&world.vault, read_data).await;
        assert_eq!((&found.problems, &found.damaged), (&vec![], &vec![]));
        assert_eq!((found.backups, found.orphans), (2, 0));
        assert!(found.packs >= 4 && found.chunks >= 10, "{found:?}");
    }
    let index = world.vault.index(false).await.unwrap();
    for record in [&one, &two] {
        assert_eq!(verify(&world.vault, record).await.unwrap(), []);
        let packs = world.vault.pack_set(&index, record).await.unwrap();
        assert!(packs.len() >= 2);
        assert_eq!(world.vault.check_presence(&index, &packs).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_damaged_byte_is_found_by_reading_and_laid_to_the_files_that_have_it() {
    let (world, one, two) = two().await;
    let (key, offset) = pack_of(&world, &noise(2, 200_000)[..64 << 10]).await;
    let mut body = world.store.get(&key).await.unwrap().to_vec();
    body[usize::try_from(offset).unwrap() + 100] ^= 1;
    world.store.tamper(&key, body);
    let problems = verify(&world.vault, &one).await.unwrap();
    assert_eq!(
        problems.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
        ["/data/a"]
    );
    assert_eq!(verify(&world.vault, &two).await.unwrap(), []);
    assert_eq!(check(&world.vault, false).await.problems, []);
    let found = check(&world.vault, true).await;
    assert!(found.problems.iter().any(|problem| problem.key == key.as_str()));
    assert!(found.damaged.iter().any(|(id, _)| *id == one.backup));
}

#[tokio::test]
async fn a_lost_or_cut_pack_is_found_without_reading() {
    for cut in [None, Some(1)] {
        let (world, one, two) = two().await;
        let (key, _) = pack_of(&world, &noise(1, 200_000)[..64 << 10]).await;
        let body = world.store.get(&key).await.unwrap();
        match cut {
            None => world.store.delete(&key).await.unwrap(),
            Some(cut) => world.store.tamper(&key, body.slice(..body.len() - cut)),
        }
        let found = check(&world.vault, false).await;
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert_eq!(found.problems[0].key, key.as_str());
        assert_eq!(found.damaged.len(), 2);
        for (record, own) in [(&one, "/data/a"), (&two, "/data/b")] {
            let problems = verify(&world.vault, record).await.unwrap();
            assert!(
                problems.iter().any(|(path, _)| path == "/data/shared"),
                "{own}: {problems:?}"
            );
        }
    }
}

#[tokio::test]
async fn any_object_that_is_damaged_is_found() {
    let (world, one, _) = two().await;
    let proof = crate::ProofRecord {
        method: "drill".into(),
        at: one.ended,
        ok: true,
        files: 1,
        bytes: 1,
        problems: vec![],
        operation: None,
        part: None,
    };
    world.vault.add_proof(one.backup, &proof).await.unwrap();
    for key in world.store.keys() {
        let name = key.as_str();
        let good = world.store.get(&key).await.unwrap();
        // What opens the vault is read when it is opened, and a beat has no body.
        if name == "vault.json" || name.starts_with("keys/") || name.starts_with("leases/") || good.is_empty()
        {
            continue;
        }
        let mut bad = good.to_vec();
        let middle = bad.len() / 2;
        bad[middle] ^= 0x10;
        world.store.tamper(&key, bad);
        let found = check(&world.vault, true).await;
        assert!(!found.problems.is_empty() || !found.damaged.is_empty(), "{name}");
        world.store.tamper(&key, good);
    }
    world.store.tamper(&Key::new("stray/object").unwrap(), "");
    assert_eq!(check(&world.vault, false).await.problems[0].key, "stray/object");
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_is_no_damage() {
    let (world, one, _) = two().await;
    let faults = Faults::new(Arc::clone(&world.store) as _);
    let vault = world.open(Arc::new(faults.clone())).await;
    let index = vault.index(false).await.unwrap();
    faults.always(
        Verb::GetRange,
        "packs/",
        Misfortune::Reject(ErrorKind::Unavailable),
    );
    faults.always(Verb::Get, "packs/", Misfortune::Reject(ErrorKind::Unavailable));
    assert_eq!(
        verify(&vault, &one).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    let (progress, cancel) = (
        ostler_vocabulary::Progress::new(ostler_vocabulary::Unit::Bytes),
        tokio_util::sync::CancellationToken::new(),
    );
    for read_data in [false, true] {
        let error = vault.check(read_data, &progress, &cancel).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    drop(index);
}

#[tokio::test(flavor = "multi_thread")]
async fn packs_that_a_store_lists_and_does_not_give_are_no_damage() {
    let (world, one, _) = two().await;
    let faults = Faults::new(Arc::clone(&world.store) as _);
    let vault = world.open(Arc::new(faults.clone())).await;
    for verb in [Verb::Get, Verb::GetRange, Verb::Head] {
        faults.always(verb, "packs/", Misfortune::Reject(ErrorKind::NotFound));
    }
    let index = vault.index(false).await.unwrap();
    let packs: Vec<_> = index.all_packs().map(|pack| pack.unwrap().id).collect();
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    for read_data in [false, true] {
        let error = vault.check(read_data, &progress, &cancel).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    // A few packs are looked up, each by itself.
    let error = vault.check_presence(&index, &packs[..1]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let error = verify(&vault, &one).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    faults.clear();
    assert!(check(&vault, true).await.is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_collection_moves_beside_a_check_is_no_damage() {
    for prefix in ["index/", "packs/", "backups/", "rounds/"] {
        let (world, one, _) = two().await;
        let faults = Faults::new(Arc::clone(&world.store) as _);
        let vault = world.open(Arc::new(faults.clone())).await;
        let gate = Gate::new();
        let verb = match prefix {
            "packs/" => Verb::GetRange,
            "rounds/" => Verb::List,
            _ => Verb::Get,
        };
        faults.once(verb, prefix, Misfortune::Hold(gate.clone()));
        let beside = tokio::spawn(async move { check(&vault, false).await });
        gate.reached_by(1).await;
        world.delete(&one).await;
        assert!(collect(&world.vault).await.unwrap().objects_deleted > 0);
        gate.open();
        let found = beside.await.unwrap();
        assert!(found.is_clean(), "{prefix}: {found:?}");
    }
}
