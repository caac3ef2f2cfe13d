//! Damaged vaults, healed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ostler_store::{Key, Store};
use ostler_vocabulary::{Progress, Unit};
use tokio_util::sync::CancellationToken;

use super::fixture::{Fixture, noise};
use super::world::{backup, check, collect, intent_of, lease, verify};
use crate::cipher::Suite;
use crate::{Healed, Healing, LiveFiles, Mirror, Origin, Record, Vault, VaultCheck};

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("data/a", noise(1, 200_000)),
        ("data/b", b"small".to_vec()),
        ("data/c", noise(2, 300_000)),
    ]
}

/// A vault with a backup, and another with its copy.
struct Pair {
    here: Fixture,
    there: Fixture,
    record: Record,
}

async fn pair() -> Pair {
    let (here, there) = (
        Fixture::new(Suite::Aes256Gcm).await,
        Fixture::new(Suite::ChaCha20Poly1305).await,
    );
    let record = backup(&here.vault, &files()).await;
    mirror(&here.vault, &there.vault, &record).await;
    Pair { here, there, record }
}

async fn mirror(from: &Arc<Vault>, to: &Arc<Vault>, record: &Record) {
    let reader = Arc::new(from.reader(from.index(false).await.unwrap()));
    let mirror = Mirror::new(reader, Arc::clone(to), to.index(true).await.unwrap());
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    let list = record.nodes[0].list.parse().unwrap();
    let copied = mirror.copy(list, 0..1, None, &progress, &cancel).await.unwrap();
    let mut copy = record.clone();
    copy.nodes[0].list = copied.list;
    copy.origin = Some(Origin {
        vault: from.id(),
        backup: record.backup,
        at: record.ended,
        lists: vec![record.nodes[0].list.clone()],
    });
    let writer = to.begin(&intent_of(&copy)).await.unwrap();
    writer.commit(&copy, &[]).await.unwrap();
    writer.finish().await.unwrap();
}

/// The largest object below a prefix.
async fn largest(fixture: &Fixture, prefix: &str) -> Key {
    let mut sized = Vec::new();
    for key in fixture.keys_below(prefix) {
        sized.push((fixture.body(&key).await.len(), key));
    }
    sized.into_iter().max().unwrap().1
}

async fn remove(fixture: &Fixture, key: &Key) {
    Store::delete(&*fixture.store, key).await.unwrap();
}

async fn flip(fixture: &Fixture, key: &Key, at: usize) {
    let mut bytes = fixture.body(key).await;
    let at = at % bytes.len();
    bytes[at] ^= 1;
    remove(fixture, key).await;
    Store::create(&*fixture.store, key, bytes.into()).await.unwrap();
}

/// A whole repair, as the operation does it.
async fn repair(vault: &Arc<Vault>, how: Healing) -> (Healed, VaultCheck) {
    let found = check(vault, true).await;
    let guard = lease(vault).await.unwrap();
    vault.quarantine(&found.wrong_packs).await.unwrap();
    if let Some(mirror) = &how.mirror {
        for (id, _) in &found.damaged {
            vault.restore_record(*id, mirror, &guard).await.unwrap();
        }
    }
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    let healed = vault.heal(how, &guard, &progress, &cancel).await.unwrap();
    for problem in &found.problems {
        if problem.key.starts_with("index/") || problem.key.starts_with("notes/") {
            vault.remove_unreadable(&problem.key, &guard).await.unwrap();
        }
    }
    guard.release().await.unwrap();
    if healed.lost + healed.lost_lists == 0 {
        collect(vault).await.unwrap();
    }
    (healed, check(vault, true).await)
}

fn from_mirror(mirror: &Fixture) -> Healing {
    Healing {
        mirror: Some(Arc::clone(&mirror.vault)),
        files: None,
    }
}

#[derive(Debug, Default)]
struct Files {
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    asked: Mutex<u32>,
}

impl LiveFiles for Files {
    fn read(&self, path: &[u8], offset: u64, length: u32) -> Option<Vec<u8>> {
        *self.asked.lock().unwrap() += 1;
        let start = usize::try_from(offset).ok()?;
        let part = self.files.get(path)?.get(start..start + length as usize)?;
        Some(part.to_vec())
    }
}

fn live(changed: Option<&str>) -> Healing {
    let mut live = Files::default();
    for (path, body) in files() {
        let body = if changed == Some(path) {
            noise(99, body.len())
        } else {
            body
        };
        live.files.insert(path.as_bytes().to_vec(), body);
    }
    Healing {
        mirror: None,
        files: Some(Arc::new(live)),
    }
}

