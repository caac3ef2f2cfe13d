//! Random trees: what comes back is what went in, and comparing says so.

use std::collections::BTreeSet;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::world::{World, assert_same, bytes_path, noise};

#[derive(Debug, Clone)]
enum Node {
    File { size: usize, seed: u64, zeros: bool },
    Sparse { size: u64, at: u64 },
    Directory,
    Link(Vec<u8>),
    Fifo,
    Hard(usize),
}

#[derive(Debug, Clone)]
struct Item {
    name: Vec<u8>,
    /// Which of the directories before it it is in.
    inside: usize,
    node: Node,
    mode: u32,
    time: (u64, u32),
    xattr: Option<Vec<u8>>,
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("not a name", |byte| *byte != 0 && *byte != b'/');
    prop_oneof![
        3 => "[a-c.!-]{1,3}".prop_map(String::into_bytes),
        1 => prop::collection::vec(byte, 1..20),
    ]
    .prop_filter("not a name", |name| name != b"." && name != b"..")
}

fn item() -> impl Strategy<Value = Item> {
    let sizes = prop_oneof![
        Just(0_usize),
        1..200_usize,
        Just(4096),
        60_000..70_000_usize,
        1_000_000..3_500_000_usize
    ];
    let node = prop_oneof![
        6 => (sizes, any::<u64>(), prop::bool::weighted(0.1))
            .prop_map(|(size, seed, zeros)| Node::File { size, seed, zeros }),
        1 => (1_u64..9_000_000, any::<u64>()).prop_map(|(size, at)| Node::Sparse { size, at: at % size }),
        4 => Just(Node::Directory),
        1 => prop::collection::vec(1_u8.., 1..30).prop_map(Node::Link),
        1 => Just(Node::Fifo),
        1 => (0_usize..50).prop_map(Node::Hard),
    ];
    let mode = prop_oneof![4 => Just(0o644_u32), 1 => 0_u32..0o7777];
    let xattr = prop::option::weighted(0.15, prop::collection::vec(any::<u8>(), 0..100));
    (
        name(),
        0_usize..20,
        node,
        mode,
        (0_u64..4_000_000_000, 0_u32..1_000_000_000),
        xattr,
    )
        .prop_map(|(name, inside, node, mode, time, xattr)| Item {
            name,
            inside,
            node,
            mode,
            time,
            xattr,
        })
}

fn build(top: &Path, items: &[Item]) {
    let mut directories = vec![top.to_owned()];
    let mut files: Vec<PathBuf> = Vec::new();
    let mut taken = BTreeSet::new();
    let mut made = Vec::new();
    for item in items {
        let path = directories[item.inside % directories.len()].join(bytes_path(&item.name));
        if !taken.insert(path.clone()) {
            continue;
        }
        match &item.node {
            Node::File { size, seed, zeros } => {
                let content = if *zeros {
                    vec![0; *size]
                } else {
                    noise(*seed % 5, *size)
                };
                fs::write(&path, content).unwrap();
                files.push(path.clone());
            }
            Node::Sparse { size, at } => {
                let file = File::create(&path).unwrap();
                file.set_len(*size).unwrap();
                file.write_at(b"x", *at).unwrap();
                files.push(path.clone());
            }
            Node::Directory => {
                fs::create_dir(&path).unwrap();
                directories.push(path.clone());
            }
            Node::Link(target) => symlink(bytes_path(target), &path).unwrap(),
            Node::Fifo => rustix::fs::mknodat(
                rustix::fs::CWD,
                &path,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::RUSR,
                0,
            )
            .unwrap(),
            Node::Hard(which) => match files.get(which % files.len().max(1)) {
                Some(file) => fs::hard_link(file, &path).unwrap(),
                None => fs::write(&path, b"").unwrap(),
            },
        }
        made.push((path, item));
    }
    for (path, item) in made.iter().rev() {
        if matches!(item.node, Node::Link(_)) {
            continue;
        }
        if let Some(value) = &item.xattr
            && !matches!(item.node, Node::Fifo)
        {
            rustix::fs::setxattr(path, "user.test", value, rustix::fs::XattrFlags::empty()).unwrap();
        }
        let (seconds, nanoseconds) = item.time;
        let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        let keep = if matches!(item.node, Node::Directory) {
            0o700
        } else {
            0o600
        };
        fs::set_permissions(path, fs::Permissions::from_mode(item.mode | keep)).unwrap();
        if !matches!(item.node, Node::Fifo) {
            let times = FileTimes::new().set_modified(time).set_accessed(time);
            File::open(path).unwrap().set_times(times).unwrap();
        }
    }
}

#[test]
fn random_trees_come_back_identical() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cases = std::env::var("OSTLER_TEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(24);
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let trees = prop::collection::vec(item(), 0..40);
    runner
        .run(&trees, |items| {
            runtime.block_on(async {
                let world = World::new().await;
                let (from, to) = (world.dir("from"), world.home.path().join("to"));
                build(&from, &items);
                let uploaded = world.upload(&[&from], None).await;
                assert_eq!(uploaded.problems, []);
                let restored = world
                    .download(&world.request(&uploaded, Some(&to)))
                    .await
                    .unwrap();
                assert_eq!(restored.problems, []);
                assert!(!restored.damaged);
                assert_same(&from, &to);
                let compared = world.compare(&uploaded, &to).await;
                assert_eq!(compared.problems, []);
                assert_eq!(compared.files, uploaded.counts.files);

                let again = world.upload(&[&from], Some(&uploaded.list)).await;
                assert_eq!(again.counts.changed_files, 0);
                assert_eq!(again.counts.entries, uploaded.counts.entries);
                assert_eq!(again.counts.bytes, uploaded.counts.bytes);
                // Blocks of the list change once: what was racy is not any more.
                assert!(again.counts.new_bytes < 64 << 10, "{}", again.counts.new_bytes);
            });
            Ok(())
        })
        .unwrap();
}
