//! Snapshots that a database makes beside its files.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ostler_api::node::{Frozen, Selection};

use crate::world::World;

fn selection(root: &Path) -> Selection {
    Selection {
        exclude: vec!["manifest.json".into()],
        frozen: Some(Frozen {
            depth: 2,
            within: "snapshots/x".into(),
            immutable: true,
            increments: None,
        }),
        ..World::selection(&[root])
    }
}

/// A snapshot of every table, by hard links, as Cassandra makes it.
fn snapshot(root: &Path) {
    for table in ["ks/t1", "ks/t2"] {
        let (table, snapshot) = (root.join(table), root.join(table).join("snapshots/x"));
        fs::create_dir_all(snapshot.join(".index")).unwrap();
        fs::create_dir_all(table.join("snapshots/other")).unwrap();
        fs::write(table.join("snapshots/other/1.db"), "of another").unwrap();
        fs::write(snapshot.join("manifest.json"), "{}").unwrap();
        for name in ["1.db", "2.db", ".index/3.db"] {
            fs::hard_link(table.join(name), snapshot.join(name)).unwrap();
        }
    }
}

fn clear(root: &Path) {
    for table in ["ks/t1", "ks/t2"] {
        fs::remove_dir_all(root.join(table).join("snapshots")).unwrap();
    }
}

fn database(world: &World) -> std::path::PathBuf {
    let root = world.dir("data").canonicalize().unwrap();
    for table in ["t1", "t2"] {
        let table = root.join("ks").join(table);
        fs::create_dir_all(table.join(".index")).unwrap();
        for name in ["1.db", "2.db", ".index/3.db"] {
            fs::write(table.join(name), format!("{name} of {}", table.display())).unwrap();
        }
    }
    fs::write(root.join("ks/loose"), "not in a snapshot").unwrap();
    root
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_listed_as_what_it_is_of_and_read_once() {
    let world = World::new().await;
    let root = database(&world);
    snapshot(&root);
    // Written after the snapshot: of the next one.
    fs::write(root.join("ks/t1/4.db"), "later").unwrap();
    let first = world.try_upload(selection(&root), None).await.unwrap();
    assert_eq!(first.counts.files, 6, "{first:?}");
    assert_eq!(first.counts.problems, 0);

    clear(&root);
    snapshot(&root);
    assert_eq!(fs::metadata(root.join("ks/t1/1.db")).unwrap().nlink(), 2);
    let second = world
        .try_upload(selection(&root), Some(&first.list))
        .await
        .unwrap();
    assert_eq!(
        (second.counts.files, second.counts.changed_files),
        (6, 0),
        "{second:?}"
    );

    // Nobody writes to it, so nobody looks: what somebody wrote all the same, under the same time, is not seen.
    let path = root.join("ks/t1/2.db");
    let (before, modified) = (
        fs::read(&path).unwrap(),
        fs::metadata(&path).unwrap().modified().unwrap(),
    );
    fs::write(&path, vec![b'x'; before.len()]).unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    let unseen = world
        .try_upload(selection(&root), Some(&first.list))
        .await
        .unwrap();
    assert_eq!(unseen.counts.changed_files, 0, "{unseen:?}");
    fs::write(&path, before).unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();

    // One that was replaced is another file, whatever its name.
    clear(&root);
    fs::remove_file(root.join("ks/t2/1.db")).unwrap();
    fs::write(root.join("ks/t2/1.db"), "anew").unwrap();
    snapshot(&root);
    let third = world
        .try_upload(selection(&root), Some(&second.list))
        .await
        .unwrap();
    assert_eq!(
        (third.counts.files, third.counts.changed_files),
        (6, 1),
        "{third:?}"
    );

    let restored = world.dir("restored");
    world
        .download(&world.request(&third, Some(&restored)))
        .await
        .unwrap();
    for name in ["1.db", "2.db", ".index/3.db"] {
        assert_eq!(
            fs::read(restored.join("ks/t1").join(name)).unwrap(),
            fs::read(root.join("ks/t1").join(name)).unwrap()
        );
    }
    assert!(!restored.join("ks/t1/snapshots").exists());
    assert!(!restored.join("ks/loose").exists());
}
