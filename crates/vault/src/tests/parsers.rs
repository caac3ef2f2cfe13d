//! Parsers of stored bytes take anything: they answer, or they refuse; they never panic.

use proptest::prelude::*;

use super::fixture::{Fixture, SUITES, noise};
use crate::config::Config;
use crate::envelope::ObjectKind;
use crate::index::parse_segment;
use crate::keys::{FileKey, Wrapper};
use crate::pack::{Contents, HEADER, PackTable};
use crate::{PackId, Vault};

fn vault() -> (tokio::runtime::Runtime, Fixture) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let fixture = runtime.block_on(async {
        let fixture = Fixture::new(SUITES[1]).await;
        fixture
            .put(&(0..20).map(|seed| noise(seed, 50)).collect::<Vec<_>>())
            .await;
        fixture
    });
    (runtime, fixture)
}

fn read_all(vault: &Vault, bytes: &[u8]) {
    let id = PackId(*blake3::hash(bytes).as_bytes());
    let _ = PackTable::read_whole(vault, id, bytes);
    if let Some(header) = bytes.first_chunk::<HEADER>() {
        let _ = PackTable::read(vault, id, bytes.len() as u64, header, bytes);
        let _ = PackTable::read(vault, id, u64::MAX, header, bytes);
    }
    let name = format!("index/{}", blake3::hash(bytes).to_hex());
    let _ = parse_segment(vault, &ostler_store::Key::new(name).unwrap(), bytes);
    let _ = vault.unseal(
        ObjectKind::Record,
        &ostler_store::Key::new("backups/x").unwrap(),
        bytes,
    );
    let _ = Config::parse(bytes);
    let _ = Wrapper::parse("keys/x/wrapper.json", "x", bytes);
    let _ = Contents::read(bytes);
    let text = String::from_utf8_lossy(bytes);
    let _ = FileKey::from_text(&ostler_vocabulary::Secret::new(text.as_ref()));
    let _ = vault.unseal_any_name(ostler_vocabulary::BackupId::random(), &text);
}

#[test]
fn random_bytes_are_refused() {
    let (_runtime, fixture) = vault();
    proptest!(ProptestConfig::with_cases(300), |(bytes in prop::collection::vec(any::<u8>(), 0..600))| {
        read_all(&fixture.vault, &bytes);
    });
}

#[test]
fn changed_objects_are_refused_or_say_the_same() {
    let (runtime, fixture) = vault();
    let objects: Vec<Vec<u8>> = fixture
        .store
        .keys()
        .iter()
        .map(|key| runtime.block_on(fixture.body(key)))
        .collect();
    let pack = fixture.keys_below("packs/").remove(0);
    let pack = runtime.block_on(fixture.body(&pack));
    let header = *pack.first_chunk::<HEADER>().unwrap();
    let id = PackId(*blake3::hash(&pack).as_bytes());
    let size = pack.len() as u64;
    let told = PackTable::read(&fixture.vault, id, size, &header, &pack)
        .unwrap()
        .unwrap();
    proptest!(ProptestConfig::with_cases(400), |(
        object in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    )| {
        let mut bytes = objects[object.index(objects.len())].clone();
        for (place, value) in &changes {
            let place = place.index(bytes.len());
            bytes[place] = *value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_all(&fixture.vault, &bytes);
        // A changed end of a pack is refused, or it is the same table after all.
        let mut changed = pack.clone();
        for (place, value) in &changes {
            let place = place.index(changed.len());
            changed[place] = *value;
        }
        if let Ok(Ok(read)) = PackTable::read(&fixture.vault, id, size, &header, &changed) {
            prop_assert_eq!(&read, &told);
        }
    });
}
