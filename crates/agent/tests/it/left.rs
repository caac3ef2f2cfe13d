//! Snapshots that are of no use any more, and that are in no backup.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ostler_api::node::Selection;
use ostler_vocabulary::ErrorKind;
use tokio_util::sync::CancellationToken;

use crate::held::{fill, links, snapshots};
use crate::meddling::{Deed, upload};
use crate::world::World;

fn selection(root: &Path) -> Selection {
    Selection {
        hold: Some(links()),
        ..World::selection(&[root])
    }
}

/// A directory as a snapshot has it, with a file in it.
fn leave(directory: &Path) {
    fs::create_dir_all(directory.join("tree")).unwrap();
    fs::write(directory.join(".ostler-scratch"), "").unwrap();
    fs::write(directory.join("tree/0"), "old").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_are_in_no_backup_and_only_those_that_nobody_uses_are_removed() {
    let world = World::new().await;
    let root = world.dir("from");
    fill(&root);
    let place = |number: u32| root.join(format!(".ostler-snapshot-{number}"));
    // One that was left, one that somebody uses, a directory of the user's, and one that was left while it was made.
    for number in [1, 2] {
        leave(&place(number));
    }
    let used = fs::File::open(place(2).join(".ostler-scratch")).unwrap();
    used.lock().unwrap();
    fs::create_dir(place(3)).unwrap();
    fs::write(place(3).join("thesis"), "mine").unwrap();
    fs::create_dir(place(4)).unwrap();
    fs::create_dir(root.join("below")).unwrap();
    leave(&root.join("below/.ostler-snapshot-1"));
    let uploaded = world.try_upload(selection(&root), None).await.unwrap();
    assert_eq!(uploaded.problems, []);
    let mut left = snapshots(&root);
    left.sort();
    assert_eq!(left, [place(2), place(3)]);
    assert!(place(2).join("tree/0").exists());
    let to = world.dir("to");
    world
        .download(&world.request(&uploaded, Some(&to)))
        .await
        .unwrap();
    assert_eq!(snapshots(&to), [to.join(".ostler-snapshot-3")]);
    assert_eq!(fs::read(to.join(".ostler-snapshot-3/thesis")).unwrap(), b"mine");
    assert_eq!(snapshots(&to.join("below")), [] as [PathBuf; 0]);
    // Without anything to hold, what was left goes too.
    // Only closed it would stay locked while another test is about to start a process, which has it open as well until then.
    used.unlock().unwrap();
    world.upload(&[&root], None).await;
    assert_eq!(snapshots(&root), [place(3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cancelled_leaves_no_snapshot() {
    let mut world = World::new().await;
    let root = world.dir("from");
    fill(&root);
    let cancel = CancellationToken::new();
    let (token, top) = (cancel.clone(), root.clone());
    let deed: Deed = Box::new(move || {
        assert_eq!(snapshots(&top).len(), 1);
        token.cancel();
    });
    let ended = upload(&mut world, selection(&root), &cancel, deed).await;
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Cancelled);
    let since = Instant::now();
    while !snapshots(&root).is_empty() {
        assert!(since.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
}

/// A process cannot kill itself and go on, so this runs itself again.
#[test]
fn what_a_kill_leaves_is_removed_by_the_next_upload() {
    const CHILD: &str = "OSTLER_TEST_KILLED_UPLOAD";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(root) = std::env::var_os(CHILD) {
        runtime.block_on(async {
            let mut world = World::new().await;
            let deed: Deed = Box::new(|| {
                let me = rustix::process::getpid();
                rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
            });
            let never = CancellationToken::new();
            let _ = upload(&mut world, selection(Path::new(&root)), &never, deed).await;
            unreachable!("it was killed");
        });
    }
    let (home, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = home.path();
    fill(root);
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "left::what_a_kill_leaves_is_removed_by_the_next_upload",
        ])
        .env(CHILD, root)
        .env("TMPDIR", scratch.path())
        .status()
        .unwrap();
    assert!(!status.success());
    let left = snapshots(root);
    assert_eq!(left.len(), 1, "it was killed with a snapshot");
    assert_eq!(fs::read_dir(left[0].join("tree")).unwrap().count(), 5);
    runtime.block_on(async {
        let world = World::new().await;
        let uploaded = world.try_upload(selection(root), None).await.unwrap();
        assert_eq!(uploaded.problems, []);
        assert_eq!(uploaded.counts.files, 8);
        assert_eq!(snapshots(root), [] as [PathBuf; 0]);
    });
}
