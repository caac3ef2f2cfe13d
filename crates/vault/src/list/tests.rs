use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use proptest::prelude::*;

use super::codec::BlockDecoder;
use super::reader::Source;
use super::writer::Draft;
use super::{Entry, EntryKind, Extent, FileTime, ListReader, Metadata, path_order};
use crate::{ChunkId, Error};

/// Chunks by id, which counts what is asked of it.
#[derive(Debug, Default)]
struct Shelf {
    chunks: Mutex<HashMap<ChunkId, Vec<u8>>>,
    reads: AtomicUsize,
}

impl Shelf {
    fn put(&self, plaintext: &[u8]) -> ChunkId {
        let id = ChunkId(*blake3::hash(plaintext).as_bytes());
        self.chunks.lock().unwrap().insert(id, plaintext.to_vec());
        id
    }

    fn write(&self, entries: &[Entry]) -> Result<ChunkId, Error> {
        let mut draft = Draft::default();
        for entry in entries {
            draft.push(entry, &mut |chunk| Ok(self.put(chunk)))?;
        }
        draft.finish(&mut |chunk| Ok(self.put(chunk)))
    }

    fn open(self: &Arc<Self>, list: ChunkId) -> ListReader {
        let shelf = Arc::clone(self);
        let source = Source(Arc::new(move |id: &ChunkId| {
            shelf.reads.fetch_add(1, Ordering::Relaxed);
            Ok(shelf.chunks.lock().unwrap()[id].clone())
        }));
        ListReader::open_from(source, list).unwrap()
    }
}

fn file(path: impl Into<Vec<u8>>, chunks: u32) -> Entry {
    let path = path.into();
    let seed = blake3::hash(&path);
    Entry {
        kind: EntryKind::File {
            size: u64::from(chunks) << 20,
            content: (0..chunks)
                .map(|i| Extent::Chunk {
                    id: ChunkId(*blake3::keyed_hash(seed.as_bytes(), &i.to_le_bytes()).as_bytes()),
                    length: 1 << 20,
                })
                .collect(),
            sparse: false,
            racy: false,
        },
        metadata: Metadata {
            mode: 0o644,
            uid: 1000,
            gid: 1000,
            user: Some("someone".into()),
            group: Some("some".into()),
            modified: FileTime {
                seconds: 1_700_000_000 + i64::from(seed.as_bytes()[0]),
                nanoseconds: 123_456_789,
            },
            changed: FileTime {
                seconds: 1_700_000_300,
                nanoseconds: 987_654_321,
            },
            device: 2049,
            inode: 1_000_000 + u64::from(seed.as_bytes()[1]),
            links: 1,
            xattrs: Vec::new(),
        },
        path,
    }
}

fn tree(count: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = (0..count)
        .map(|i| file(format!("home/someone/data/{:03}/{:06}.bin", i / 500, i), 1))
        .collect();
    entries.sort_by(|a, b| path_order(&a.path, &b.path));
    entries
}

fn read(list: &ListReader) -> Vec<Entry> {
    list.entries().collect::<Result<_, _>>().unwrap()
}

#[test]
fn an_empty_list_reads_back_empty() {
    let shelf = Arc::new(Shelf::default());
    let list = shelf.open(shelf.write(&[]).unwrap());
    assert!(list.is_empty());
    assert_eq!(read(&list), []);
    assert_eq!(list.below(b"a").count(), 0);
}

#[test]
fn extents_of_huge_files_read_back_from_chunks_of_their_own() {
    let shelf = Arc::new(Shelf::default());
    let entries = vec![file("a", 1024), file("b", 10_000), file("c", 1)];
    let list = shelf.open(shelf.write(&entries).unwrap());
    assert_eq!(read(&list), entries);
    assert_eq!(list.len(), 3);
    assert_eq!(list.bytes(), 11_025 << 20);
    let own = list.own_chunks();
    let stored = shelf.chunks.lock().unwrap();
    assert_eq!(own.len(), stored.len(), "own_chunks names all that was written");
    assert!(own.iter().all(|id| stored.contains_key(id)));
}

