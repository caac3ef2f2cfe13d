//! Archives of every version that was ever written are read.

use std::path::{Path, PathBuf};

use ostler_api::retention::TableName;
use ostler_retention::archive::{self, Manifest, Names};
use ostler_store::{Key, Memory, Store};
use ostler_vocabulary::{ErrorKind, Progress, Unit};

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// The sample in a store, each object as `change` makes it.
async fn shelf(change: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> Memory {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/v1");
    let store = Memory::new();
    for file in files(&root) {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let bytes = change(&name, std::fs::read(&file).unwrap());
        store
            .create(&Key::new(name).unwrap(), bytes.into())
            .await
            .unwrap();
    }
    store
}

fn names() -> Names {
    Names::new("app", &TableName::in_public("readings"))
}

#[tokio::test]
async fn the_sample_of_version_1_is_read() {
    let store = shelf(|_, bytes| bytes).await;
    let found = archive::list(&store, &names()).await.unwrap();
    let [(_, manifest)] = found.as_slice() else {
        panic!("{found:?}")
    };
    let tally = archive::verify(&store, manifest, &Progress::new(Unit::Rows))
        .await
        .unwrap();
    assert_eq!(tally, manifest.tally);
    let mut page = format!("{tally}\n");
    for entry in &manifest.files {
        let rows = archive::rows_of(&store, entry, &manifest.columns).await.unwrap();
        rows.each(|cells, _| page += &format!("{cells:?}\n"));
    }
    insta::assert_snapshot!(page);
}

#[tokio::test]
async fn a_sample_that_was_changed_is_refused() {
    let flip = |name: &str, mut bytes: Vec<u8>| {
        if name.ends_with("000002.parquet") {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        bytes
    };
    let store = shelf(flip).await;
    let found = archive::list(&store, &names()).await.unwrap();
    let damaged = archive::verify(&store, &found[0].1, &Progress::new(Unit::Rows))
        .await
        .unwrap_err();
    assert_eq!(damaged.kind(), ErrorKind::Corrupt, "{damaged:?}");
    for (from, to, kind) in [
        ("\"version\": 1", "\"version\": 2", ErrorKind::Unsupported),
        (
            "\"format\": \"ostler-archive\"",
            "\"format\": \"x\"",
            ErrorKind::Corrupt,
        ),
        ("\"tally\": \"7:", "\"tally\": \"8:", ErrorKind::Corrupt),
        ("\"files\": [", "\"files\": ", ErrorKind::Corrupt),
    ] {
        let store = shelf(|name, bytes| match name.ends_with(".json") {
            true => String::from_utf8(bytes)
                .unwrap()
                .replacen(from, to, 1)
                .into_bytes(),
            false => bytes,
        })
        .await;
        let refused = archive::list(&store, &names()).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{to}: {refused:?}");
    }
    assert!(Manifest::decode("x", b"\xff").is_err());
}
