//! Files that the agent holds still itself before it reads them.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ostler_api::node::{HeldFiles, Hold, Selection};
use ostler_testkit::reflink::{Kind, Mounted, reflink};
use rustix::fs::IFlags;
use tokio_util::sync::CancellationToken;

use crate::meddling::{Deed, upload};
use crate::unchanged::settle;
use crate::world::{World, assert_pictures, noise, picture};

fn held(root: &Path, hold: Hold) -> Selection {
    Selection {
        hold: Some(hold),
        ..World::selection(&[root])
    }
}

fn clones() -> Hold {
    Hold {
        reflink: true,
        ..Hold::default()
    }
}

/// No clones, so that it is the same on every file system.
pub fn links() -> Hold {
    Hold {
        reflink: false,
        immutable: vec!["*.sst".into()],
        append_only: vec!["wal/*".into()],
    }
}

fn counts(cloned: u64, linked: u64, in_place: u64) -> Option<HeldFiles> {
    Some(HeldFiles {
        cloned,
        linked,
        in_place,
    })
}

/// Names in a directory that snapshots of ours have.
pub fn snapshots(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| path.to_string_lossy().contains("/.ostler-snapshot-");
    entries.filter(is_one).collect()
}

async fn restored(world: &World, uploaded: &ostler_api::node::Uploaded) -> PathBuf {
    let to = world.dir("restored");
    fs::remove_dir_all(&to).unwrap();
    let done = world.download(&world.request(uploaded, Some(&to))).await.unwrap();
    assert_eq!(done.problems, []);
    to
}