#[test]
fn a_small_change_rewrites_few_blocks() {
    let shelf = Arc::new(Shelf::default());
    let mut entries = tree(30_000);
    shelf.write(&entries).unwrap();
    let before = shelf.chunks.lock().unwrap().len();
    assert!(before > 20, "{before} chunks for 30,000 entries");
    entries.insert(7_000, file("home/someone/data/013/006999.new", 1));
    entries.remove(20_000);
    entries.sort_by(|a, b| path_order(&a.path, &b.path));
    shelf.write(&entries).unwrap();
    let new = shelf.chunks.lock().unwrap().len() - before;
    assert!((2..=6).contains(&new), "{new} new chunks");
}

#[test]
fn one_more_large_file_does_not_move_all_that_follows() {
    let shelf = Arc::new(Shelf::default());
    let mut entries: Vec<Entry> = (0..2_000).map(|i| file(format!("data/{i:05}"), 64)).collect();
    shelf.write(&entries).unwrap();
    let before = shelf.chunks.lock().unwrap().len();
    entries.insert(100, file("data/00099.more", 64));
    shelf.write(&entries).unwrap();
    let new = shelf.chunks.lock().unwrap().len() - before;
    assert!(new <= 6, "{new} of {before} chunks are new");
}

#[test]
fn below_reads_only_the_blocks_it_needs() {
    let shelf = Arc::new(Shelf::default());
    let entries = tree(30_000);
    let list = shelf.open(shelf.write(&entries).unwrap());
    shelf.reads.store(0, Ordering::Relaxed);
    let found: Vec<Entry> = list
        .below(b"home/someone/data/007")
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(found.len(), 500);
    assert!(
        found
            .iter()
            .all(|e| e.path.starts_with(b"home/someone/data/007/"))
    );
    assert!(shelf.reads.load(Ordering::Relaxed) <= 6);

    shelf.reads.store(0, Ordering::Relaxed);
    let path = b"home/someone/data/020/010123.bin";
    assert_eq!(list.entry(path).unwrap().unwrap().path, path);
    assert_eq!(list.entry(b"home/someone/data/020/01012").unwrap(), None);
    assert!(shelf.reads.load(Ordering::Relaxed) <= 3);
    assert_eq!(list.below(b"").count(), 30_000);
    assert_eq!(list.below(b"zzz").count(), 0);
}

#[test]
fn blocks_read_one_by_one_are_the_list() {
    let shelf = Arc::new(Shelf::default());
    let entries = tree(5_000);
    let list = shelf.open(shelf.write(&entries).unwrap());
    let mut together = Vec::new();
    for block in 0..list.block_count() {
        assert_eq!(list.block_chunks(block).count(), 1);
        let some: Vec<Entry> = list.block_entries(block).collect::<Result<_, _>>().unwrap();
        assert_eq!(list.block_first(block), some[0].path);
        together.extend(some);
    }
    assert_eq!(together, entries);
}

#[test]
fn entries_that_no_list_may_hold_are_refused() {
    let shelf = Shelf::default();
    assert!(shelf.write(&[file("b", 1), file("a", 1)]).is_err());
    assert!(shelf.write(&[file("a", 1), file("a", 1)]).is_err());
    assert!(shelf.write(&[file("a/../b", 1)]).is_err());
    let mut short = file("a", 2);
    if let EntryKind::File { size, .. } = &mut short.kind {
        *size += 1;
    }
    assert!(shelf.write(&[short]).is_err());
}

