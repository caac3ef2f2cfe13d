//! Collection in a vault of many backups.

use std::time::Instant;

use ostler_vocabulary::{BackupId, Progress, Timestamp, Unit};
use tokio_util::sync::CancellationToken;

use super::super::world;
use super::{folder, place, record, reopened, says, says_requests, vault, wanted};
use crate::list::ListWriter;
use crate::{ChunkKind, Collecting, Record};

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

/// Leaves the vault for the next one, which has a process of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a bench: cargo xtask bench scale"]
async fn many_backups() {
    let (backups, files) = (wanted("BACKUPS"), wanted("COLLECTED"));
    let folder = folder();
    let (vault, _) = vault(&folder).await;
    let begun = Instant::now();
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
                list.push(&super::file(file, id, content.len())).unwrap();
            }
            data.finish().unwrap();
            (list.finish().unwrap(), before)
        });
        let (address, after) = work.await.unwrap();
        before = after;
        upload.finish().await.unwrap();
        let record = Record {
            started: Timestamp::from_second(i64::try_from(backup).unwrap()).unwrap(),
            ..record(address)
        };
        world::commit(&vault, &record).await.unwrap();
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
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a bench: cargo xtask bench scale"]
async fn a_collection_of_them() {
    let folder = place();
    let (vault, counters) = reopened(&folder).await;
    let lease = world::lease(&vault).await.unwrap();
    let begun = Instant::now();
    let mut made = vault.catalogue().await.unwrap();
    made.sort_by_key(|one| one.committed.as_ref().map(|facts| facts.started));
    let gone: Vec<BackupId> = made.iter().map(|one| one.backup).step_by(2).collect();
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
    says_requests(&counters);
    let begun = Instant::now();
    let checked = vault
        .check(false, &Progress::new(Unit::Bytes), &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!((checked.problems, checked.damaged), (vec![], vec![]));
    says("checked", begun, 1);
    std::fs::remove_dir_all(&folder).unwrap();
}
