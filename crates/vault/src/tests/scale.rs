//! `cargo xtask bench scale`: how much memory and time large vaults take. Not run with the tests.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ostler_store::{Counters, Counting, Local, Verb};
use ostler_vocabulary::{BackupId, OperationId, Progress, Timestamp, Unit};
use tokio_util::sync::CancellationToken;

use super::fixture::clock;
use crate::index::{Adding, Cache, Index};
use crate::list::{Entry, EntryKind, Extent, FileTime, ListReader, ListWriter, Metadata};
use crate::pack::{Block, Contents, Encoding, HEADER, Member, PackTable};
use crate::{
    ChunkId, ChunkKind, Collecting, Counts, InitOptions, NodeRecord, PackId, Protect, Record, Vault,
};

/// What the bench wants: a number by its name.
fn wanted(name: &str) -> u64 {
    let text = std::env::var(format!("OSTLER_TEST_SCALE_{name}"));
    text.ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn folder() -> PathBuf {
    let folder = std::env::var_os("OSTLER_TEST_SCALE_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join("ostler-scale");
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
        "{what}: {taken:.1} s, {:.0} a second, peak {:.0} MiB",
        count as f64 / taken,
        memory("VmHWM") as f64 / f64::from(1 << 20)
    );
}

fn name(kind: u8, number: u64) -> [u8; 32] {
    let mut bytes = [kind; 9];
    bytes[1..].copy_from_slice(&number.to_le_bytes());
    *blake3::hash(&bytes).as_bytes()
}

/// Pack number `pack` of a vault with chunks of 1 MiB that compress to two thirds.
fn table(pack: u64, chunks: u64) -> PackTable {
    let mut contents = Contents::default();
    let mut offset = HEADER as u32;
    for chunk in 0..chunks {
        let block = Block {
            kind: ChunkKind::Data,
            encoding: Encoding::Zstd,
            offset,
            stored: 700_000 + (chunk as u32 * 977) % 9000,
            length: 1 << 20,
            chunks: 1,
        };
        offset += block.stored;
        let id = ChunkId(name(1, pack * chunks + chunk));
        contents.push(block, &[Member { id, length: 1 << 20 }]);
    }
    let size = u64::from(offset) + contents.size() as u64 + 32;
    PackTable {
        id: PackId(name(2, pack)),
        size,
        header: [7; HEADER],
        contents,
    }
}

/// Sixteen chunks to a pack and 64 packs to a segment, as writers make them.
#[test]
#[ignore = "a bench: cargo xtask bench scale"]
fn index_of_many_chunks() {
    let chunks = wanted("CHUNKS");
    let folder = folder();
    let (each, packs) = (16, 64);
    let segments = chunks.div_ceil(each * packs);
    let cache = Cache::at(&folder, [3; 32]);
    let listed: HashSet<[u8; 32]> = (0..segments).map(|segment| name(0, segment)).collect();
    let begun = Instant::now();
    let mut adding = Adding::begin(cache.clone(), &listed).unwrap();
    for segment in 0..segments {
        let tables = (segment * packs..(segment + 1) * packs).map(|pack| table(pack, each));
        adding.add(name(0, segment), tables.collect());
        if adding.is_full() {
            adding = adding.write().unwrap();
        }
    }
    drop(adding.finish().unwrap());
    says(
        &format!("index of {chunks} chunks, made of {segments} segments"),
        begun,
        chunks,
    );
    let files = std::fs::read_dir(&folder).unwrap();
    let (count, bytes) = files.fold((0, 0), |(count, bytes), file| {
        (count + 1, bytes + file.unwrap().metadata().unwrap().len())
    });
    println!("on disk: {count} files, {:.2} GB", bytes as f64 / 1e9);

    let begun = Instant::now();
    let covered = cache.look(&listed).unwrap();
    assert!(!covered.is_due());
    println!("{} runs", covered.runs.len());
    let index = Index::of(covered.runs.into_iter().map(|run| Box::new(run) as _).collect());
    says("opened", begun, 1);
    let total = segments * packs * each;
    let look = |what: &str, kind: u8, there: bool| {
        let (looks, begun) = (wanted("LOOKS").max(1), Instant::now());
        let set = index.no_packs();
        for look in 0..looks {
            let number = look.wrapping_mul(0x9e37_79b9_7f4a_7c15) % total;
            assert_eq!(index.mark(&ChunkId(name(kind, number)), &set).unwrap(), there);
        }
        says(what, begun, looks);
    };
    look("chunks that are there", 1, true);
    look("chunks that are not", 9, false);
    println!(
        "resident now: {:.0} MiB",
        memory("VmRSS") as f64 / f64::from(1 << 20)
    );
    std::fs::remove_dir_all(&folder).unwrap();
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
    }
}

