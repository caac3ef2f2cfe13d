//! What only a directory has: unfinished files, permissions, full disks, disks that go away.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use ostler_store::{Error, Key, Local, Location, Options, Store, list_all, open};
use ostler_vocabulary::{Classified, ErrorKind};

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[tokio::test]
async fn only_the_owner_can_look_into_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("vault");
    let store = Local::open(&root).unwrap();
    assert!(!root.exists(), "opening makes nothing");
    store.create(&key("packs/ab/cd"), "x".into()).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root.join("packs/ab/cd")), 0o600);
    for below in ["", "packs", "packs/ab", "tmp"] {
        assert_eq!(mode(&root.join(below)), 0o700, "{below}");
    }
    assert_eq!(files_below(&root), [root.join("packs/ab/cd")]);
}

#[tokio::test]
async fn deleting_removes_folders_that_became_empty_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::open(directory.path()).unwrap();
    for name in ["a/b/c/one", "a/two"] {
        store.create(&key(name), "x".into()).await.unwrap();
    }
    store.delete(&key("a/b/c/one")).await.unwrap();
    assert!(!directory.path().join("a/b").exists());
    store.delete(&key("a/two")).await.unwrap();
    store.create(&key("a/b/c/one"), "y".into()).await.unwrap();
    assert_eq!(store.get(&key("a/b/c/one")).await.unwrap(), "y");
}

#[tokio::test]
async fn opening_removes_what_dead_processes_left_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let tmp = directory.path().join("tmp");
    fs::create_dir(&tmp).unwrap();
    let me = ostler_vocabulary::ProcessIdentity::current();
    let mut dead = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
    let pid = dead.id();
    dead.wait().unwrap();
    let (host, boot) = (&me.host, &me.boot);
    let stale = [
        format!("{host}~{boot}~{pid}~1~0"),
        format!("{host}~{boot}~{}~{}~7", me.pid, me.started + 1),
        format!("{host}~earlier-boot~1~1~0"),
    ];
    let kept = [
        format!("{host}~{boot}~{}~{}~9999999", me.pid, me.started),
        format!("other-{host}~{boot}~{pid}~1~0"),
        "somebody's notes".to_owned(),
    ];
    for name in stale.iter().chain(&kept) {
        fs::write(tmp.join(name), "half an obj").unwrap();
    }
    let store = Local::open(directory.path()).unwrap();
    for name in &stale {
        assert!(!tmp.join(name).exists(), "{name} is left");
    }
    for name in &kept {
        assert!(tmp.join(name).exists(), "{name} is gone");
    }
    assert!(
        list_all(&store, "").await.unwrap().is_empty(),
        "unfinished objects are not listed"
    );
}

#[tokio::test]
async fn what_is_not_an_object_is_neither_listed_nor_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::open(directory.path()).unwrap();
    store.create(&key("a/object"), "x".into()).await.unwrap();
    fs::write(directory.path().join("a/with space"), "x").unwrap();
    fs::write(directory.path().join("a/é"), "x").unwrap();
    std::os::unix::fs::symlink("nowhere", directory.path().join("a/dangling")).unwrap();
    let made = Command::new("mkfifo")
        .arg(directory.path().join("a/pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let keys: Vec<Key> = list_all(&store, "")
        .await
        .unwrap()
        .into_iter()
        .map(|o| o.key)
        .collect();
    assert_eq!(keys, [key("a/object")]);
    assert!(matches!(store.get(&key("a/pipe")).await, Err(Error::NotFound(_))));
    assert!(matches!(store.head(&key("a")).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_key_that_goes_on_behind_another_one_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::open(directory.path()).unwrap();
    store.create(&key("a"), "x".into()).await.unwrap();
    store.create(&key("b/c"), "x".into()).await.unwrap();
    for name in ["a/b", "a/b/c", "b"] {
        let done = store.create(&key(name), "x".into()).await;
        assert_eq!(done.unwrap_err().kind(), ErrorKind::Unsupported, "{name}");
        store.delete(&key(name)).await.unwrap();
    }
    assert_eq!(list_all(&store, "").await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_directory_that_went_away_is_not_taken_for_an_empty_store() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("mounted");
    let store = Local::open(&root).unwrap();
    assert!(
        matches!(store.get(&key("a")).await, Err(Error::NotFound(_))),
        "nothing was made yet"
    );
    store.create(&key("a"), "x".into()).await.unwrap();
    fs::rename(&root, directory.path().join("away")).unwrap();
    // As below a mount point: first nothing, then an empty directory.
    for _ in 0..2 {
        for error in [
            store.get(&key("a")).await.unwrap_err(),
            store.head(&key("a")).await.unwrap_err(),
            store.list("", None).await.unwrap_err(),
            store.create(&key("b"), "x".into()).await.unwrap_err(),
            store.delete(&key("a")).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::Gone { .. }), "{error:?}");
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.hint().unwrap().contains("mounted"), "{error:?}");
        }
        let _ = fs::create_dir(&root);
    }
    assert!(files_below(&root).is_empty());
    fs::remove_dir(&root).unwrap();
    fs::rename(directory.path().join("away"), &root).unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap(), "x");
}

