//! Finds what is missing or wrong in a vault, or in one backup.
//!
//! Damage is what the store answered with the wrong bytes, or with "there is no such object". A store that does not
//! answer is an error of the check, never damage.

mod backup;
mod inspection;
mod presence;
pub(crate) mod reading;
mod vault;

use std::collections::HashSet;

use ostler_store::Key;
use ostler_vocabulary::{BackupId, Classified, ErrorKind};
use tokio_util::sync::CancellationToken;

use crate::pack::PackTable;
use crate::{Error, PackId};

/// An object that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectProblem {
    /// Its name in the store.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What a check of a whole vault found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultCheck {
    /// Packs in the store.
    pub packs: u64,
    /// Different chunks in them.
    pub chunks: u64,
    /// Bytes of all objects.
    pub bytes: u64,
    /// Commit records.
    pub backups: u64,
    /// Packs that no index segment names: left by an interrupted run, and harmless.
    pub orphans: u64,
    /// Packs that the index names, that are not in the store and that no backup needs: a writer that was stopped while its
    /// backup was given up leaves such entries, and they are harmless.
    pub stale_entries: u64,
    /// Packs in the store that are not what was stored, also those that are in quarantine already.
    pub wrong_packs: Vec<PackId>,
    /// Objects that are missing, wrong, or not a vault's. Not packs in quarantine of which nothing is needed that is not
    /// elsewhere.
    pub problems: Vec<ObjectProblem>,
    /// Backups that need something missing or wrong, with the first reason.
    pub damaged: Vec<(BackupId, String)>,
    /// The other backups: what they need is there, and was read and found right where data was read.
    pub whole: Vec<BackupId>,
}

impl VaultCheck {
    pub(crate) fn is_clean(&self) -> bool {
        self.problems.is_empty() && self.damaged.is_empty() && self.wrong_packs.is_empty()
    }

    /// Whether something is to be looked at again.
    fn leaves(&self, before: &Self) -> bool {
        (self.problems.len(), self.damaged.len(), self.wrong_packs.len())
            != (
                before.problems.len(),
                before.damaged.len(),
                before.wrong_packs.len(),
            )
    }

    /// Keeps what an earlier look found too. What only one of two looks finds was moved between its requests.
    fn keep_common(&mut self, before: &Self) {
        let keys: HashSet<&str> = before
            .problems
            .iter()
            .map(|problem| problem.key.as_str())
            .collect();
        self.problems
            .retain(|problem| keys.contains(problem.key.as_str()));
        self.wrong_packs.retain(|pack| before.wrong_packs.contains(pack));
        let was = |id: &BackupId| before.damaged.iter().any(|(damaged, _)| damaged == id);
        self.damaged.retain(|(id, _)| was(id));
    }

    fn problem(&mut self, key: &Key, reason: String) {
        let key = key.to_string();
        self.problems.push(ObjectProblem { key, reason });
    }
}

/// What a check of one backup found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupCheck {
    /// Regular files it has, each name counted.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Different chunks it needs.
    pub chunks: u64,
    /// Packs it needs.
    pub packs: u64,
    /// What cannot be restored as it was, as (path of a file, reason), in path order; where it is not known which
    /// files are touched, the first is an object or `files from PATH on`.
    pub problems: Vec<(String, String)>,
}

/// Tells damage, with its reason, from a failure to look.
pub(crate) fn damage(error: Error) -> Result<String, Error> {
    match error.kind() {
        ErrorKind::Corrupt | ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Unsupported => {
            Ok(error.to_string())
        }
        _ => Err(error),
    }
}

/// A path of a list as people write it.
fn shown(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path))
}

pub(crate) fn stop_if(cancel: &CancellationToken) -> Result<(), Error> {
    if cancel.is_cancelled() {
        Err(Error::Cancelled("checking stored data"))
    } else {
        Ok(())
    }
}

/// Equal for tables that say the same.
fn digest(table: &PackTable) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&table.id.0);
    hasher.update(&table.size.to_be_bytes());
    hasher.update(&table.header);
    let mut contents = Vec::new();
    table.contents.write(&mut contents);
    hasher.update(&contents);
    hasher.finalize()
}