/// Prints rather than asserts: the machine may be busy.
#[test]
fn a_hundred_thousand_entries_are_coded_quickly() {
    let shelf = Arc::new(Shelf::default());
    let entries = tree(100_000);
    let start = Instant::now();
    let list = shelf.write(&entries).unwrap();
    let written = start.elapsed();
    let list = shelf.open(list);
    let start = Instant::now();
    assert_eq!(list.entries().filter(Result::is_ok).count(), entries.len());
    tracing::info!(?written, read = ?start.elapsed(), "100,000 entries");
    assert!(written.as_secs() < 10);
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let part = proptest::collection::vec(1u8.., 1..12).prop_filter("no separator, no dots", |part| {
        !part.contains(&b'/') && part != b"." && part != b".."
    });
    let path = proptest::collection::vec(part, 0..5).prop_map(|parts| parts.join(&b'/'));
    let time =
        (any::<i64>(), any::<u32>()).prop_map(|(seconds, nanoseconds)| FileTime { seconds, nanoseconds });
    let extent = prop_oneof![
        (any::<[u8; 32]>(), any::<u32>()).prop_map(|(id, length)| Extent::Chunk {
            id: ChunkId(id),
            length
        }),
        (0u64..1 << 50).prop_map(|length| Extent::Zeros { length }),
    ];
    let kind = prop_oneof![
        Just(EntryKind::Directory),
        (
            proptest::collection::vec(extent, 0..6),
            any::<bool>(),
            any::<bool>()
        )
            .prop_map(|(content, sparse, racy)| EntryKind::File {
                size: content
                    .iter()
                    .map(|extent| match extent {
                        Extent::Chunk { length, .. } => u64::from(*length),
                        Extent::Zeros { length } => *length,
                    })
                    .sum(),
                content,
                sparse,
                racy,
            }),
        any::<Vec<u8>>().prop_map(|target| EntryKind::Symlink { target }),
        Just(EntryKind::Fifo),
        Just(EntryKind::Socket),
        any::<(u32, u32)>().prop_map(|(major, minor)| EntryKind::CharDevice { major, minor }),
        any::<(u32, u32)>().prop_map(|(major, minor)| EntryKind::BlockDevice { major, minor }),
    ];
    let name = || proptest::option::of("[a-zä]{0,8}");
    let owner = prop_oneof![
        Just((0u32, 0u32, 0u32, None, None, 0u64)),
        (
            any::<u32>(),
            any::<u32>(),
            any::<u32>(),
            name(),
            name(),
            any::<u64>()
        ),
    ];
    let xattrs = proptest::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..3);
    (
        path,
        kind,
        owner,
        time.clone(),
        time,
        any::<u64>(),
        any::<u64>(),
        xattrs,
    )
        .prop_map(
            |(path, kind, (mode, uid, gid, user, group, device), modified, changed, inode, links, xattrs)| {
                Entry {
                    path,
                    kind,
                    metadata: Metadata {
                        mode,
                        uid,
                        gid,
                        user,
                        group,
                        modified,
                        changed,
                        device,
                        inode,
                        links,
                        xattrs,
                    },
                }
            },
        )
}

fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(any_entry(), 0..40).prop_map(|mut entries| {
        entries.sort_by(|a, b| path_order(&a.path, &b.path));
        entries.dedup_by(|a, b| a.path == b.path);
        entries
    })
}

proptest! {
    #[test]
    fn any_list_reads_back(entries in any_entries()) {
        let shelf = Arc::new(Shelf::default());
        let list = shelf.open(shelf.write(&entries).unwrap());
        prop_assert_eq!(list.len(), entries.len() as u64);
        prop_assert_eq!(read(&list), entries);
    }

    #[test]
    fn a_changed_block_is_read_without_panic(
        entries in any_entries(),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4),
        cut in any::<usize>(),
    ) {
        let shelf = Shelf::default();
        shelf.write(&entries).unwrap();
        for mut block in shelf.chunks.into_inner().unwrap().into_values() {
            for (at, byte) in &changes {
                let at = at % block.len();
                block[at] = *byte;
            }
            block.truncate(cut % (2 * block.len()));
            if let Ok(mut decoder) = BlockDecoder::new(block) {
                while let Ok(Some(_)) = decoder.next() {}
            }
        }
    }
}