/// A vault in a directory, opened as the program opens it, with its requests counted.
async fn vault(folder: &std::path::Path) -> (Arc<Vault>, Counters) {
    let store = Counting::new(Arc::new(Local::open(folder.join("vault")).unwrap()));
    let counters = store.counters();
    let options = InitOptions {
        protect: vec![Protect::KeyFile],
        clock: clock(),
    };
    let made = Vault::init(Arc::new(store), options).await.unwrap();
    (Arc::new(made.vault.with_cache(&folder.join("cache"))), counters)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a bench: cargo xtask bench scale"]
async fn a_backup_of_many_files() {
    let files = wanted("FILES");
    let folder = folder();
    let (vault, _) = vault(&folder).await;
    let begun = Instant::now();
    let upload = vault.upload(vault.index(true).await.unwrap());
    let (mut data, list) = (upload.sink(), upload.sink());
    let address = tokio::task::spawn_blocking(move || {
        let mut list = ListWriter::new(list);
        for at in 0..files {
            let content = format!(
                "row {at}, and a few words that are in all of them; {}",
                at.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            );
            let id = data.put(ChunkKind::Data, content.as_bytes()).unwrap().id;
            let length = content.len() as u64;
            list.push(&entry(
                at,
                vec![Extent::Chunk {
                    id,
                    length: length as u32,
                }],
                length,
            ))
            .unwrap();
        }
        data.finish().unwrap();
        list.finish().unwrap()
    });
    let address = address.await.unwrap();
    let totals = upload.finish().await.unwrap();
    says(&format!("first backup of {files} files"), begun, files);
    println!(
        "stored: {:.2} GB in {} packs",
        totals.stored_bytes as f64 / 1e9,
        totals.packs.len()
    );

    let begun = Instant::now();
    let index = vault.index(false).await.unwrap();
    says("index opened", begun, 1);
    let begun = Instant::now();
    let packs = vault.pack_set(&index, &record(address)).await.unwrap();
    assert!(vault.check_presence(&index, &packs).await.unwrap().is_empty());
    says("all it needs looked up", begun, files);

    let begun = Instant::now();
    let upload = vault.upload(Arc::clone(&index));
    let (list, reader) = (upload.sink(), Arc::new(vault.reader(index)));
    let (upload, again) = tokio::task::spawn_blocking(move || {
        let before = ListReader::open(reader, address).unwrap();
        let mut list = ListWriter::new(list);
        for entry in before.entries() {
            let entry = entry.unwrap();
            if let EntryKind::File { content, .. } = &entry.kind {
                for extent in content {
                    if let Extent::Chunk { id, .. } = extent {
                        assert!(upload.reuse(id).unwrap());
                    }
                }
            }
            list.push(&entry).unwrap();
        }
        (upload, list.finish().unwrap())
    })
    .await
    .unwrap();
    upload.finish().await.unwrap();
    assert_eq!(again, address);
    says("unchanged backup of the same", begun, files);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Whether a file is another than in the backup before: every second one is.
fn is_changed(file: u64, backup: u64) -> bool {
    let mixed = blake3::hash(&[file.to_le_bytes(), backup.to_le_bytes()].concat());
    mixed.as_bytes()[0] < 128
}

/// The content of a file since it changed for this backup.
fn content(file: u64, since: u64) -> String {
    let noise = blake3::hash(&[file.to_le_bytes(), since.to_le_bytes()].concat());
    format!("file {file} as it is since backup {since}: {noise}")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a bench: cargo xtask bench scale"]
async fn a_collection_of_many_backups() {
    let (backups, files) = (wanted("BACKUPS"), wanted("COLLECTED"));
    let folder = folder();
    let (vault, counters) = vault(&folder).await;
    let begun = Instant::now();
    let mut made = Vec::new();
    let mut before: Vec<String> = Vec::new();
    for backup in 0..backups {
        let upload = vault.upload(vault.index(false).await.unwrap());
        let (mut data, list) = (upload.sink(), upload.sink());
        let work = tokio::task::spawn_blocking(move || {
            let mut list = ListWriter::new(list);
            for file in 0..files {
                // Only what changed is worked out anew.
                let at = usize::try_from(file).unwrap();
                if before.len() <= at {
                    before.push(content(file, backup));
                } else if is_changed(file, backup) {
                    before[at] = content(file, backup);
                }
                let content = before[at].as_bytes();
                let id = data.put(ChunkKind::Data, content).unwrap().id;
                let length = content.len() as u32;
                list.push(&entry(
                    file,
                    vec![Extent::Chunk { id, length }],
                    u64::from(length),
                ))
                .unwrap();
            }
            data.finish().unwrap();
            (list.finish().unwrap(), before)
        });
        let (address, after) = work.await.unwrap();
        before = after;
        upload.finish().await.unwrap();
        let record = record(address);
        super::world::commit(&vault, &record).await.unwrap();
        made.push(record.backup);
    }
    let index = vault.index(false).await.unwrap();
    says(
        &format!("{backups} backups of {files} files each"),
        begun,
        backups,
    );
    println!(
        "{} chunks in {} packs, {:.2} GB",
        index.chunks(),
        index.packs(),
        index.bytes() as f64 / 1e9
    );
    drop((index, before));

    let lease = super::world::lease(&vault).await.unwrap();
    let begun = Instant::now();
    let gone: Vec<BackupId> = made
        .iter()
        .copied()
        .enumerate()
        .filter(|(at, _)| at % 2 == 0)
        .map(|(_, id)| id)
        .collect();
    for id in &gone {
        vault.delete_backup(*id, &lease).await.unwrap();
    }
    says(
        &format!("{} backups deleted", gone.len()),
        begun,
        gone.len() as u64,
    );
    counters.reset();
    let begun = Instant::now();
    let collected = vault
        .collect(
            &lease,
            Collecting::default(),
            &Progress::new(Unit::Bytes),
            &CancellationToken::new(),
        )
        .await
        .unwrap();
    says("collected", begun, 1);
    println!("{collected:?}");
    for verb in Verb::ALL {
        println!("{verb:?}: {}", counters.of(verb).requests);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
