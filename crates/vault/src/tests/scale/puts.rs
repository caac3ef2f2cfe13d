//! How many objects a backup of a million files of 4 KiB makes.

use std::sync::Arc;
use std::time::Instant;

use ostler_store::Verb;

use super::super::world::intent_of;
use super::{file, folder, record, says, says_requests, vault, wanted};
use crate::ChunkKind;
use crate::list::ListWriter;

const LENGTH: usize = 4096;
/// For a million files, and as many of each million more or less.
const MOST: u64 = 1500;

/// Bytes that nothing makes shorter, another for each file.
fn content(file: u64, into: &mut [u8]) {
    let mut bytes = blake3::Hasher::new().update(&file.to_le_bytes()).finalize_xof();
    bytes.fill(into);
}

/// From the intent to the end of the commit, with all that is needed looked up: what the program does for one backup.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a bench: cargo xtask bench scale"]
async fn a_backup_of_files_that_do_not_compress() {
    let files = wanted("FILES");
    let folder = folder();
    let (vault, counters) = vault(&folder).await;
    counters.reset();
    let begun = Instant::now();
    let mut record = record(crate::ChunkId([0; 32]));
    let writer = vault.begin(&intent_of(&record)).await.unwrap();
    let upload = vault.upload(vault.index(true).await.unwrap());
    let (mut data, list) = (upload.sink(), upload.sink());
    let work = move || {
        let (mut list, mut body) = (ListWriter::new(list), vec![0; LENGTH]);
        for at in 0..files {
            content(at, &mut body);
            let id = data.put(ChunkKind::Data, &body).unwrap().id;
            list.push(&file(at, id, LENGTH)).unwrap();
        }
        data.finish().unwrap();
        list.finish().unwrap()
    };
    let address = tokio::task::spawn_blocking(work).await.unwrap();
    let totals = upload.finish().await.unwrap();
    record.nodes[0].list = address.to_string();
    let index = vault.index(false).await.unwrap();
    let packs = vault.pack_set(&index, &record).await.unwrap();
    assert!(vault.check_presence(&index, &packs).await.unwrap().is_empty());
    writer.commit(&record, &packs).await.unwrap();
    writer.finish().await.unwrap();
    says(&format!("a backup of {files} files of 4 KiB"), begun, files);
    says_requests(&counters);
    println!(
        "stored: {:.2} GB in {} packs",
        totals.stored_bytes as f64 / 1e9,
        packs.len()
    );
    assert!(totals.stored_bytes > files * LENGTH as u64, "it was to be stored");

    let puts = counters.of(Verb::Create).requests;
    let most = (MOST * files).div_ceil(1_000_000).max(40);
    assert!(
        puts <= most,
        "{puts} objects were created, at most {most} were to be"
    );
    // They are there, and are what was backed up.
    let reader = Arc::new(vault.reader(index));
    let looked = tokio::task::spawn_blocking(move || {
        let mut body = vec![0; LENGTH];
        for at in (0..files).step_by(usize::try_from(files / 1000).unwrap().max(1)) {
            content(at, &mut body);
            let id = reader.id_of(&body);
            assert_eq!(*reader.chunk(&id).unwrap(), body, "file {at}");
        }
    });
    looked.await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}