/// When anything about it was changed last.
fn changed(path: &Path) -> (i64, i64) {
    let stat = fs::metadata(path).unwrap();
    (stat.ctime(), stat.ctime_nsec())
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

fn append(path: &Path, more: &[u8]) {
    let mut file = File::options().append(true).open(path).unwrap();
    file.write_all(more).unwrap();
}

/// Files that only grow, files that never change, and others.
pub fn fill(root: &Path) {
    fs::create_dir_all(root.join("wal")).unwrap();
    for (seed, name) in (1..).zip(["1.sst", "2.sst", "wal/1", "wal/2", "other"]) {
        fs::write(root.join(name), noise(seed, 70_000)).unwrap();
    }
    fs::write(root.join("large.sst"), noise(9, 20 << 20)).unwrap();
    fs::hard_link(root.join("2.sst"), root.join("again.sst")).unwrap();
    fs::hard_link(root.join("other"), root.join("third")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_is_what_the_file_was_when_it_was_made() {
    for kind in [Kind::Xfs, Kind::Btrfs] {
        if let Some(place) = reflink(kind) {
            is_what_it_was(&place, kind).await;
        }
    }
}

async fn is_what_it_was(place: &Mounted, kind: Kind) {
    let mut world = World::new().await;
    let root = place.path().join("data");
    fs::create_dir(&root).unwrap();
    if kind == Kind::Btrfs {
        // As databases like it: without copies on write, which has to be said while a file is empty.
        let file = File::create(root.join("other")).unwrap();
        let flags = rustix::fs::ioctl_getflags(&file).unwrap() | IFlags::NOCOW;
        rustix::fs::ioctl_setflags(&file, flags).unwrap();
    }
    fill(&root);
    fs::write(root.join("empty"), "").unwrap();
    fs::set_permissions(root.join("1.sst"), fs::Permissions::from_mode(0o640)).unwrap();
    rustix::fs::setxattr(
        root.join("1.sst"),
        "user.origin",
        b"here",
        rustix::fs::XattrFlags::empty(),
    )
    .unwrap();
    settle();
    let before = picture(&root);
    let top = root.clone();
    let deed: Deed = Box::new(move || {
        assert_eq!(snapshots(&top).len(), 1);
        let file = File::options().write(true).open(top.join("1.sst")).unwrap();
        file.write_all_at(&noise(77, 70_000), 0).unwrap();
        let file = File::options().write(true).open(top.join("large.sst")).unwrap();
        file.write_all_at(&noise(78, 1 << 20), 5 << 20).unwrap();
        append(&top.join("wal/1"), b"more");
        for name in ["wal/2", "2.sst", "empty"] {
            fs::remove_file(top.join(name)).unwrap();
        }
        fs::write(top.join("new"), "later").unwrap();
    });
    let never = CancellationToken::new();
    let first = upload(&mut world, held(&root, clones()), &never, deed)
        .await
        .unwrap();
    assert_eq!(first.problems, []);
    // Two names of a file are one clone.
    assert_eq!(first.held, counts(7, 0, 0));
    assert_eq!(snapshots(&root), [] as [PathBuf; 0]);
    assert_pictures(&before, &picture(&restored(&world, &first).await));

    // What was written since is new, and what was cloned and not written to is not read again.
    settle();
    let before = picture(&root);
    let second = world
        .try_upload(held(&root, clones()), Some(&first.list))
        .await
        .unwrap();
    assert_eq!(
        second.held,
        counts(5, 0, 0),
        "1.sst, large.sst, wal/1, new; again.sst has lost a name"
    );
    assert_pictures(&before, &picture(&restored(&world, &second).await));
    let third = world
        .try_upload(held(&root, clones()), Some(&second.list))
        .await
        .unwrap();
    assert_eq!(third.held, counts(0, 0, 0));
    assert_eq!(third.counts.changed_files, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_keeps_its_content_by_another_name() {
    let mut world = World::new().await;
    let root = world.dir("from");
    fill(&root);
    settle();
    let before = picture(&root);
    let top = root.clone();
    let deed: Deed = Box::new(move || {
        assert_eq!(snapshots(&top).len(), 1);
        append(&top.join("wal/1"), &noise(5, 70_000));
        for name in ["1.sst", "2.sst", "again.sst", "wal/2", "large.sst"] {
            fs::remove_file(top.join(name)).unwrap();
        }
        fs::write(top.join("3.sst"), "later").unwrap();
    });
    let never = CancellationToken::new();
    let uploaded = upload(&mut world, held(&root, links()), &never, deed)
        .await
        .unwrap();
    assert_eq!(uploaded.problems, []);
    assert_eq!(uploaded.held, counts(0, 5, 1));
    assert_eq!(snapshots(&root), [] as [PathBuf; 0]);
    // Also the second name of a file.
    assert_pictures(&before, &picture(&restored(&world, &uploaded).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unchanged_is_neither_held_nor_read_and_what_changed_is_seen() {
    let world = World::new().await;
    let root = world.dir("from");
    fill(&root);
    settle();
    let set_modified = |name: &str, time| {
        let file = File::options().write(true).open(root.join(name)).unwrap();
        file.set_modified(time).unwrap();
    };
    let top = modified(&root);
    let first = world.try_upload(held(&root, links()), None).await.unwrap();
    assert_eq!(first.held, counts(0, 5, 1));
    assert_eq!(modified(&root), top, "as if nobody had been there");
    let linked = changed(&root.join("1.sst"));

    // Our own links changed change times; nothing is held again, and the root is left alone.
    settle();
    let alone = changed(&root);
    let second = world
        .try_upload(held(&root, links()), Some(&first.list))
        .await
        .unwrap();
    assert_eq!((second.held, second.counts.changed_files), (counts(0, 0, 0), 0));
    assert_eq!(
        (second.counts.new_bytes, second.counts.files),
        (0, first.counts.files)
    );
    assert_eq!(changed(&root.join("1.sst")), linked);
    assert_eq!(changed(&root), alone);

    // A file of no class with its size and time; one of a class that is another file; one that grew; one with another mode.
    let times = (modified(&root.join("other")), modified(&root.join("2.sst")));
    fs::write(root.join("other"), noise(50, 70_000)).unwrap();
    set_modified("other", times.0);
    fs::remove_file(root.join("2.sst")).unwrap();
    fs::write(root.join("2.sst"), noise(51, 70_000)).unwrap();
    set_modified("2.sst", times.1);
    append(&root.join("wal/1"), b"more");
    fs::set_permissions(root.join("1.sst"), fs::Permissions::from_mode(0o600)).unwrap();
    rustix::fs::setxattr(
        root.join("1.sst"),
        "user.new",
        b"1",
        rustix::fs::XattrFlags::empty(),
    )
    .unwrap();
    let before = picture(&root);
    let third = world
        .try_upload(held(&root, links()), Some(&second.list))
        .await
        .unwrap();
    assert_eq!(third.counts.changed_files, 3, "{third:?}");
    assert_pictures(&before, &picture(&restored(&world, &third).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_held_is_reported_when_it_changes() {
    let world = World::new().await;
    let root = world.dir("from");
    fill(&root);
    fs::write(root.join("hot"), noise(1, 40 << 20)).unwrap();
    let file = File::options().write(true).open(root.join("hot")).unwrap();
    let uploaded = crate::changing::while_writing(file, world.try_upload(held(&root, links()), None)).await;
    let uploaded = uploaded.unwrap();
    assert_eq!(uploaded.held, counts(0, 5, 2));
    assert_eq!(uploaded.counts.problems, 1, "{:?}", uploaded.problems);
    assert!(uploaded.problems[0].path.ends_with("/hot"));
    assert_eq!(uploaded.problems[0].reason, "changed while it was read");
}
