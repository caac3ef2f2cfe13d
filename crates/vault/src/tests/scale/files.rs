//! A backup of very many small files, and what follows it in the same process.

use std::sync::Arc;
use std::time::Instant;

use super::{file, folder, record, says, vault, wanted};
use crate::ChunkKind;
use crate::list::{EntryKind, Extent, ListReader, ListWriter};

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
            list.push(&file(at, id, content.len())).unwrap();
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
