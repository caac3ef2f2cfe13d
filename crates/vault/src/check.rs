//! Finds what is missing or wrong in a vault.
#![allow(missing_docs, clippy::todo, unused_variables, reason = "skeleton; to go")]

use std::sync::Arc;

use ostler_vocabulary::BackupId;

use crate::{Error, Index, PackId, Vault};

impl Vault {
    /// Finds every pack of the set in the store with the size the index has for it. Returns what is missing or wrong.
    pub async fn check_presence(&self, index: &Index, packs: &[PackId]) -> Result<Vec<ObjectProblem>, Error> {
        todo!()
    }
    /// Reads every object of the vault.
    pub async fn check(
        self: &Arc<Self>,
        read_data: bool,
        progress: &ostler_vocabulary::Progress,
        cancel: &tokio_util::sync::CancellationToken,
    ) -> Result<VaultCheck, Error> {
        todo!()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectProblem {
    pub key: String,
    pub reason: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultCheck {
    pub packs: u64,
    pub chunks: u64,
    pub bytes: u64,
    pub backups: u64,
    pub orphans: u64,
    pub problems: Vec<ObjectProblem>,
    /// Backups that need something missing or wrong, with the first reason.
    pub damaged: Vec<(BackupId, String)>,
}
