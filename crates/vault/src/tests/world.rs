//! Vaults with backups in them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ostler_store::{Memory, Store};
use ostler_vocabulary::{
    BackupId, Clock, ManualClock, OperationId, ProcessIdentity, Progress, Timestamp, Unit,
};
use tokio_util::sync::CancellationToken;

use crate::list::{Entry, EntryKind, Extent, ListWriter, Metadata};
use crate::{
    ChunkKind, CollectPlan, Collected, Collecting, Counts, Error, InitOptions, Intent, Lease, LeaseHolder,
    NodeRecord, Protect, Record, Unlock, Vault, VaultCheck,
};

pub(super) const NOW: i64 = 1_800_000_000;

pub(super) struct World {
    pub(super) store: Arc<Memory>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) vault: Arc<Vault>,
    pub(super) unlock: Vec<Unlock>,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::over(|store| store).await
    }

    /// A vault that sees the memory through something.
    pub(super) async fn over(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        let store = Arc::new(Memory::new());
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(NOW).unwrap()));
        let options = InitOptions {
            protect: vec![Protect::KeyFile],
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let made = Vault::init(wrap(Arc::clone(&store) as _), options).await.unwrap();
        Self {
            store,
            clock,
            vault: Arc::new(made.vault),
            unlock: made.key_file.into_iter().map(Unlock::KeyFile).collect(),
        }
    }

    /// The same vault through another store.
    pub(super) async fn open(&self, store: Arc<dyn Store>) -> Arc<Vault> {
        Arc::new(self.try_open(store).await.unwrap())
    }

    /// As [`World::open`], where that may fail.
    pub(super) async fn try_open(&self, store: Arc<dyn Store>) -> Result<Vault, Error> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Vault::open(store, &self.unlock, clock).await
    }

    /// Another memory with the same objects.
    pub(super) async fn copy(&self) -> Arc<Memory> {
        let copy = Memory::new();
        for key in self.store.keys() {
            copy.create(&key, self.store.get(&key).await.unwrap())
                .await
                .unwrap();
        }
        Arc::new(copy)
    }

    pub(super) async fn backup(&self, files: &[(&str, Vec<u8>)]) -> Record {
        backup(&self.vault, files).await
    }

    pub(super) async fn delete(&self, record: &Record) {
        delete(&self.vault, record).await;
    }
}

pub(super) async fn delete(vault: &Arc<Vault>, record: &Record) {
    let lease = lease(vault).await.unwrap();
    vault.delete_backup(record.backup, &lease).await.unwrap();
    lease.release().await.unwrap();
}

/// A holder whose process is gone: a lease that it leaves behind is free at once.
pub(super) fn ghost() -> LeaseHolder {
    let process = ProcessIdentity::current();
    LeaseHolder {
        process: ProcessIdentity {
            started: process.started + 1,
            ..process
        },
        operation: OperationId::random(),
        purpose: "a test".into(),
    }
}

/// The intent of a backup whose maker is gone.
pub(super) fn intent_of(record: &Record) -> Intent {
    Intent {
        backup: record.backup,
        operation: record.operation,
        started: record.started,
        host: "host".into(),
        paths: vec!["/data".into()],
        name: None,
        owner: ghost().process,
        attempt: None,
    }
}

pub(super) async fn commit(vault: &Arc<Vault>, record: &Record) -> Result<(), Error> {
    let writer = vault.begin(&intent_of(record)).await?;
    writer.commit(record, &[]).await?;
    writer.finish().await
}

pub(super) async fn lease(vault: &Arc<Vault>) -> Result<Lease, Error> {
    vault.lease(ghost(), Duration::ZERO, &|_| {}).await
}

/// What collecting would do without these backups.
pub(super) async fn plan(vault: &Arc<Vault>, gone: &[BackupId]) -> Result<CollectPlan, Error> {
    vault.collect_plan(vault.glance().await?, gone).await
}

pub(super) async fn collect(vault: &Arc<Vault>) -> Result<Collected, Error> {
    let lease = lease(vault).await?;
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    let collected = vault
        .collect(&lease, Collecting::default(), &progress, &cancel)
        .await?;
    lease.release().await?;
    Ok(collected)
}

pub(super) async fn check(vault: &Arc<Vault>, read_data: bool) -> VaultCheck {
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    vault.check(read_data, &progress, &cancel).await.unwrap()
}

/// Problems of a backup, with all of its data read.
pub(super) async fn verify(vault: &Arc<Vault>, record: &Record) -> Result<Vec<(String, String)>, Error> {
    let index = vault.index(true).await?;
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    let check = vault
        .verify_backup(&index, record, true, &progress, &cancel)
        .await?;
    Ok(check.problems)
}

pub(super) fn record(list: String, host: &str, started: i64) -> Record {
    Record {
        version: Record::VERSION,
        backup: BackupId::random(),
        operation: OperationId::random(),
        name: None,
        tags: BTreeMap::new(),
        started: Timestamp::from_second(started).unwrap(),
        ended: Timestamp::from_second(started + 60).unwrap(),
        made_by: "test".into(),
        parent: None,
        nodes: vec![NodeRecord {
            host: host.into(),
            driver: "files".into(),
            paths: vec!["/data".into()],
            list,
            root: None,
        }],
        partial: false,
        counts: Counts {
            files: 3,
            ..Counts::default()
        },
        problems: Vec::new(),
        objects_found: 1,
        evidence: None,
        origin: None,
        cluster: None,
    }
}

/// Stores files, in chunks of 64 KiB, and their list.
pub(super) async fn store_files(vault: &Arc<Vault>, files: &[(&str, Vec<u8>)]) -> Result<Record, Error> {
    let upload = vault.upload(vault.index(true).await?);
    let (mut sink, mut list) = (upload.sink(), ListWriter::new(upload.sink()));
    let files: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|(path, body)| ((*path).to_owned(), body.clone()))
        .collect();
    let address = tokio::task::spawn_blocking(move || {
        for (path, body) in files {
            let mut content = Vec::new();
            for some in body.chunks(64 << 10) {
                content.push(Extent::Chunk {
                    id: sink.put(ChunkKind::Data, some)?.id,
                    length: u32::try_from(some.len()).unwrap(),
                });
            }
            list.push(&Entry {
                path: path.into_bytes(),
                kind: EntryKind::File {
                    size: body.len() as u64,
                    content,
                    sparse: false,
                    racy: false,
                },
                metadata: Metadata::default(),
            })?;
        }
        sink.finish()?;
        list.finish()
    })
    .await
    .unwrap()?;
    upload.finish().await?;
    Ok(record(address.to_string(), "host", NOW))
}

pub(super) async fn backup(vault: &Arc<Vault>, files: &[(&str, Vec<u8>)]) -> Record {
    let record = store_files(vault, files).await.unwrap();
    commit(vault, &record).await.unwrap();
    record
}
