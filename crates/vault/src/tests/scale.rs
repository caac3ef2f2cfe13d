//! `cargo xtask bench scale`: how much memory and time large vaults take. Not run with the tests.

mod collect;
mod files;
mod index;
mod puts;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ostler_store::{Counters, Counting, Local, Store, Verb};
use ostler_vocabulary::{BackupId, OperationId, Secret, Timestamp};

use super::fixture::clock;
use crate::list::{Entry, EntryKind, Extent, FileTime, Metadata};
use crate::{ChunkId, Counts, InitOptions, NodeRecord, Protect, Record, Unlock, Vault};

/// What the bench wants: a number by its name.
fn wanted(name: &str) -> u64 {
    let text = std::env::var(format!("OSTLER_TEST_SCALE_{name}"));
    text.ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Where the vault is.
fn place() -> PathBuf {
    let folder = std::env::var_os("OSTLER_TEST_SCALE_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    folder.join("ostler-scale")
}

/// The same with nothing in it.
fn folder() -> PathBuf {
    let folder = place();
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Bytes of `VmHWM` or another line of this process's status.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let found = status
        .lines()
        .find_map(|l| l.strip_prefix(line)?.strip_prefix(':'));
    found
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .unwrap()
        * 1024
}

fn says(what: &str, begun: Instant, count: u64) {
    let taken = begun.elapsed().as_secs_f64();
    println!(
        "{what}: {taken:.1} s, {:.0} a second, peak {:.0} MiB, now {:.0} MiB",
        count as f64 / taken,
        mib(memory("VmHWM")),
        mib(memory("VmRSS"))
    );
}

/// Entry number `at` of a backup: a file of a few bytes, two hundred to a directory.
fn entry(at: u64, content: Vec<Extent>, size: u64) -> Entry {
    let path = format!("data/{:06}/{:03}-of-some-name.row", at / 200, at % 200).into_bytes();
    Entry {
        path,
        kind: EntryKind::File {
            size,
            content,
            sparse: false,
            racy: false,
        },
        metadata: Metadata {
            mode: 0o644,
            inode: 1000 + at,
            links: 1,
            modified: FileTime {
                seconds: 1_800_000_000 + at as i64 % 5000,
                nanoseconds: at as u32 % 1_000_000_000,
            },
            ..Metadata::default()
        },
    }
}

/// A file of one chunk.
fn file(at: u64, id: ChunkId, length: usize) -> Entry {
    let length = u32::try_from(length).unwrap();
    entry(at, vec![Extent::Chunk { id, length }], u64::from(length))
}

fn record(list: ChunkId) -> Record {
    Record {
        version: Record::VERSION,
        backup: BackupId::random(),
        operation: OperationId::random(),
        name: None,
        tags: Default::default(),
        started: Timestamp::UNIX_EPOCH,
        ended: Timestamp::UNIX_EPOCH,
        made_by: "bench".to_owned(),
        parent: None,
        origin: None,
        cluster: None,
        nodes: vec![NodeRecord {
            host: "h".to_owned(),
            driver: "files".to_owned(),
            paths: vec!["/data".into()],
            list: list.to_string(),
            root: None,
        }],
        partial: false,
        counts: Counts::default(),
        problems: Vec::new(),
        objects_found: 0,
        evidence: None,
    }
}

/// A vault in a directory, opened as the program opens it, with its requests counted.
async fn vault(folder: &Path) -> (Arc<Vault>, Counters) {
    let options = InitOptions {
        protect: vec![Protect::KeyFile],
        clock: clock(),
    };
    let made = Vault::init(counting(folder).0, options).await.unwrap();
    std::fs::write(folder.join("key"), made.key_file.unwrap().reveal()).unwrap();
    reopened(folder).await
}

/// One that is there already.
async fn reopened(folder: &Path) -> (Arc<Vault>, Counters) {
    let (store, counters) = counting(folder);
    let key = std::fs::read_to_string(folder.join("key")).unwrap();
    let vault = Vault::open(store, &[Unlock::KeyFile(Secret::new(key))], clock()).await;
    (
        Arc::new(vault.unwrap().with_cache(&folder.join("cache"))),
        counters,
    )
}

fn counting(folder: &Path) -> (Arc<dyn Store>, Counters) {
    let store = Counting::new(Arc::new(Local::open(folder.join("vault")).unwrap()));
    let counters = store.counters();
    (Arc::new(store), counters)
}

fn says_requests(counters: &Counters) {
    for verb in Verb::ALL {
        println!("{verb:?}: {}", counters.of(verb).requests);
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
