//! Lists copied from one vault to another.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_vocabulary::{Progress, Unit};
use tokio_util::sync::CancellationToken;

use super::fixture::{Fixture, SUITES, noise};
use super::world::store_files;
use crate::cipher::Suite;
use crate::list::{EntryKind, Extent, ListReader};
use crate::{ChunkId, Copied, Error, Mirror, Record, Vault};

type Files = Vec<(String, Vec<u8>)>;

/// Files enough for several blocks, of which some are large.
fn files() -> Files {
    let small = (0..3000_u64).map(|n| (format!("data/f{n:05}"), noise(n, 20 + (n % 50) as usize)));
    let large = (0..3_u64).map(|n| (format!("data/large{n}"), noise(n + 9000, 300_000)));
    small.chain(large).collect()
}

async fn list(vault: &Arc<Vault>, files: &Files) -> Record {
    let files: Vec<(&str, Vec<u8>)> = files
        .iter()
        .map(|(path, body)| (path.as_str(), body.clone()))
        .collect();
    store_files(vault, &files).await.unwrap()
}

fn address(record: &Record) -> ChunkId {
    record.nodes[0].list.parse().unwrap()
}

async fn mirror(from: &Arc<Vault>, to: &Arc<Vault>) -> Mirror {
    let reader = Arc::new(from.reader(from.index(false).await.unwrap()));
    Mirror::new(reader, Arc::clone(to), to.index(true).await.unwrap())
}

async fn copy(
    from: &Arc<Vault>,
    to: &Arc<Vault>,
    list: ChunkId,
    twins: Option<(ChunkId, ChunkId)>,
) -> Result<Copied, Error> {
    let mirror = mirror(from, to).await;
    let end = *mirror.stretches(list).await?.last().unwrap();
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    let copied = mirror.copy(list, 0..end, twins, &progress, &cancel).await?;
    let progress = progress.read();
    assert_eq!(progress.done, progress.total, "it ends at a hundred per cent");
    Ok(copied)
}

/// What the files of a list hold, each chunk verified.
async fn read(vault: &Arc<Vault>, list: ChunkId) -> BTreeMap<String, Vec<u8>> {
    let reader = Arc::new(vault.reader(vault.index(false).await.unwrap()));
    tokio::task::spawn_blocking(move || {
        let open = ListReader::open(Arc::clone(&reader), list).unwrap();
        let mut files = BTreeMap::new();
        for entry in open.entries() {
            let entry = entry.unwrap();
            let EntryKind::File { content, .. } = entry.kind else {
                continue;
            };
            let mut body = Vec::new();
            for extent in content {
                if let Extent::Chunk { id, .. } = extent {
                    body.extend(reader.chunk(&id).unwrap());
                }
            }
            files.insert(String::from_utf8(entry.path).unwrap(), body);
        }
        files
    })
    .await
    .unwrap()
}

fn as_map(files: &Files) -> BTreeMap<String, Vec<u8>> {
    files.iter().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_holds_the_same_in_vaults_of_any_cipher() {
    for (from, to) in SUITES.iter().zip(SUITES.iter().cycle().skip(1)) {
        let (from, to) = (Fixture::new(*from).await.vault, Fixture::new(*to).await.vault);
        let files = files();
        let record = list(&from, &files).await;
        let copied = copy(&from, &to, address(&record), None).await.unwrap();
        let there: ChunkId = copied.list.parse().unwrap();
        assert_ne!(there, address(&record), "other keys, other names");
        assert_eq!(read(&to, there).await, as_map(&files));
        let all: u64 = files.iter().map(|(_, body)| body.len() as u64).sum();
        assert_eq!(copied.read_bytes, all);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_is_neither_read_nor_sent() {
    let (from, to) = (
        Fixture::new(Suite::Aes256Gcm).await.vault,
        Fixture::new(Suite::ChaCha20Poly1305).await.vault,
    );
    let mut files = files();
    let first = list(&from, &files).await;
    let copied = copy(&from, &to, address(&first), None).await.unwrap();
    let twins = Some((address(&first), copied.list.parse().unwrap()));

    let again = copy(&from, &to, address(&first), twins).await.unwrap();
    assert_eq!((again.read_bytes, again.new_bytes), (0, 0));
    assert_eq!(again.list, copied.list);
    assert!(again.blocks_kept > 1, "{again:?}");

    files[5].1 = noise(77, 1000);
    files[2000].0.push_str("-renamed");
    files.insert(100, ("data/f00099-new".into(), noise(78, 500)));
    files.remove(1000);
    files.sort();
    let second = list(&from, &files).await;
    let copied = copy(&from, &to, address(&second), twins).await.unwrap();
    let there: ChunkId = copied.list.parse().unwrap();
    assert_eq!(read(&to, there).await, as_map(&files));
    assert_eq!(
        copied.read_bytes, 1500,
        "a file that was only renamed is not read: {copied:?}"
    );
    assert_eq!(copied.new_bytes, 1500);
    assert!(copied.blocks_kept > 0, "{copied:?}");

    // Without twins everything is read, and still nothing is sent twice.
    let anew = copy(&from, &to, address(&second), None).await.unwrap();
    assert_eq!((anew.list, anew.new_bytes), (copied.list, 0));
    assert!(anew.read_bytes > 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn stretches_make_the_list_that_the_whole_makes() {
    let (from, to) = (
        Fixture::new(Suite::None).await.vault,
        Fixture::new(Suite::Aes256Gcm).await.vault,
    );
    let files = files();
    let record = list(&from, &files).await;
    let whole = copy(&from, &to, address(&record), None).await.unwrap();
    let blocks = mirror(&from, &to)
        .await
        .stretches(address(&record))
        .await
        .unwrap()[0];
    assert!(blocks > 2, "the list has {blocks} blocks");
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    let mut stretches = Vec::new();
    for at in 0..blocks {
        let copied = mirror(&from, &to)
            .await
            .copy(address(&record), at..at + 1, None, &progress, &cancel)
            .await
            .unwrap();
        stretches.push(copied.list.parse().unwrap());
    }
    let (joined, _) = mirror(&from, &to).await.join(stretches).await.unwrap();
    assert_eq!(joined.to_string(), whole.list);
    assert_eq!(read(&to, joined).await, as_map(&files));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_source_is_not_copied() {
    let fixture = Fixture::new(Suite::Aes256Gcm).await;
    let to = Fixture::new(Suite::None).await.vault;
    let record = list(&fixture.vault, &files()).await;
    let largest = fixture.keys_below("packs/").into_iter();
    let mut sized = Vec::new();
    for key in largest {
        sized.push((fixture.body(&key).await.len(), key));
    }
    let (_, key) = sized.into_iter().max().unwrap();
    let mut bytes = fixture.body(&key).await;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let store: &dyn ostler_store::Store = &*fixture.store;
    store.delete(&key).await.unwrap();
    store.create(&key, bytes.into()).await.unwrap();
    let error = copy(&fixture.vault, &to, address(&record), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ChunkDamaged { .. }), "{error}");
}
