//! Which coordinator still counts: the highest epoch of each cluster's lease that was seen, kept over restarts.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ostler_vocabulary::VaultId;
use tokio::sync::watch;

use crate::Error;

/// The highest epochs seen. A request with a lower one is refused, and one that runs is stopped when a higher one comes.
#[derive(Debug)]
pub struct Fence {
    path: PathBuf,
    /// By cluster and vault. Locked while the file is written: what is let in is known to be on disk.
    seen: Mutex<BTreeMap<String, u64>>,
    news: watch::Sender<BTreeMap<String, u64>>,
}

/// That a request was let in.
#[derive(Debug)]
pub struct Pass {
    name: String,
    cluster: String,
    epoch: u64,
    news: watch::Receiver<BTreeMap<String, u64>>,
}

impl Fence {
    /// Reads what was seen before. Blocks.
    ///
    /// # Errors
    /// [`Error::Fence`] when the file is there and cannot be read: forgetting it would let in who was shut out.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let wrong = |source| Error::Fence {
            path: path.to_owned(),
            source,
        };
        let seen = match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| wrong(error.into()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(wrong(error)),
        };
        Ok(Self {
            path: path.to_owned(),
            news: watch::Sender::new(BTreeMap::clone(&seen)),
            seen: Mutex::new(seen),
        })
    }

    /// Lets in who has the highest epoch seen, or a higher one, which is then on disk. Blocks.
    ///
    /// # Errors
    /// [`Error::Superseded`], [`Error::NoLease`] without an epoch, [`Error::Fence`].
    pub fn enter(&self, cluster: &str, vault: VaultId, epoch: u64) -> Result<Pass, Error> {
        if epoch == 0 {
            return Err(Error::NoLease);
        }
        let name = format!("{cluster}@{vault}");
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let highest = seen.get(&name).copied().unwrap_or(0);
        if epoch < highest {
            return Err(Error::Superseded {
                cluster: cluster.to_owned(),
                seen: highest,
                epoch,
            });
        }
        if epoch > highest {
            let mut with = seen.clone();
            with.insert(name.clone(), epoch);
            write(&self.path, &with).map_err(|source| Error::Fence {
                path: self.path.clone(),
                source,
            })?;
            *seen = with;
            self.news.send_replace(seen.clone());
        }
        Ok(Pass {
            name,
            cluster: cluster.to_owned(),
            epoch,
            news: self.news.subscribe(),
        })
    }
}

impl Pass {
    /// Ends when another coordinator was let in that is newer, and says so.
    pub async fn superseded(mut self) -> Error {
        let epoch = self.epoch;
        let higher = |seen: &BTreeMap<String, u64>| seen.get(&self.name).is_some_and(|seen| *seen > epoch);
        match self.news.wait_for(higher).await {
            Ok(seen) => Error::Superseded {
                cluster: self.cluster.clone(),
                seen: seen.get(&self.name).copied().unwrap_or(0),
                epoch,
            },
            // The fence is gone with the agent.
            Err(_) => Error::Cancelled,
        }
    }
}

fn write(path: &Path, seen: &BTreeMap<String, u64>) -> std::io::Result<()> {
    let text = serde_json::to_vec(seen)?;
    let partial = path.with_extension("partial");
    let mut file = std::fs::File::create(&partial)?;
    file.write_all(&text)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    match path.parent() {
        Some(directory) => std::fs::File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use ostler_vocabulary::VaultId;

    use super::Fence;
    use crate::Error;

    #[tokio::test]
    async fn a_former_coordinator_is_refused_also_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fence.json");
        let vault = VaultId::random();
        let fence = Fence::open(&path).unwrap();
        let old = fence.enter("c", vault, 3).unwrap();
        fence.enter("c", vault, 3).unwrap();
        fence.enter("other", vault, 1).unwrap();
        fence.enter("c", VaultId::random(), 1).unwrap();
        fence.enter("c", vault, 4).unwrap();
        assert!(matches!(
            old.superseded().await,
            Error::Superseded {
                seen: 4,
                epoch: 3,
                ..
            }
        ));
        assert!(matches!(fence.enter("c", vault, 0), Err(Error::NoLease)));
        let again = Fence::open(&path).unwrap();
        assert!(matches!(
            again.enter("c", vault, 3),
            Err(Error::Superseded { seen: 4, .. })
        ));
        again.enter("c", vault, 4).unwrap();
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(Fence::open(&path), Err(Error::Fence { .. })));
    }
}