#[tokio::test]
async fn a_file_or_a_forbidden_place_is_no_store() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Local::open(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_nothing_behind() {
    // A process may not write files longer than its limit; the kernel's answer is handled as a full disk's is. The
    // child runs this very test below the limit.
    const INSIDE: &str = "OSTLER_TEST_FULL_DISK";
    if let Some(root) = std::env::var_os(INSIDE) {
        let store = Local::open(Path::new(&root)).unwrap();
        let error = store
            .create(&key("packs/big"), vec![1; 1 << 20].into())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::NoSpace { .. }), "{error:?}");
        assert!(error.to_string().contains("no space is left"), "{error}");
        assert!(error.hint().unwrap().contains("prune"), "{error:?}");
        store
            .create(&key("packs/small"), vec![1; 1 << 10].into())
            .await
            .unwrap();
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let done = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "local::a_full_disk_is_said_and_leaves_nothing_behind"])
        .env(INSIDE, directory.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"));
    assert_eq!(
        files_below(directory.path()),
        [directory.path().join("packs/small")]
    );
}

/// Two handles, as of two processes, in one directory.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_do_not_disturb_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let location: Location = directory.path().to_str().unwrap().parse().unwrap();
    let stores: Vec<Arc<dyn Store>> = (0..2)
        .map(|_| open(&location, &Options::default()).unwrap())
        .collect();
    let tasks: Vec<_> = (0..8)
        .map(|worker| {
            let store = Arc::clone(&stores[worker % 2]);
            tokio::spawn(async move {
                for _ in 0..20 {
                    let name = key(&format!("same/folder/{worker}"));
                    store.create(&name, "x".into()).await.unwrap();
                    assert_eq!(store.get(&name).await.unwrap(), "x");
                    store.delete(&name).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(files_below(directory.path()).is_empty());
}

/// A process that creates objects is killed at many moments: what is listed is whole, the rest is gone.
#[tokio::test]
async fn a_killed_writer_leaves_whole_objects_only() {
    const INSIDE: &str = "OSTLER_TEST_KILLED_WRITER";
    const SIZE: usize = 300_000;
    if let Some(root) = std::env::var_os(INSIDE) {
        let store = Local::open(Path::new(&root)).unwrap();
        let run = std::process::id();
        for number in 0.. {
            let name = key(&format!("{run}/{}/{number}", number % 3));
            store.create(&name, vec![1; SIZE].into()).await.unwrap();
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let tmp = root.join("tmp");
    let mut interrupted = 0;
    for round in 1..=20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "local::a_killed_writer_leaves_whole_objects_only"])
            .env(INSIDE, &root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Killed while it writes one, after a few.
        let mine = root.join(child.id().to_string());
        while !(mine.is_dir()
            && files_below(&mine).len() > round % 3
            && tmp.read_dir().unwrap().next().is_some())
        {
            assert!(child.try_wait().unwrap().is_none(), "the writer ended by itself");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted += fs::read_dir(&tmp).unwrap().count();
        let store = Local::open(&root).unwrap();
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0, "round {round}");
        for object in list_all(&store, "").await.unwrap() {
            let body = store.get(&object.key).await.unwrap();
            assert!(
                body.len() == SIZE && body.iter().all(|byte| *byte == 1),
                "{object:?}"
            );
        }
    }
    assert!(interrupted > 0, "no kill met a write");
}