async fn whole(pair: &Pair, check: &VaultCheck) {
    assert_eq!((&check.problems, &check.damaged), (&vec![], &vec![]));
    assert_eq!(verify(&pair.here.vault, &pair.record).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_pack_that_is_lost_or_flipped_is_healed_from_a_mirror() {
    for (harm, place) in [
        ("lost", 0),
        ("flipped", 500),
        ("flipped", 5),
        ("flipped", usize::MAX),
    ] {
        let packs = pair().await.here.keys_below("packs/").len();
        for number in 0..packs {
            let pair = pair().await;
            let key = pair.here.keys_below("packs/")[number].clone();
            match harm {
                "lost" => remove(&pair.here, &key).await,
                _ => flip(&pair.here, &key, place).await,
            }
            assert!(!check(&pair.here.vault, true).await.damaged.is_empty());
            let (healed, after) = repair(&pair.here.vault, from_mirror(&pair.there)).await;
            assert!(
                healed.salvaged + healed.from_mirror > 0,
                "{harm} {place}: {healed:?}"
            );
            whole(&pair, &after).await;
            assert!(
                !pair.here.keys_below("packs/").contains(&key),
                "{harm}: the damaged pack is gone"
            );
            assert_eq!(pair.here.keys_below("rounds/quarantine/"), [], "{harm}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_readable_in_a_damaged_pack_is_taken_from_there() {
    let pair = pair().await;
    // One chunk of several.
    flip(&pair.here, &largest(&pair.here, "packs/").await, 1000).await;
    let (healed, after) = repair(&pair.here.vault, live(None)).await;
    assert!(healed.salvaged > 1, "{healed:?}");
    assert_eq!((healed.from_files, healed.lost), (1, 0), "{healed:?}");
    whole(&pair, &after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_files_that_are_as_they_were_heal() {
    let pair = pair().await;
    remove(&pair.here, &largest(&pair.here, "packs/").await).await;
    let (healed, after) = repair(&pair.here.vault, live(Some("data/c"))).await;
    assert!(healed.from_files > 0, "{healed:?}");
    assert_eq!(healed.lost, 5, "the chunks of the file that changed: {healed:?}");
    assert_eq!(after.damaged.len(), 1);
    let problems = verify(&pair.here.vault, &pair.record).await.unwrap();
    let named: Vec<&str> = problems.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(named, ["/data/c"], "{problems:?}");
    // The mirror has the rest.
    let (_, after) = repair(&pair.here.vault, from_mirror(&pair.there)).await;
    whole(&pair, &after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_lost_or_damaged_is_written_again_from_the_packs() {
    for lost in [true, false] {
        let pair = pair().await;
        for key in pair.here.keys_below("index/") {
            match lost {
                true => remove(&pair.here, &key).await,
                false => flip(&pair.here, &key, 60).await,
            }
        }
        let (healed, after) = repair(&pair.here.vault, Healing::default()).await;
        assert_eq!((healed.lost, healed.lost_lists), (0, 0));
        whole(&pair, &after).await;
        assert_eq!(after.orphans, 0);
        let index = pair.here.vault.index(false).await.unwrap();
        assert_eq!(index.ignored(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_record_comes_back_from_a_mirror() {
    for lost in [true, false] {
        let pair = pair().await;
        let key = pair.here.keys_below("backups/")[0].clone();
        match lost {
            true => remove(&pair.here, &key).await,
            false => flip(&pair.here, &key, 200).await,
        }
        let (_, after) = repair(&pair.here.vault, from_mirror(&pair.there)).await;
        whole(&pair, &after).await;
        let record = pair.here.vault.record(pair.record.backup).await.unwrap();
        assert_eq!(record.nodes, pair.record.nodes);
        assert_eq!(record.origin, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_mirror_heals_what_it_can() {
    let pair = pair().await;
    remove(&pair.here, &largest(&pair.here, "packs/").await).await;
    flip(&pair.there, &largest(&pair.there, "packs/").await, 1000).await;
    let (healed, after) = repair(&pair.here.vault, from_mirror(&pair.there)).await;
    assert!(healed.from_mirror > 0, "{healed:?}");
    assert_eq!(healed.lost, 1, "{healed:?}");
    assert_eq!(after.damaged.len(), 1, "what stays damaged is said");
    let (_, after) = repair(&pair.here.vault, live(None)).await;
    whole(&pair, &after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_backups_do_not_rely_on_packs_in_quarantine() {
    let pair = pair().await;
    let key = largest(&pair.here, "packs/").await;
    flip(&pair.here, &key, 1000).await;
    let vault = &pair.here.vault;
    let packs = pair.here.keys_below("packs/").len();
    backup(vault, &files()).await;
    assert_eq!(
        pair.here.keys_below("packs/").len(),
        packs,
        "who knows nothing stores nothing"
    );
    let guard = lease(vault).await.unwrap();
    vault
        .quarantine(&check(vault, true).await.wrong_packs)
        .await
        .unwrap();
    guard.release().await.unwrap();
    let second = backup(vault, &files()).await;
    assert!(pair.here.keys_below("packs/").len() > packs);
    assert_eq!(verify(vault, &second).await.unwrap(), []);
    // And with that the first one is whole too.
    assert_eq!(verify(vault, &pair.record).await.unwrap(), []);
    collect(vault).await.unwrap();
    assert!(!pair.here.keys_below("packs/").contains(&key));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_that_nobody_with_a_key_wrote_is_passed_over() {
    let pair = pair().await;
    let pack = largest(&pair.here, "packs/").await;
    let name = pack.as_str().rsplit('/').next().unwrap();
    let key = Key::new(format!("rounds/quarantine/{name}")).unwrap();
    Store::create(&*pair.here.store, &key, b"{}".to_vec().into())
        .await
        .unwrap();
    let packs = pair.here.keys_below("packs/").len();
    backup(&pair.here.vault, &files()).await;
    assert_eq!(pair.here.keys_below("packs/").len(), packs);
    assert_eq!(check(&pair.here.vault, false).await.problems.len(), 1);
}
