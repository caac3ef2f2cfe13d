//! Files that are in the way of being read.

use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ostler_api::Node;
use ostler_api::node::Upload;
use ostler_vocabulary::ErrorKind;
use tokio_util::sync::CancellationToken;

use crate::world::{World, as_another_user, noise, progress};

/// Does something while another thread writes all over the first 40 MiB of a file.
pub async fn while_writing<T>(file: fs::File, work: impl Future<Output = T>) -> T {
    let stop = Arc::new(AtomicBool::new(false));
    let mutator = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            let mut round = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                file.write_at(&round.to_le_bytes(), (round * 4096) % (40 << 20))
                    .unwrap();
                round += 1;
            }
        })
    };
    let done = work.await;
    stop.store(true, Ordering::Relaxed);
    mutator.join().unwrap();
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_keeps_changing_is_stored_and_reported() {
    let world = World::new().await;
    let from = world.dir("from");
    fs::write(from.join("hot"), noise(1, 40 << 20)).unwrap();
    fs::write(from.join("still"), b"still").unwrap();
    let hot = fs::File::options().write(true).open(from.join("hot")).unwrap();
    let uploaded = while_writing(hot, world.upload(&[&from], None)).await;
    assert_eq!(uploaded.counts.problems, 1);
    assert!(uploaded.problems[0].path.ends_with("/hot"));
    assert_eq!(uploaded.problems[0].reason, "changed while it was read");
    let to = world.home.path().join("to");
    let restored = world
        .download(&world.request(&uploaded, Some(&to)))
        .await
        .unwrap();
    assert_eq!(restored.problems, []);
    assert_eq!(fs::metadata(to.join("hot")).unwrap().len(), 40 << 20);
    assert_eq!(fs::read(to.join("still")).unwrap(), b"still");
    // It is read again the next time, whatever its times say.
    let again = world.upload(&[&from], Some(&uploaded.list)).await;
    assert_eq!(again.counts.problems, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_files_while_they_are_read_is_reported_or_right() {
    let world = World::new().await;
    let from = world.dir("from");
    for index in 0..400_u64 {
        fs::write(from.join(format!("f{index}")), noise(index, 20_000)).unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mutator = {
        let (stop, from) = (Arc::clone(&stop), from.clone());
        std::thread::spawn(move || {
            let mut round = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                let path = from.join(format!("f{}", (round * 7919) % 400));
                let _ = match round % 5 {
                    0 => fs::write(&path, noise(round, 10_000)),
                    1 => fs::remove_file(&path),
                    2 => fs::write(&path, noise(round, 90_000)),
                    3 => fs::create_dir(&path),
                    _ => fs::rename(&path, from.join(format!("f{}", (round * 31) % 400))),
                };
                round += 1;
            }
        })
    };
    let mut parent = None;
    for _ in 0..8 {
        let uploaded = world.upload(&[&from], parent.as_deref()).await;
        assert_eq!(uploaded.problems.len() as u64, uploaded.counts.problems);
        let to = tempfile::tempdir().unwrap();
        let restored = world
            .download(&world.request(&uploaded, Some(to.path())))
            .await
            .unwrap();
        assert_eq!(restored.problems, [], "what was stored can be restored");
        assert_eq!(restored.files_written, uploaded.counts.files);
        parent = Some(uploaded.list);
    }
    stop.store(true, Ordering::Relaxed);
    mutator.join().unwrap();
    // Once it holds still, the next backup on top of all those is exact.
    let uploaded = world.upload(&[&from], parent.as_deref()).await;
    assert_eq!(uploaded.problems, []);
    let to = world.home.path().join("to");
    world
        .download(&world.request(&uploaded, Some(&to)))
        .await
        .unwrap();
    crate::world::assert_same(&from, &to);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_does_not_exist_is_not_found() {
    let world = World::new().await;
    let missing = world.home.path().join("missing");
    let error = world
        .try_upload(World::selection(&[&missing]), None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_upload_stops_at_once() {
    let world = World::new().await;
    let from = world.dir("from");
    for index in 0..8_u64 {
        fs::write(from.join(format!("f{index}")), noise(index, 16 << 20)).unwrap();
    }
    let node = world.node().await;
    let request = Upload {
        backup: world.backup,
        selection: World::selection(&[&from]),
        parent: None,
        read_all: false,
    };
    let (cancel, progress) = (CancellationToken::new(), progress());
    let watch = async {
        while progress.read().done < 4 << 20 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
        std::time::Instant::now()
    };
    let (ended, since) = tokio::join!(node.upload(&request, &progress, &cancel), watch);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(
        since.elapsed() < std::time::Duration::from_secs(10),
        "{:?}",
        since.elapsed()
    );
}

/// Root may read everything, so this runs itself again as somebody else.
#[test]
fn an_unreadable_file_is_a_problem_and_the_rest_is_stored() {
    use std::os::unix::fs::PermissionsExt;
    const CHILD: &str = "OSTLER_TEST_UNREADABLE";
    if let Some(from) = std::env::var_os(CHILD) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let from = std::path::PathBuf::from(from);
            let uploaded = world.upload(&[&from], None).await;
            let problems: Vec<_> = uploaded
                .problems
                .iter()
                .map(|problem| problem.path.clone())
                .collect();
            let top = from.display();
            assert_eq!(problems, [format!("{top}/closed"), format!("{top}/secret")]);
            assert_eq!(uploaded.counts.files, 1);
            let to = world.home.path().join("to");
            let restored = world
                .download(&world.request(&uploaded, Some(&to)))
                .await
                .unwrap();
            assert_eq!(restored.problems, []);
            assert_eq!(fs::read(to.join("open")).unwrap(), b"x");
        });
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let top = directory.path();
    fs::set_permissions(top, fs::Permissions::from_mode(0o755)).unwrap();
    let from = top.join("from");
    fs::create_dir_all(from.join("closed")).unwrap();
    fs::write(from.join("open"), "x").unwrap();
    fs::write(from.join("secret"), "x").unwrap();
    fs::set_permissions(from.join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(from.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    as_another_user(
        "changing::an_unreadable_file_is_a_problem_and_the_rest_is_stored",
        (CHILD, &from),
    );
}
