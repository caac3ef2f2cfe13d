//! What a restore does with what is there, with what is damaged, and after it was interrupted.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use ostler_api::Node;
use ostler_api::node::{Download, Uploaded};
use ostler_api::request::Overwrite;
use ostler_vocabulary::ErrorKind;
use tokio_util::sync::CancellationToken;

use crate::world::{World, assert_pictures, assert_same, noise, picture, progress};

async fn small(world: &World) -> (PathBuf, Uploaded) {
    let from = world.dir("from");
    fs::create_dir_all(from.join("a/b")).unwrap();
    fs::write(from.join("a/b/f"), "deep").unwrap();
    fs::write(from.join("a/g"), noise(3, 2_500_000)).unwrap();
    fs::write(from.join("h"), "h").unwrap();
    symlink("h", from.join("link")).unwrap();
    let uploaded = world.upload(&[&from], None).await;
    (from, uploaded)
}

async fn preview(world: &World, request: &Download) -> ostler_api::request::RestoreWork {
    let never = CancellationToken::new();
    world
        .node()
        .await
        .preview(request, &progress(), &never)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_files_that_differ_stop_a_restore_before_anything_is_written() {
    let world = World::new().await;
    let (_, uploaded) = small(&world).await;
    let to = world.dir("to");
    // Same size and same time: only the content tells.
    fs::write(to.join("h"), "X").unwrap();
    let request = world.request(&uploaded, Some(&to));
    let work = preview(&world, &request).await;
    assert_eq!(work.conflicts, [to.join("h")]);
    let error = world.download(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("/to/h"), "{error}");
    let names: Vec<_> = fs::read_dir(&to)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["h"], "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_in_the_place_of_a_file_is_named_with_the_way_out() {
    let world = World::new().await;
    let (from, uploaded) = small(&world).await;
    let to = world.dir("to");
    fs::create_dir_all(to.join("h/full")).unwrap();
    let mut request = world.request(&uploaded, Some(&to));
    request.overwrite = Overwrite::Always;
    let restored = world.download(&request).await.unwrap();
    let [problem] = restored.problems.as_slice() else {
        panic!("{:?}", restored.problems);
    };
    assert!(
        problem.reason.contains("move it away and restore again"),
        "{problem:?}"
    );
    assert!(to.join("h/full").exists(), "what is in it is not removed");
    fs::rename(to.join("h"), world.home.path().join("away")).unwrap();
    let restored = world.download(&request).await.unwrap();
    assert_eq!(restored.problems, []);
    assert_same(&from, &to);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_right_is_kept_and_what_differs_is_replaced_whatever_its_times_say() {
    let world = World::new().await;
    let (from, uploaded) = small(&world).await;
    let to = world.home.path().join("to");
    let mut request = world.request(&uploaded, Some(&to));
    assert_eq!(preview(&world, &request).await.create, 7);
    world.download(&request).await.unwrap();
    assert_same(&from, &to);

    let kept = fs::metadata(to.join("a/g")).unwrap().ino();
    let modified = fs::metadata(to.join("a/b/f")).unwrap().modified().unwrap();
    fs::write(to.join("a/b/f"), "DEEP").unwrap();
    fs::File::open(to.join("a/b/f"))
        .unwrap()
        .set_modified(modified)
        .unwrap();
    fs::set_permissions(to.join("h"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(to.join("link")).unwrap();
    symlink("elsewhere", to.join("link")).unwrap();

    request.overwrite = Overwrite::Different;
    let work = preview(&world, &request).await;
    assert_eq!((work.create, work.replace, work.keep), (0, 2, 2));
    let restored = world.download(&request).await.unwrap();
    assert_eq!((restored.files_written, restored.files_kept), (1, 2));
    assert_same(&from, &to);
    assert_eq!(
        fs::metadata(to.join("a/g")).unwrap().ino(),
        kept,
        "it was not written again"
    );

    request.overwrite = Overwrite::Always;
    let restored = world.download(&request).await.unwrap();
    assert_eq!(restored.files_written, 3);
    assert_same(&from, &to);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_directories_in_each_others_place_are_replaced_when_allowed() {
    let world = World::new().await;
    let (from, uploaded) = small(&world).await;
    let to = world.dir("to");
    fs::write(to.join("a"), "a file where a directory belongs").unwrap();
    fs::create_dir(to.join("h")).unwrap();
    let mut request = world.request(&uploaded, Some(&to));
    assert_eq!(
        world.download(&request).await.unwrap_err().kind(),
        ErrorKind::Refused
    );
    request.overwrite = Overwrite::Different;
    let restored = world.download(&request).await.unwrap();
    assert_eq!(restored.problems, []);
    assert_same(&from, &to);
    fs::remove_file(to.join("h")).unwrap();
    fs::create_dir(to.join("h")).unwrap();
    fs::write(to.join("h/precious"), "x").unwrap();
    let restored = world.download(&request).await.unwrap();
    assert_eq!(restored.problems.len(), 1, "a directory that is not empty stays");
    assert!(to.join("h/precious").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_included_is_restored_with_the_directories_that_lead_to_it() {
    let world = World::new().await;
    let (from, uploaded) = small(&world).await;
    fs::set_permissions(from.join("a"), fs::Permissions::from_mode(0o751)).unwrap();
    let uploaded = world.upload(&[&from], Some(&uploaded.list)).await;
    let to = world.home.path().join("to");
    for include in [PathBuf::from("a/b"), from.join("a/b/f")] {
        let request = Download {
            include: vec![include],
            overwrite: Overwrite::Different,
            ..world.request(&uploaded, Some(&to))
        };
        world.download(&request).await.unwrap();
        let found: Vec<_> = picture(&to)
            .into_keys()
            .map(|path| path.display().to_string())
            .collect();
        assert_eq!(found, ["", "a", "a/b", "a/b/f"]);
        assert_eq!(fs::metadata(to.join("a")).unwrap().mode() & 0o7777, 0o751);
    }
    let request = Download {
        include: vec!["nothing/there".into()],
        ..world.request(&uploaded, Some(&to))
    };
    assert_eq!(
        world.download(&request).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_target_everything_goes_where_it_was() {
    let world = World::new().await;
    let (from, _) = small(&world).await;
    let file = world.home.path().join("single");
    fs::write(&file, "single").unwrap();
    let uploaded = world.upload(&[&from, &file], None).await;
    let before = picture(&from);
    fs::remove_dir_all(from.join("a")).unwrap();
    fs::remove_file(&file).unwrap();
    let restored = world.download(&world.request(&uploaded, None)).await.unwrap();
    assert_eq!(restored.problems, []);
    assert_eq!((restored.files_written, restored.files_kept), (3, 1));
    assert_pictures(&before, &picture(&from));
    assert_eq!(fs::read(&file).unwrap(), b"single");

    let to = world.home.path().join("to");
    world
        .download(&world.request(&uploaded, Some(&to)))
        .await
        .unwrap();
    let below = |path: &Path| to.join(path.strip_prefix("/").unwrap());
    assert_same(&from, &below(&from));
    assert_eq!(fs::read(below(&file)).unwrap(), b"single");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_alone_goes_into_the_target_under_its_name() {
    let world = World::new().await;
    let file = world.home.path().join("single");
    fs::write(&file, "single").unwrap();
    let uploaded = world.upload(&[&file], None).await;
    assert_eq!(uploaded.counts.entries, 1);
    let to = world.home.path().join("to");
    world
        .download(&world.request(&uploaded, Some(&to)))
        .await
        .unwrap();
    assert_eq!(fs::read(to.join("single")).unwrap(), b"single");
}

#[tokio::test(flavor = "multi_thread")]
async fn extra_files_are_removed_only_when_approved_and_links_are_not_followed() {
    let world = World::new().await;
    let (from, uploaded) = small(&world).await;
    let to = world.home.path().join("to");
    let mut request = world.request(&uploaded, Some(&to));
    world.download(&request).await.unwrap();
    let outside = world.dir("outside");
    fs::write(outside.join("precious"), "x").unwrap();
    fs::create_dir_all(to.join("a/extra/deep")).unwrap();
    fs::write(to.join("a/extra/deep/f"), "x").unwrap();
    symlink(&outside, to.join("zlink")).unwrap();

    request.delete_extra = true;
    let delete = preview(&world, &request).await.delete;
    let expected = ["a/extra", "a/extra/deep", "a/extra/deep/f", "zlink"].map(|path| to.join(path));
    assert_eq!(delete, expected);

    let restored = world.download(&request).await.unwrap();
    assert_eq!(restored.deleted, Vec::<PathBuf>::new(), "nothing was approved");
    request.approved_deletes = Some(delete);
    fs::write(to.join("new"), "made after the approval").unwrap();
    fs::write(from.join("unrelated"), "x").unwrap();
    let restored = world.download(&request).await.unwrap();
    assert_eq!(restored.deleted, expected);
    assert!(to.join("new").exists() && outside.join("precious").exists());
    fs::remove_file(to.join("new")).unwrap();
    fs::remove_file(from.join("unrelated")).unwrap();
    request.approved_deletes = Some(vec![outside.join("precious"), to.join("h"), to.clone()]);
    let restored = world.download(&request).await.unwrap();
    assert_eq!(restored.deleted, Vec::<PathBuf>::new(), "only what is extra");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_restore_goes_on_and_leaves_nothing_of_its_own() {
    let world = World::new().await;
    let from = world.dir("from");
    for index in 0..40_u64 {
        fs::create_dir_all(from.join(format!("d{}", index % 7))).unwrap();
        fs::write(
            from.join(format!("d{}/f{index}", index % 7)),
            noise(index, 1_700_000),
        )
        .unwrap();
    }
    let uploaded = world.upload(&[&from], None).await;
    let to = world.home.path().join("to");
    let request = world.request(&uploaded, Some(&to));
    let mut interrupted = 0;
    for step in 1..6 {
        let (cancel, progress) = (CancellationToken::new(), progress());
        let node = world.node().await;
        let watch = async {
            while progress.read().done < step * (11 << 20) {
                tokio::task::yield_now().await;
            }
            cancel.cancel();
        };
        let ended = tokio::select! {
            ended = node.download(&request, &progress, &cancel) => ended,
            never = async { watch.await; std::future::pending().await } => never,
        };
        interrupted += u32::from(ended.is_err());
        for (path, found) in picture(&to) {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name.starts_with('f') {
                assert_eq!(
                    found,
                    picture(&from)[&path],
                    "no half-written file under its final name"
                );
            }
        }
    }
    assert!(interrupted > 0);
    // What a killed process leaves behind.
    let left = to.join(format!("d0/.ostler-{}-99", world.backup.short()));
    fs::create_dir_all(to.join("d0")).unwrap();
    fs::write(&left, "half").unwrap();
    let restored = world.download(&request).await.unwrap();
    assert_eq!(restored.problems, []);
    assert!(restored.files_kept > 0);
    assert_same(&from, &to);
    let again = world.download(&request).await.unwrap();
    assert_eq!((again.files_written, again.files_kept), (0, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_pack_fails_its_files_and_no_others() {
    let world = World::new().await;
    let from = world.dir("from");
    fs::write(from.join("aaa"), noise(1, 3_000_000)).unwrap();
    let first = world.upload(&[&from], None).await;
    let before: Vec<_> = world.store.keys();
    fs::write(from.join("zzz"), noise(2, 3_000_000)).unwrap();
    let second = world.upload(&[&from], Some(&first.list)).await;
    let _ = second;
    // Spoil the data pack of the second run: the largest new object.
    let mut spoiled = None;
    for key in world.store.keys() {
        if !before.contains(&key) && key.as_str().contains("packs/") {
            let body = ostler_store::Store::get(&*world.store, &key).await.unwrap();
            if body.len() > 2_000_000 {
                let mut body = body.to_vec();
                body[1_500_000] ^= 1;
                spoiled = Some((key, body));
            }
        }
    }
    let (key, body) = spoiled.unwrap();
    world.store.tamper(&key, body);
    let to = world.home.path().join("to");
    let restored = world.download(&world.request(&second, Some(&to))).await.unwrap();
    assert!(restored.damaged);
    assert_eq!(restored.problems.len(), 1, "{:?}", restored.problems);
    assert!(restored.problems[0].path.ends_with("/zzz"));
    assert_eq!(restored.files_written, 1);
    let names: Vec<_> = fs::read_dir(&to)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["aaa"], "nothing is left of the damaged file");
}

#[tokio::test(flavor = "multi_thread")]
async fn comparing_finds_every_kind_of_difference() {
    let world = World::new().await;
    let (from, uploaded) = small(&world).await;
    let to = world.home.path().join("to");
    world
        .download(&world.request(&uploaded, Some(&to)))
        .await
        .unwrap();
    let same = world.compare(&uploaded, &to).await;
    assert_eq!(same.problems, []);
    assert_eq!(same.files, 3);
    assert_eq!(same.live + same.changed_live, 3);

    fs::write(to.join("h"), "X").unwrap();
    fs::remove_file(to.join("a/b/f")).unwrap();
    fs::set_permissions(to.join("a/g"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::remove_file(to.join("link")).unwrap();
    symlink("other", to.join("link")).unwrap();
    let differ = world.compare(&uploaded, &to).await;
    let paths: std::collections::BTreeSet<_> = differ
        .problems
        .iter()
        .map(|problem| problem.path.clone())
        .collect();
    for path in ["h", "a/b/f", "a/g", "link"] {
        assert!(
            paths.contains(&format!("{}/{path}", from.display())),
            "{path}: {:?}",
            differ.problems
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holes_stay_holes() {
    let world = World::new().await;
    let from = world.dir("from");
    let file = fs::File::create(from.join("sparse")).unwrap();
    file.set_len(200 << 20).unwrap();
    std::os::unix::fs::FileExt::write_at(&file, b"x", 150 << 20).unwrap();
    let uploaded = world.upload(&[&from], None).await;
    assert!(uploaded.counts.new_bytes < 4 << 20);
    let to = world.home.path().join("to");
    world
        .download(&world.request(&uploaded, Some(&to)))
        .await
        .unwrap();
    let restored = fs::metadata(to.join("sparse")).unwrap();
    assert_eq!(restored.len(), 200 << 20);
    assert!(restored.blocks() * 512 < 1 << 20, "{} blocks", restored.blocks());
    assert_same(&from, &to);
}
