//! A vault that locks what it stores: what a stolen key cannot do, and how locks come to their end.

mod ending;
mod stolen;

use std::sync::Arc;
use std::time::Duration;

use ostler_store::{Key, Store, VersionedMemory, Versions};
use ostler_vocabulary::{Classified, Clock, ErrorKind, ManualClock, Timestamp};

use super::world::{NOW, backup};
use crate::{InitOptions, Protect, Record, Unlock, Vault, Writers};

const DAY: Duration = Duration::from_secs(86_400);
const SPAN: Duration = Duration::from_secs(30 * 86_400);

struct Bucket {
    memory: VersionedMemory,
    clock: Arc<ManualClock>,
    unlock: Vec<Unlock>,
}

impl Bucket {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(NOW).unwrap()));
        let memory = VersionedMemory::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let options = InitOptions {
            protect: vec![Protect::KeyFile],
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let store = Arc::new(memory.clone());
        let made = Vault::init_for(store, options, None, Writers::Many, Some(SPAN), |_| Ok(()))
            .await
            .unwrap();
        Self {
            memory,
            clock,
            unlock: made.key_file.into_iter().map(Unlock::KeyFile).collect(),
        }
    }

    async fn open(&self, store: &VersionedMemory) -> Arc<Vault> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let store = Arc::new(store.clone());
        let vault = Vault::open_locked(store, &self.unlock, clock, Some(SPAN))
            .await
            .unwrap();
        Arc::new(vault)
    }

    /// With credentials that may write and not delete versions.
    async fn writer(&self) -> Arc<Vault> {
        self.open(&self.memory.for_writers()).await
    }

    /// With credentials that may delete what is not locked.
    async fn keeper(&self) -> Arc<Vault> {
        self.open(&self.memory).await
    }

    fn versions(&self) -> Arc<dyn Versions> {
        Store::versions(&self.memory).unwrap()
    }

    async fn keys(&self, prefix: &str) -> Vec<Key> {
        let listed = self.versions().list(prefix, None).await.unwrap();
        listed.keys.into_iter().map(|(key, _)| key).collect()
    }

    /// The end of the lock on what was written first.
    async fn until(&self, key: &Key) -> Option<Timestamp> {
        let first = self.versions().of(key).await.unwrap().remove(0);
        self.versions().locked_until(key, &first.id).await.unwrap()
    }
}

fn noise(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

async fn two_backups(vault: &Arc<Vault>) -> [Record; 2] {
    let shared = noise(1, 300_000);
    [
        backup(vault, &[("old", noise(2, 400_000)), ("shared", shared.clone())]).await,
        backup(vault, &[("new", noise(3, 400_000)), ("shared", shared)]).await,
    ]
}

#[tokio::test]
async fn a_store_without_versions_cannot_lock() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_second(NOW).unwrap()));
    let options = InitOptions {
        protect: vec![Protect::KeyFile],
        clock,
    };
    let store = Arc::new(ostler_store::Memory::new());
    let refused = Vault::init_for(store, options, None, Writers::Many, Some(SPAN), |_| Ok(()))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
}
