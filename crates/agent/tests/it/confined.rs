//! Attacks: lists made by hand and links in the way. Nothing outside of the target is ever touched.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use ostler_api::document::Source;
use ostler_api::node::Uploaded;
use ostler_api::request::Overwrite;
use ostler_vault::list::{Entry, EntryKind, Metadata};

use crate::world::World;

fn entry(path: &[u8], kind: EntryKind) -> Entry {
    Entry {
        path: path.to_vec(),
        kind,
        metadata: Metadata {
            mode: 0o755,
            ..Metadata::default()
        },
    }
}

fn file() -> EntryKind {
    EntryKind::File {
        size: 0,
        content: Vec::new(),
        sparse: false,
        racy: false,
    }
}

async fn restore(
    world: &World,
    root: &str,
    entries: Vec<Entry>,
    to: &Path,
) -> Result<ostler_api::node::Downloaded, ostler_vocabulary::Failure> {
    let list = world.list(entries, Vec::new()).await;
    let uploaded = Uploaded {
        source: Source {
            host: String::new(),
            paths: vec![Path::new(root).to_owned()],
        },
        list,
        counts: ostler_api::document::BackupCounts::default(),
        problems: Vec::new(),
        started: ostler_vocabulary::Timestamp::UNIX_EPOCH,
        held: None,
        flagged: 0,
    };
    let mut request = world.request(&uploaded, Some(to));
    request.overwrite = Overwrite::Different;
    world.download(&request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_backup_is_not_followed_by_later_entries() {
    let world = World::new().await;
    let (outside, to) = (world.dir("outside"), world.dir("to"));
    let target = outside.as_os_str().as_encoded_bytes().to_vec();
    let entries = vec![
        entry(b"r", EntryKind::Directory),
        entry(b"r/out", EntryKind::Symlink { target }),
        entry(b"r/out/evil", file()),
        entry(b"r/z", file()),
    ];
    let restored = restore(&world, "/r", entries, &to).await.unwrap();
    assert!(!outside.join("evil").exists());
    assert!(to.join("z").exists());
    // The link gives way to the directory that the later entry needs, or the later entry is a problem.
    assert!(to.join("out/evil").exists() || !restored.problems.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_target_is_not_followed() {
    let world = World::new().await;
    let (outside, to) = (world.dir("outside"), world.dir("to"));
    symlink(&outside, to.join("d")).unwrap();
    fs::write(outside.join("f"), "precious").unwrap();
    symlink(outside.join("f"), to.join("f")).unwrap();
    let entries = vec![
        entry(b"r", EntryKind::Directory),
        entry(b"r/d", EntryKind::Directory),
        entry(b"r/d/evil", file()),
        entry(b"r/f", file()),
    ];
    let restored = restore(&world, "/r", entries, &to).await.unwrap();
    assert_eq!(restored.problems, []);
    assert!(!outside.join("evil").exists());
    assert_eq!(fs::read(outside.join("f")).unwrap(), b"precious");
    assert!(to.join("d/evil").exists() && !to.join("d").is_symlink());
    assert!(!to.join("f").is_symlink());
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_lead_out_are_damage() {
    for path in [
        &b"../evil"[..],
        b"r/../evil",
        b"r/../../evil",
        b"r//evil",
        b"/evil",
        b"r/./evil",
        b"s/evil",
    ] {
        let world = World::new().await;
        let to = world.dir("a/to");
        // The list refuses some of these already when it is written; others when it is read.
        let entries = vec![entry(b"r", EntryKind::Directory), entry(path, file())];
        let made = tokio::spawn({
            let world = std::sync::Arc::new(world);
            let to = to.clone();
            async move { (restore(&world, "/r", entries, &to).await, world) }
        })
        .await;
        let Ok((restored, world)) = made else { continue };
        match restored {
            Ok(restored) => assert!(restored.damaged && restored.problems.len() == 1, "{path:?}"),
            Err(error) => assert_eq!(error.kind(), ostler_vocabulary::ErrorKind::Corrupt),
        }
        let mut found = Vec::new();
        let mut todo = vec![world.home.path().to_owned()];
        while let Some(directory) = todo.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    todo.push(path.clone());
                }
                found.push(path);
            }
        }
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
