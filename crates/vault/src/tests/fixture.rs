//! Vaults in memory.

use std::sync::Arc;

use ostler_store::{Key, Memory, Store};
use ostler_vocabulary::{Clock, Secret, SystemClock};

use crate::cipher::Suite;
use crate::{ChunkId, ChunkKind, Index, InitOptions, Protect, Unlock, UploadTotals, Vault};

pub(super) const SUITES: [Suite; 3] = [Suite::None, Suite::Aes256Gcm, Suite::ChaCha20Poly1305];

pub(super) struct Fixture {
    pub(super) store: Arc<Memory>,
    pub(super) vault: Arc<Vault>,
    pub(super) key_file: Option<Secret>,
}

pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}

impl Fixture {
    pub(super) async fn new(suite: Suite) -> Self {
        let protect = if suite == Suite::None {
            vec![]
        } else {
            vec![Protect::KeyFile]
        };
        let store = Arc::new(Memory::new());
        let options = InitOptions {
            protect,
            clock: clock(),
        };
        let made = Vault::init_with(Arc::clone(&store) as _, options, suite)
            .await
            .unwrap();
        Self {
            store,
            vault: Arc::new(made.vault),
            key_file: made.key_file,
        }
    }

    pub(super) fn unlock(&self) -> Vec<Unlock> {
        self.key_file.iter().cloned().map(Unlock::KeyFile).collect()
    }

    pub(super) async fn reopen(&self) -> Result<Vault, crate::Error> {
        Vault::open(Arc::clone(&self.store) as _, &self.unlock(), clock()).await
    }

    /// Stores chunks with one sink.
    pub(super) async fn put(&self, chunks: &[Vec<u8>]) -> (Vec<ChunkId>, UploadTotals) {
        let index = self.vault.index(true).await.unwrap();
        self.put_with(index, chunks).await
    }

    pub(super) async fn put_with(
        &self,
        index: Arc<Index>,
        chunks: &[Vec<u8>],
    ) -> (Vec<ChunkId>, UploadTotals) {
        let upload = self.vault.upload(index);
        let mut sink = upload.sink();
        let chunks = chunks.to_vec();
        let ids = tokio::task::spawn_blocking(move || {
            let kinds = [ChunkKind::Data, ChunkKind::List];
            let ids = chunks
                .iter()
                .zip(kinds.iter().cycle())
                .map(|(chunk, kind)| sink.put(*kind, chunk).unwrap().id)
                .collect();
            sink.finish().unwrap();
            ids
        })
        .await
        .unwrap();
        (ids, upload.finish().await.unwrap())
    }

    /// Reads a chunk by a vault that was opened anew.
    pub(super) async fn get(&self, id: ChunkId) -> Result<Vec<u8>, crate::Error> {
        let vault = Arc::new(self.reopen().await?);
        let reader = vault.reader(vault.index(false).await?);
        tokio::task::spawn_blocking(move || reader.chunk(&id))
            .await
            .unwrap()
    }

    pub(super) async fn body(&self, key: &Key) -> Vec<u8> {
        self.store.get(key).await.unwrap().to_vec()
    }

    pub(super) fn keys_below(&self, prefix: &str) -> Vec<Key> {
        let mut keys = self.store.keys();
        keys.retain(|key| key.as_str().starts_with(prefix));
        keys
    }
}

/// Bytes without any pattern, the same for the same seed.
pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new()
        .update(&seed.to_be_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

/// Chunks of all sorts: empty, tiny, compressible, solid.
pub(super) fn samples() -> Vec<Vec<u8>> {
    vec![
        vec![],
        vec![7],
        b"the same words, the same words, the same words, the same words, the same words".to_vec(),
        noise(1, 31),
        noise(2, 70_000),
        noise(3, 70_000),
        vec![0; 1 << 20],
        noise(4, 5000).repeat(20),
    ]
}
